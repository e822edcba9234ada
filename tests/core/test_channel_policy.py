"""`channels` of greenlight.yaml: what is good, and what is wrong with what is not."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.channel_policy import RESERVED, ChannelPolicy
from orchestrator.policy import PolicyError, load
from shared.channel_tokens import new_key, public_key
from shared.names import legal_name

TENANT = "11111111-1111-4111-8111-111111111111"
ANA = f"{TENANT}/33333333-0000-4000-8000-00000000000A"
KEY, OTHER = public_key(new_key()), public_key(new_key())
CHANNEL: dict[str, Any] = {
    "name": "servicenow",
    "public_keys": [KEY],
    "voters": [{"name": "Ana", "id": ANA}],
}


def channels(*given: dict[str, Any]) -> tuple[ChannelPolicy, ...]:
    pipeline = {
        "version": 1,
        "environments": [{"name": "dev", "workspace": "/subscriptions/DEV"}],
        "models": [{"match": "*", "probe": {"request": "r.json"}}],
        "channels": list(given),
    }
    return load(pipeline, {"KEY": KEY, "NONE": ""}, legal_name).file.channels


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def test_a_channel_speaks_for_the_people_that_it_names_in_any_case_of_letters() -> None:
    (channel,) = channels(CHANNEL)

    assert channel.max_age == timedelta(minutes=15)
    for person in (ANA, ANA.lower(), ANA.upper()):
        found = channel.voter(person)
        assert found is not None
        assert (found.id, found.name) == (ANA.lower(), "Ana")
    assert channel.voter(ANA.replace("A", "B")) is None


def test_without_channels_nobody_brings_votes() -> None:
    assert channels() == ()


@pytest.mark.parametrize("keys", [["${NONE}"], [], ["", " "]])
def test_a_channel_without_a_key_is_read_and_is_off(keys: list[str]) -> None:
    (channel,) = channels(CHANNEL | {"public_keys": keys})

    assert channel.public_keys == ()


def test_keys_come_from_variables_and_several_are_good_while_they_change() -> None:
    (channel,) = channels(CHANNEL | {"public_keys": [OTHER, "${KEY}"]})

    assert channel.public_keys == (OTHER, KEY)


WEAK = [
    b"\x00" * 32,
    b"\x01" + b"\x00" * 31,
    b"\xec" + b"\xff" * 30 + b"\x7f",
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"public_keys": [KEY[:-4]]}, "channels.0.public_keys: a public key is the 32 bytes"),
        ({"public_keys": [KEY.rstrip("=")]}, "32 bytes"),
        ({"public_keys": [f"{KEY}\n{KEY}"]}, "32 bytes"),
        ({"public_keys": [new_key()]}, "this is a private key"),
        *(({"public_keys": [encoded(point)]}, "weak") for point in WEAK),
        ({"public_keys": [KEY, KEY]}, "named twice"),
        ({"public_keys": [KEY] * 5}, "at most 4"),
        ({"public_keys": KEY}, "valid tuple"),
        ({"voters": []}, "at least 1"),
        ({"voters": [{"name": "Ana", "id": "ana@example.com"}]}, "write TENANT/OBJECT-ID"),
        ({"voters": [{"name": "Leads", "group": TENANT}]}, "group: Extra inputs"),
        ({"voters": [{"id": ANA}]}, "voters.0.name: Field required"),
        ({"voters": [{"name": "A", "id": ANA}, {"name": "B", "id": ANA.lower()}]}, "names a voter twice"),
        ({"max_age": "0s"}, "more than 0s"),
        ({"max_age": "2d"}, "1d at most"),
        ({"max_age": "soon"}, "write a duration"),
        ({"secret": "x"}, "secret: Extra inputs"),
        *(({"name": name}, "channel name") for name in ("", "a", "Page", "a_b", "a" * 31, "7bot", *RESERVED)),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError) as wrong:
        channels(CHANNEL | changes)

    assert said in str(wrong.value)
    assert "channels.0" in str(wrong.value)
    assert "PRIVATE KEY" not in str(wrong.value)


@pytest.mark.parametrize(
    ("second", "said"),
    [({"public_keys": [OTHER]}, "channel names repeat: servicenow"), ({"name": "chat"}, "share a key")],
)
def test_a_name_and_a_key_stand_for_one_channel(second: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        channels(CHANNEL, CHANNEL | second)
