"""One thing is broken in the local cloud or its settings, and `greenlight doctor` names it, and it alone."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from local import faults
from local.config import APP_IDENTITY, LATER_SUBSCRIPTION
from local.eventgrid.events import CLOUD_EVENTS
from local.eventgrid.service import DEFAULT, default_subscription
from local.identity import DEPLOYER_CLIENT
from local.teams import WORKFLOW
from orchestrator import doctor_cli
from orchestrator.doctor.telling import NOT_KNOWN, WRONG
from tests.cloud.doctoring import AS_DEPLOYER, codes, command, not_well
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.config import LocalConfig
    from tests.cloud.inside import Inside

    Asked = Callable[..., tuple[int, Any]]

NOBODYS = "99999999-0000-4000-8000-000000000001"
CHECKS = ("workspace", "rights", "copies", "endpoint names")
SECONDS = 180.0


@pytest.fixture
def asked(inside: Inside, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asked:
    """The command in this process, which has the settings of the app, as whoever deploys."""
    monkeypatch.setenv("AZURE_CLIENT_ID", DEPLOYER_CLIENT)

    def ask(*checks: str, **changed: str) -> tuple[int, Any]:
        only = [word for check in checks for word in ("--only", check)]
        code = doctor_cli.main([*AS_DEPLOYER, *only], {**os.environ, **changed})
        return code, json.loads(capsys.readouterr().out)

    return ask


@contextmanager
def fault(config: LocalConfig, **rule: Any) -> Iterator[None]:
    name = faults.add(config, rule)
    try:
        yield
    finally:
        faults.remove(config, name)


@pytest.mark.parametrize(
    ("part", "by", "code", "said"),
    [
        (
            "resourceGroups",
            "resourceGroup",
            "workspace_id",
            "segment 3 is 'resourceGroup', not 'resourceGroups'",
        ),
        ("mlw-qa", "mlw-aq", "workspace_missing", "the workspace mlw-aq does not exist"),
        (
            "rg-greenlight-qa",
            "rg-greenlight-qq",
            "workspace_missing",
            "resource group rg-greenlight-qq does not",
        ),
        (
            LATER_SUBSCRIPTION,
            NOBODYS,
            "workspace_missing",
            f"the subscription {NOBODYS} does not exist",
        ),
    ],
)
def test_a_workspace_id_with_a_typo(asked: Asked, part: str, by: str, code: str, said: str) -> None:
    right = os.environ["GREENLIGHT_QA_WORKSPACE"]
    exit_code, told = asked(*CHECKS, GREENLIGHT_QA_WORKSPACE=right.replace(part, by))

    assert exit_code == WRONG
    assert codes(told) == ["not_known", code]
    (finding,) = (f for f in told["findings"] if f["code"] == code)
    assert said in finding["wrong"]
    assert f"did you mean {right}?" in finding["wrong"]
    assert f"GREENLIGHT_QA_WORKSPACE={right}" in finding["mend"][-1]
    assert [check for check in not_well(told) if not check.endswith(" qa")] == ["endpoint names"]


def test_a_missing_role(asked: Asked, inside: Inside) -> None:
    with fault(inside.config, on="role", role="Greenlight target", absent=True):
        code, told = asked("rights", "workspace")

    assert (code, codes(told), not_well(told)) == (WRONG, ["rights"], {"rights qa": "wrong"})
    (finding,) = told["findings"]
    assert "onlineEndpoints/deployments/write" in finding["wrong"]
    assert f"--assignee-object-id {APP_IDENTITY}" in finding["mend"][-1]


@pytest.mark.parametrize(
    ("role", "code", "check"),
    [
        ("Greenlight quota", "region_rights", {"rights dev", "rights qa"}),
        ("Storage Blob Data Reader", "data_rights", {"rights dev"}),
        ("Storage Table Data Contributor", "data_rights", {"rights glapp"}),
    ],
)
def test_other_missing_roles(asked: Asked, inside: Inside, role: str, code: str, check: set[str]) -> None:
    with fault(inside.config, on="role", role=role, absent=True):
        _, told = asked("rights")

    assert (codes(told), set(not_well(told))) == ([code], check)


def test_a_topic_that_may_not_write_dead_letters(asked: Asked, inside: Inside) -> None:
    with fault(inside.config, on="role", scope="*/eventgrid-deadletter", absent=True):
        _, told = asked("events")

    assert codes(told) == ["dead_letter_rights"]


def test_a_topic_of_our_own_that_the_app_may_not_send_to(asked: Asked, inside: Inside) -> None:
    with fault(inside.config, on="role", role="EventGrid Data Sender", absent=True):
        code, told = asked("own topic")

    assert (code, codes(told), not_well(told)) == (WRONG, ["own_topic_rights"], {"own topic": "wrong"})
    (finding,) = told["findings"]
    assert f"{APP_IDENTITY} lacks Microsoft.EventGrid/events/send/action" in finding["wrong"]


def test_a_topic_of_our_own_that_is_not_there(asked: Asked) -> None:
    there = os.environ["GREENLIGHT_EVENTS_TOPIC"]
    _, told = asked("own topic", GREENLIGHT_EVENTS_TOPIC=there.replace("westeurope", "northeurope"))

    assert codes(told) == ["own_topic_silent"]


def test_a_second_system_topic(asked: Asked, inside: Inside) -> None:
    with fault(inside.config, on="system_topics", second="somebody-elses"):
        code, told = asked("events")

    assert (code, codes(told)) == (WRONG, ["topic_second"])
    (finding,) = told["findings"]
    assert "greenlight-mlw-dev (holds ours), somebody-elses (without ours)" in finding["wrong"]
    assert finding["mend"][0].startswith(
        "az eventgrid system-topic delete --name somebody-elses --subscription"
    )


def test_a_subscription_with_the_wrong_schema(asked: Asked, inside: Inside) -> None:
    """A second one to the same function, whose filter lets nothing through: the cloud is others', too."""
    properties = {
        **default_subscription(inside.config).properties,
        "eventDeliverySchema": CLOUD_EVENTS,
        "filter": {"subjectBeginsWith": "nothing/is/called/so"},
    }
    place = f"http://127.0.0.1:{inside.config.port('eventgrid')}/subscriptions"
    httpx.put(f"{place}/clouded", json=properties, trust_env=False).raise_for_status()
    try:
        code, told = asked("events")
    finally:
        httpx.delete(f"{place}/clouded", trust_env=False)

    assert (code, codes(told)) == (WRONG, ["subscription_filter", "subscription_schema"])
    assert {f["where"] for f in told["findings"]} == {"greenlight-mlw-dev/clouded"}
    wrong = next(f for f in told["findings"] if f["code"] == "subscription_schema")
    assert wrong["wrong"].endswith(f"delivers {CLOUD_EVENTS}, not EventGridSchema")
    assert DEFAULT not in wrong["wrong"]


def test_an_expired_signing_key(asked: Asked) -> None:
    key = os.environ["GREENLIGHT_LINK_KEYS"]
    code, told = asked("keys", "settings", GREENLIGHT_LINK_KEYS=f"{key};until=2026-01-31")

    assert (code, codes(told), not_well(told)) == (WRONG, ["key_expired"], {"keys": "wrong"})
    assert "expired at 2026-02-01 00:00 UTC; no key is in force" in told["findings"][0]["wrong"]
    assert key not in json.dumps(told)


def test_teams_answering_404(asked: Asked) -> None:
    address = os.environ["GREENLIGHT_TEAMS_WEBHOOK"]
    code, told = asked("webhooks", GREENLIGHT_TEAMS_WEBHOOK=address.replace(WORKFLOW, "f" * 32))

    assert (code, codes(told), not_well(told)) == (WRONG, ["teams_gone"], {"webhooks": "wrong"})
    assert "404 WorkflowNotFound" in told["findings"][0]["wrong"]
    assert "sig=" not in json.dumps(told)


def test_a_teams_address_that_was_cut_short(asked: Asked) -> None:
    address = os.environ["GREENLIGHT_TEAMS_WEBHOOK"].partition("&sig=")[0]
    _, told = asked("webhooks", GREENLIGHT_TEAMS_WEBHOOK=address)

    assert codes(told) == ["teams_refused"]


def test_sign_in_off_though_policy_needs_it(asked: Asked) -> None:
    code, told = asked("sign-in", WEBSITE_AUTH_ENABLED="False")

    assert (code, codes(told), not_well(told)) == (WRONG, ["sign_in_off"], {"sign-in": "wrong"})
    assert "operators of qa" in told["findings"][0]["wrong"]


def test_settings_that_are_missing_hide_nothing_else(asked: Asked) -> None:
    changed = {
        "GREENLIGHT_JOURNAL_KEY": "@Microsoft.KeyVault(SecretUri=x)",
        "GREENLIGHT_SKEW_SECONDS": "soon",
    }
    _, told = asked("settings", "keys", "clocks", "webhooks", **changed)

    assert codes(told) == ["not_known", "setting", "setting_unresolved"]
    assert not_well(told) == {"settings": "wrong", "keys": "not_known", "clocks": "not_known"}


def test_a_pipeline_file_that_is_wrong(asked: Asked) -> None:
    code, told = asked(GREENLIGHT_CONFIG="nowhere.yaml")

    assert code == WRONG
    assert not_well(told) == {"greenlight.yaml": "wrong", "everything else": "not_known"}


def test_a_state_account_without_its_tables(asked: Asked, inside: Inside) -> None:
    _, told = asked("tables", GREENLIGHT_STORAGE__tableServiceUri=inside.config.storage_url("gldev", "table"))

    assert "table_missing" in codes(told)
    missing = [f["mend"][0] for f in told["findings"] if f["code"] == "table_missing"]
    assert any("az storage table create" in line and "--name deadletters" in line for line in missing)


def test_a_quota_that_is_too_small(asked: Asked, inside: Inside) -> None:
    with fault(inside.config, on="quota", family="standardDSv2Family", cores=1):
        _, told = asked("quota")

    assert codes(told) == ["quota"]
    assert not_well(told) == {"quota dev": "wrong", "quota qa": "wrong"}


def test_what_does_not_answer_is_not_known(asked: Asked, inside: Inside) -> None:
    with fault(inside.config, on="arm", path="*/systemTopics*", status=503):
        code, told = asked("events", "keys")

    assert (code, not_well(told)) == (NOT_KNOWN, {"events dev": "not_known"})


def test_whoever_is_not_signed_in_learns_it_once(inside: Inside) -> None:
    nobody = {"IDENTITY_ENDPOINT": "http://127.0.0.1:1/nobody"}

    def answered() -> Any:
        """A busy host may be silent for a moment: that is another finding, and not this test's."""
        done = command(inside, "--json", "--seconds", "60", **nobody)
        told = json.loads(done.stdout)
        return None if any(f["code"] == "app_silent" for f in told["findings"]) else (done, told)

    done, told = eventually(answered, SECONDS, "the app answers doctor")
    wrong = [f for f in told["findings"] if f["code"] != "not_known"]
    assert (done.returncode, done.stderr) == (WRONG, "")
    assert [(f["code"], f["mend"]) for f in wrong] == [("no_token", ["az login"])]
    unseen = [f["wrong"] for f in told["findings"] if f["code"] == "not_known"]
    assert set(unseen) == {"a token for Azure is missing or wrong"}
    well = {c["check"] for c in told["checks"] if c["result"] == "well"}
    assert well == {"settings", "greenlight.yaml", "webhooks", "keys", "clocks", "sign-in"}
