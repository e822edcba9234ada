"""Votes that registered channels bring, and everything that is refused on that way."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from orchestrator import triggers
from orchestrator.approval import Decision, VoteOutcome
from orchestrator.deadletters import DeadLetter
from orchestrator.model import Phase, Verdict
from shared.channel_tokens import TYPE, new_key, public_key
from tests.engine.town import ANA, BEN, BRIDGE, OSCAR, PIPELINE, QA, Town

OTHER = new_key()
ELSEWHERE = "99999999-1111-4111-8111-111111111111"
TWO_CHANNELS = PIPELINE.replace(
    "    approval:", f"    operators: [{{name: Ben, id: {BEN.id}}}]\n    approval:"
).replace(
    "models:",
    f"""  - {{name: chat, public_keys: ["{public_key(OTHER)}"], voters: [{{name: Oscar, id: {OSCAR.id}}}]}}
models:""",
)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return asked(Town(tmp_path, TWO_CHANNELS))


def asked(town: Town, version: str = "1") -> Town:
    town.register(version)
    town.announce(version)
    town.settle()
    return town


def letters(town: Town) -> list[DeadLetter]:
    return town.app.dead.listed(None, 100, now=town.clock.now())


def waiting(town: Town) -> bool:
    return town.state(QA).promotions[1].phase is Phase.AWAITING_APPROVAL and not town.state(QA).votes.get(1)


def claims(town: Town, **changes: Any) -> dict[str, Any]:
    token = json.loads(town.message())["signed"]
    return jwt.decode(token, options={"verify_signature": False}) | changes


def by_hand(said: dict[str, Any], key: Any = BRIDGE, alg: str = "EdDSA", **header: Any) -> str:
    """A message as someone makes it who uses none of our code."""
    token = jwt.encode(said, key, algorithm=alg, headers={"typ": TYPE} | header)
    return json.dumps({"version": 2, "kind": "approval.decided", "signed": token})


# ---- what counts


def test_a_signed_message_does_the_same_as_the_page_and_says_who_proved_it(town: Town) -> None:
    triggers.approval_message(town.app, town.message(comment="ticket 7"))
    (vote,) = town.state(QA).votes[1]
    town.settle()

    assert town.promotion(1).verdict is Verdict.LIVE
    assert (vote.approver, vote.name, vote.channel, vote.comment) == (ANA.id, "Ana", "bridge", "ticket 7")
    assert vote.proof
    (row,) = [r for r in town.app.ledger.journal(QA) if r.entry.what == "vote.approve"]
    assert row.entry.after == f"bridge, message {vote.message}, key {vote.proof}"
    assert letters(town) == []


def test_any_jose_library_can_make_one(town: Town) -> None:
    triggers.approval_message(town.app, by_hand(claims(town)))

    assert len(town.state(QA).votes[1]) == 1


def test_the_same_message_twice_is_one_vote_and_no_trouble(town: Town) -> None:
    text = town.message()

    outcomes = [town.app.channels.take(text) for _ in range(3)]
    town.settle()
    outcomes.append(town.app.channels.take(text))

    assert [o and o.kind for o in outcomes] == ["recorded", "repeated", "repeated", "repeated"]
    assert letters(town) == []


def test_two_keys_count_while_one_replaces_the_other_and_then_the_old_one_does_not(tmp_path: Path) -> None:
    new = public_key(OTHER)
    both = PIPELINE.replace('["${BRIDGE_KEY}"]', f'["{new}", "${{BRIDGE_KEY}}"]')
    one = PIPELINE.replace('["${BRIDGE_KEY}"]', f'["{new}"]')
    kinds: list[str | None] = []
    for number, (pipeline, key) in enumerate([(both, OTHER), (both, BRIDGE), (one, OTHER), (one, BRIDGE)]):
        (tmp_path / str(number)).mkdir()
        town = asked(Town(tmp_path / str(number), pipeline))
        outcome = town.app.channels.take(town.message(private_pem=key))
        kinds.append(outcome and outcome.kind)

    assert kinds == ["recorded", "recorded", "recorded", None]


# ---- one person, two ways


def test_one_person_through_page_and_queue_is_one_approval(tmp_path: Path) -> None:
    town = asked(Town(tmp_path, PIPELINE.replace("required: 1", "required: 2")))

    town.vote(ANA, Decision.APPROVE)
    again = town.app.channels.take(town.message(ANA, voter=ANA.id.upper()))
    town.settle()

    assert again is not None
    assert again.kind == "repeated"
    assert len(town.state(QA).votes[1]) == 1
    assert town.state(QA).promotions[1].phase is Phase.AWAITING_APPROVAL

    triggers.approval_message(town.app, town.message(BEN))
    town.settle()
    assert town.promotion(1).verdict is Verdict.LIVE


@pytest.mark.parametrize("first", ["page", "queue"])
def test_the_first_answer_stands_whichever_way_it_came(town: Town, first: str) -> None:
    ways = {
        "page": lambda: town.vote(ANA, Decision.REJECT, comment="no"),
        "queue": lambda: town.app.channels.take(town.message()),
    }
    order = sorted(ways, key=lambda way: way != first)

    outcomes = [ways[way]() for way in order]

    assert [o and o.kind for o in outcomes] == ["recorded", "conflict"]
    (vote,) = town.state(QA).votes[1]
    assert vote.decision is (Decision.REJECT if first == "page" else Decision.APPROVE)


def test_two_opposite_votes_of_one_person_at_once_are_one_vote(town: Town) -> None:
    text, outcomes, start = town.message(), list[VoteOutcome | None](), threading.Barrier(2)

    def page() -> None:
        start.wait()
        outcomes.append(town.vote(ANA, Decision.REJECT, comment="no"))

    def queue() -> None:
        start.wait()
        outcomes.append(town.app.channels.take(text))

    threads = [threading.Thread(target=way) for way in (page, queue)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(o.kind for o in outcomes if o) == ["conflict", "recorded"]
    assert len(town.state(QA).votes[1]) == 1


def test_a_message_id_brings_one_vote_only(town: Town) -> None:
    id_ = "the-same-id-for-everyone"
    first = town.app.channels.take(town.message(ANA, Decision.REJECT, id=id_, comment="no"))

    others = [
        town.app.channels.take(town.message(ANA, Decision.APPROVE, id=id_)),
        town.app.channels.take(town.message(BEN, Decision.APPROVE, id=id_)),
    ]

    assert [o and o.kind for o in (first, *others)] == ["recorded", "conflict", "conflict"]
    assert len(town.state(QA).votes[1]) == 1


# ---- time


@pytest.mark.parametrize(
    ("signed", "code"),
    [
        (-15 * 60, None),
        (-15 * 60 - 1, "too_old"),
        (-86400, "too_old"),
        (5 * 60, None),
        (5 * 60 + 1, "future"),
        (10**9, "future"),
    ],
)
def test_a_vote_is_signed_lately_by_a_clock_that_may_be_five_minutes_off(
    town: Town, signed: int, code: str | None
) -> None:
    triggers.approval_message(town.app, town.message(now=town.clock.now() + timedelta(seconds=signed)))

    assert [x.reason.partition(":")[0] for x in letters(town)] == ([code] if code else [])
    assert waiting(town) is (code is not None)


def test_a_vote_that_waited_for_us_on_the_queue_is_not_too_old(town: Town) -> None:
    text, came = town.message(), town.clock.now()
    town.clock.advance(6 * 3600)

    outcome = town.app.channels.take(text, came)
    sent_again = town.app.channels.take(town.message(BEN, now=came), town.clock.now())

    assert outcome is not None
    assert outcome.kind == "recorded"
    assert sent_again is None


def test_one_that_is_authentic_and_late_says_so(town: Town) -> None:
    town.clock.advance(timedelta(days=8).total_seconds())

    triggers.approval_message(town.app, town.message())

    (letter,) = letters(town)
    assert letter.reason == ("closed: authentic, from bridge for Ana, but this request is already expired")


def test_a_channel_without_a_key_is_off(tmp_path: Path) -> None:
    town = asked(Town(tmp_path, PIPELINE.replace("${BRIDGE_KEY}", "")))

    triggers.approval_message(town.app, town.message())

    (letter,) = letters(town)
    assert "it is off" in letter.reason


@pytest.mark.parametrize("zone", ["+00:00", ""])
def test_the_trigger_tells_when_the_storage_service_got_the_message(
    town: Town, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    from azure.functions.meta import Datum
    from azure.functions.queue import QueueMessageInConverter

    import function_app

    text, came = town.message(), town.clock.now()
    told = Datum(json.dumps(f"{came:%Y-%m-%dT%H:%M:%S}{zone}"), "json")
    message = QueueMessageInConverter.decode(Datum(text, "string"), trigger_metadata={"InsertionTime": told})
    monkeypatch.setattr(function_app, "product", lambda: town.app)
    town.clock.advance(6 * 3600)

    function_app.on_approval_message(message)  # type: ignore[operator]

    assert len(town.state(QA).votes[1]) == 1
