"""Settings as they may be given: what is read, what is refused, and what the app does without."""

from __future__ import annotations

import pytest

from shared.errors import Invalid
from shared.settings import TABLE, read

SETTINGS = {
    "GREENLIGHT_BASE_URL": "https://greenlight.example/",
    "GREENLIGHT_STORAGE__tableServiceUri": "https://a.table.core.windows.net",
    "GREENLIGHT_STORAGE__queueServiceUri": "https://a.queue.core.windows.net",
    "GREENLIGHT_STORAGE__blobServiceUri": "https://a.blob.core.windows.net",
    "GREENLIGHT_LINK_KEYS": "the newest link key, an older link key",
    "GREENLIGHT_JOURNAL_KEY": "a long enough journal key",
    "GREENLIGHT_TENANT": "11111111-1111-4111-8111-111111111111",
}

REFERENCE = "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/x)"


def test_settings_are_read_once_and_typed() -> None:
    settings = read(SETTINGS)

    assert settings.base_url == "https://greenlight.example"
    assert settings.link_keys == ("the newest link key", "an older link key")
    assert settings.claim_for.total_seconds() == 55
    assert not settings.auth_enabled


@pytest.mark.parametrize("name", [s.name for s in TABLE if s.default is None])
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(Invalid, match=f"{name} is not set"):
        read({k: v for k, v in SETTINGS.items() if k != name})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GREENLIGHT_BASE_URL", "greenlight.example", "must be an address"),
        ("GREENLIGHT_LEASE_SECONDS", "soon", "must be a number"),
        ("GREENLIGHT_PACE", "0", "from 1 to 1000"),
        ("GREENLIGHT_JOURNAL_KEY", "short", "at least 16 characters"),
        ("GREENLIGHT_JOURNAL_KEY", REFERENCE, "Key Vault reference is not resolved"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(name: str, value: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read(SETTINGS | {name: value})


@pytest.mark.parametrize(
    ("given", "kept", "wrong"),
    [
        ("a long enough key,short", ("a long enough key",), "at least 16 characters"),
        ("short", (), "at least 16 characters"),
        (REFERENCE, (), "Key Vault reference is not resolved"),
        ("a long enough key;until=soon", (), "write the last day as"),
    ],
)
def test_a_link_key_that_cannot_be_one_is_left_out_and_said(
    given: str, kept: tuple[str, ...], wrong: str
) -> None:
    """What anybody can guess signs nothing; everything else goes on."""
    settings = read(SETTINGS | {"GREENLIGHT_LINK_KEYS": given})

    assert settings.link_keys == kept
    (flaw,) = settings.flaws
    assert flaw.where.startswith("GREENLIGHT_LINK_KEYS, key ")
    assert wrong in flaw.wrong
    assert given not in f"{flaw}"


GREAT = "https://greenlight-x.westeurope-1.eventgrid.azure.net/api/events"


@pytest.mark.parametrize(
    ("given", "arm"),
    [
        (GREAT, "https://management.azure.com"),
        (GREAT.replace(".net", ".us"), "https://management.usgovcloudapi.net/"),
        (GREAT.replace(".net", ".cn"), "https://management.chinacloudapi.cn"),
        (GREAT.replace("azure.net", "greenlight.test"), "https://management.greenlight.test"),
    ],
)
def test_a_topic_is_one_of_its_clouds_event_grid(given: str, arm: str) -> None:
    settings = read(SETTINGS | {"GREENLIGHT_EVENTS_TOPIC": given, "GREENLIGHT_ARM_ENDPOINT": arm})

    assert (settings.events_topic, settings.flaws) == (given, ())


@pytest.mark.parametrize(
    "given",
    [
        "greenlight-x",
        GREAT.replace("https", "http"),
        GREAT.replace(".azure.net", ".azure.net.example.com"),
        GREAT.replace(".azure.net", ".greenlight.test"),
        GREAT.replace("eventgrid.azure.net", "xeventgrid.azure.net"),
        GREAT.replace("greenlight-x.westeurope-1.", ""),
        GREAT.replace("/api/events", ""),
        GREAT.replace(".net/", ".net:8443/"),
        GREAT.replace("//", "//example.com@"),
        GREAT.replace("azure.net/", "azure.net:x/"),
        f"{GREAT}?code=1",
        "https://[::1/api/events",
        REFERENCE,
    ],
)
def test_a_topic_elsewhere_gets_no_token_and_stops_nothing_else(given: str) -> None:
    settings = read(SETTINGS | {"GREENLIGHT_EVENTS_TOPIC": given})

    assert settings.events_topic == ""
    (flaw,) = settings.flaws
    assert flaw.where == "GREENLIGHT_EVENTS_TOPIC"
    assert given not in f"{flaw}"


@pytest.mark.parametrize("given", ["teams.example/workflow", REFERENCE])
def test_a_wrong_teams_address_stops_nothing_else(given: str) -> None:
    settings = read(SETTINGS | {"GREENLIGHT_TEAMS_WEBHOOK": given})

    assert settings.teams_webhook == ""
    assert [flaw.where for flaw in settings.flaws] == ["GREENLIGHT_TEAMS_WEBHOOK"]
    assert read(SETTINGS).flaws == ()
