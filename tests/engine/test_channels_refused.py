"""Messages on `approval-decisions` that vote for nobody: each is kept with its reason, and stays out."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator import triggers
from orchestrator.approval import Decision
from orchestrator.channels import NEVER
from orchestrator.deadletters import DeadLetter
from orchestrator.messages import NotProven, proven
from orchestrator.model import Verdict
from shared.channel_tokens import new_key, public_key
from shared.errors import Invalid, Unavailable
from shared.identity import Principal
from shared.queues import APPROVAL_DECISIONS
from tests.engine.test_channels import (
    ELSEWHERE,
    OTHER,
    TWO_CHANNELS,
    asked,
    by_hand,
    claims,
    letters,
    waiting,
)
from tests.engine.town import ANA, BEN, BRIDGE, OSCAR, QA, TENANT, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return asked(Town(tmp_path, TWO_CHANNELS))


FORGED: dict[str, Any] = {
    "unsigned, as it was before": (
        "unsigned",
        lambda t: json.dumps(
            {
                "version": 1,
                "kind": "approval.decided",
                "promotion": "titanic.qa.1.1",
                "number": 1,
                "hash": t.state(QA).requests[1].hash,
                "decision": "approve",
                "approver": ANA.id,
            }
        ),
    ),
    "unsigned, as it is now": ("unsigned", lambda t: json.dumps({"version": 2, **claims(t)})),
    "a key that nobody knows": ("signature", lambda t: t.message(private_pem=new_key())),
    "the key of another channel": ("signature", lambda t: t.message(private_pem=OTHER)),
    "another channel's name": ("signature", lambda t: t.message(OSCAR, channel="chat")),
    "a channel that nobody knows": ("channel", lambda t: t.message(channel="stranger")),
    "someone outside its list": ("voter", lambda t: t.message(OSCAR)),
    "another tenant's person": ("voter", lambda t: t.message(voter=f"{ELSEWHERE}/{ANA.oid}")),
    "the channel of someone else": ("voter", lambda t: t.message(private_pem=OTHER, channel="chat")),
    "another request's hash": ("changed", lambda t: t.message(hash="f" * 64)),
    "a hash that is none": ("claims", lambda t: t.message(hash="f" * 63)),
    "a promotion that is not there": ("closed", lambda t: t.message(promotion="titanic.qa.1.9")),
    "a promotion id that is none": ("claims", lambda t: t.message(promotion="nonsense")),
    "another request": ("closed", lambda t: t.message(number=2)),
    "a decision that is none": ("claims", lambda t: by_hand(claims(t, decision="maybe"))),
    "a rejection without a reason": ("needs_comment", lambda t: t.message(ANA, Decision.REJECT)),
    "an approver by name": ("claims", lambda t: t.message(voter="Ana")),
    "an id that can be guessed": ("claims", lambda t: t.message(id="1")),
    "a claim more": ("claims", lambda t: by_hand(claims(t, groups=["admins"]))),
    "a claim less": ("claims", lambda t: by_hand({k: v for k, v in claims(t).items() if k != "jti"})),
    "a time that is text": ("claims", lambda t: by_hand(claims(t, iat=str(claims(t)["iat"])))),
    "an unknown version outside": (
        "version",
        lambda t: json.dumps(json.loads(t.message()) | {"version": 3}),
    ),
    "an unknown version inside": ("version", lambda t: by_hand(claims(t, version=3))),
    "a field more": ("unreadable", lambda t: json.dumps(json.loads(t.message()) | {"note": "hello"})),
    "a token of another kind": ("unreadable", lambda t: by_hand(claims(t), typ="JWT")),
    "no algorithm": ("unreadable", lambda t: by_hand(claims(t), key=None, alg="none")),
    "the public key as a secret": (
        "unreadable",
        lambda t: by_hand(claims(t), key=public_key(BRIDGE), alg="HS256"),
    ),
    "a key brought along": ("unreadable", lambda t: by_hand(claims(t), jwk={"kty": "OKP"})),
    "not JSON": ("unreadable", lambda t: "approve please"),
    "half of it": ("unreadable", lambda t: t.message()[:200]),
    "nothing": ("unreadable", lambda t: ""),
    "a list": ("unreadable", lambda t: "[]"),
    "very deep": ("unreadable", lambda t: "[" * 60_000),
    "a comment of a megabyte": ("unreadable", lambda t: by_hand(claims(t, comment="x" * 1_000_000))),
    "a comment of 2001 characters": ("claims", lambda t: by_hand(claims(t, comment="x" * 2001))),
}


@pytest.mark.parametrize(("code", "make"), FORGED.values(), ids=FORGED)
def test_what_is_not_proven_votes_for_nobody_and_is_kept_with_its_reason(
    town: Town, code: str, make: Any
) -> None:
    text = make(town)

    triggers.approval_message(town.app, text)
    town.settle()

    assert waiting(town)
    (letter,) = letters(town)
    assert letter.reason.partition(":")[0] == code
    assert not letter.replayable
    assert_without_secrets(letter, text)


def assert_without_secrets(letter: DeadLetter, text: str) -> None:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return
    signed = message.get("signed", "") if isinstance(message, dict) else ""
    kept = letter.payload + letter.reason
    assert [part for part in signed.split(".") if part and (part in kept or part[-40:] in kept)] == []


def test_a_comment_that_is_too_long_is_refused_before_it_is_signed(town: Town) -> None:
    with pytest.raises(Invalid, match="at most 2000 characters"):
        town.message(comment="x" * 1_000_000)


def test_a_token_that_is_changed_at_any_position_proves_nothing(town: Town) -> None:
    message = json.loads(town.message(comment="fine"))
    token, now = message["signed"], town.clock.now()
    channels = town.app.policy.file.channels

    def proves(changed: str) -> bool:
        text = json.dumps(message | {"signed": changed})
        try:
            proven(text, channels, came=now, now=now, parking_key=b"k")
        except NotProven:
            return False
        return True

    flipped = [
        token[:i] + chr(ord(token[i]) ^ 1 << bit) + token[i + 1 :]
        for i in range(len(token))
        for bit in range(7)
    ]
    assert proves(token)
    assert [text for text in flipped if proves(text)] == []
    assert [i for i in range(len(token)) if proves(token[:i])] == []
    assert not proves(f"{token}=")
    assert not proves(f"{token}\n")


# ---- dead letters, and votes that an outage parked


def test_a_refused_vote_is_shown_and_never_replayed(town: Town) -> None:
    operator = Principal(tenant=TENANT, oid=BEN.oid, name="Ben")
    triggers.approval_message(town.app, town.message(hash="f" * 64))
    (letter,) = letters(town)

    told = town.app.operating.replay(letter.id, by=operator)

    assert (told.kind, told.message) == ("closed", NEVER)
    assert json.loads(letter.payload)["sub"] == ANA.id
    assert waiting(town)


def test_an_outage_parks_a_vote_and_it_counts_when_it_is_over(town: Town) -> None:
    text, came = town.message(), town.clock.now()
    for _ in range(20):  # five tries fail, it rests, it comes back: for hours
        town.clock.advance(150)
        triggers.poison(town.app, APPROVAL_DECISIONS, text, came)
        assert town.queues.take(APPROVAL_DECISIONS) == []
        town.clock.advance(600)
        (text,) = town.queues.take(APPROVAL_DECISIONS)
        came = town.clock.now()

    triggers.approval_message(town.app, text, came)
    town.settle()

    assert town.promotion(1).verdict is Verdict.LIVE
    (letter,) = letters(town)
    assert letter.reason.startswith("parked: authentic, from bridge for Ana")
    assert letter.replayed is not None
    assert_without_secrets(letter, text)


def test_a_vote_is_parked_although_the_tables_are_down(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    text = town.message()
    table = type(town.store.table("deadletters"))

    def down(*_: object, **__: object) -> None:
        raise Unavailable("the tables are down")

    monkeypatch.setattr(table, "commit", down)
    triggers.poison(town.app, APPROVAL_DECISIONS, text, town.clock.now())
    monkeypatch.undo()
    town.clock.advance(600)

    (back,) = town.queues.take(APPROVAL_DECISIONS)
    triggers.approval_message(town.app, back)
    assert len(town.state(QA).votes[1]) == 1


def test_one_that_waited_long_for_us_goes_back_at_its_first_failure(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, came = town.message(), town.clock.now()
    table = type(town.store.table("slots"))

    def down(*_: object, **__: object) -> None:
        raise Unavailable("the tables are down")

    monkeypatch.setattr(table, "commit", down)
    with pytest.raises(Unavailable):  # the host tries it again
        triggers.approval_message(town.app, text, came)
    town.clock.advance(3600)
    triggers.approval_message(town.app, text, came)
    monkeypatch.undo()
    town.clock.advance(600)

    (back,) = town.queues.take(APPROVAL_DECISIONS)
    triggers.approval_message(town.app, back, town.clock.now())
    assert len(town.state(QA).votes[1]) == 1


def test_a_vote_is_not_parked_for_ever(town: Town) -> None:
    text = town.message()
    triggers.poison(town.app, APPROVAL_DECISIONS, text)
    town.clock.advance(timedelta(days=7, minutes=1).total_seconds())
    (text,) = town.queues.take(APPROVAL_DECISIONS)

    triggers.poison(town.app, APPROVAL_DECISIONS, text)

    assert town.queues.take(APPROVAL_DECISIONS) == []
    assert sorted(x.reason.partition(":")[0] for x in letters(town)) == ["gave_up", "parked"]


def test_what_is_not_proven_is_not_parked(town: Town) -> None:
    triggers.poison(town.app, APPROVAL_DECISIONS, town.message(private_pem=OTHER))

    assert town.queues.parsed(APPROVAL_DECISIONS) == []
    assert [x.reason.partition(":")[0] for x in letters(town)] == ["signature"]


@pytest.mark.parametrize("how", ["another time", "another message", "made up", "not even a time"])
def test_only_greenlight_says_when_a_parked_message_came(town: Town, how: str) -> None:
    old, other = town.message(), json.loads(town.message())
    triggers.poison(town.app, APPROVAL_DECISIONS, old)
    town.clock.advance(3600)
    (text,) = town.queues.take(APPROVAL_DECISIONS)
    back = json.loads(text)
    match how:
        case "another time":
            back["parked"]["at"] = town.clock.now().isoformat()
        case "another message":
            back["signed"] = other["signed"]
        case "made up":
            back["parked"]["mac"] = "0" * 64
        case _:
            back["parked"] = {"at": "now", "mac": "ü"}

    triggers.approval_message(town.app, json.dumps(back))

    assert waiting(town)
    assert {x.reason.partition(":")[0] for x in letters(town)} - {"parked"} == {"note"}


def test_the_log_holds_no_token(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    texts = [town.message(), town.message(private_pem=OTHER), town.message(hash="f" * 64)]

    for text in texts:
        triggers.approval_message(town.app, text)
        triggers.poison(town.app, APPROVAL_DECISIONS, text)

    parts = [part for text in texts for part in json.loads(text)["signed"].split(".")]
    assert [part for part in parts if part in caplog.text] == []
