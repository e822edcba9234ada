"""Abort, hold and lapse while an approved traffic write is in flight: each says that it comes after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.app import web_of
from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.explain import explain, explain_slot
from orchestrator.model import Phase, Promotion, Reason, Verdict
from shared.store import Merge
from tests.edges.world import HTML, signed_in
from tests.engine.test_operators import OPERATED, asked, live, tell_of, until
from tests.engine.town import ANA, BEN, QA, Town

AFTER = "effective after its traffic write of"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """Version 2 was approved, and the write that gives it all traffic has just been sent."""
    town = Town(tmp_path, OPERATED)
    live(town, "1")
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.SHIFTING, 2)
    assert town.promotion(2).wrote_at is not None
    return town


def decided(town: Town) -> Promotion:
    """Look once, without letting time pass."""
    town.app.engine.wake(QA)
    return town.promotion(2)


def said(town: Town) -> str:
    e = explain(town.state(QA), town.promotion(2), town.clock.now())
    return " | ".join((e.headline, *e.because, e.next))


def pages(town: Town) -> str:
    headers = {**HTML, **signed_in(ANA.oid)}
    answer = web_of(town.app).handle("GET", "https://greenlight.example/promotions/titanic.qa.2.2", headers)
    assert answer.status == 200
    return answer.body.decode()


def lapse(town: Town) -> None:
    """What the approval rests on is no longer what was shown."""
    request = town.state(QA).requests[2]
    shown = json.dumps({**request.snapshot, "version": "another"})
    town.store.table("slots").commit("titanic@qa", [Merge("p~0000000002~r~001", {"snapshot": shown})])


def test_a_lapse_in_flight_says_after_what_and_puts_traffic_back(town: Town) -> None:
    before = {name: weight for name, weight in town.promotion(2).seen.items() if weight}
    serving = town.state(QA).slot.serving
    lapse(town)

    ending = decided(town).ending

    assert ending is not None
    assert ending.reason is Reason.LAPSED
    assert "the record of what was shown was changed" in said(town)
    assert AFTER in said(town)
    assert AFTER in pages(town)
    town.settle()
    assert town.promotion(2).verdict is Verdict.ERRORED
    assert serving is not None
    assert town.traffic() == {serving.deployment: 100}, before
    assert AFTER not in said(town), "it has been observed"


def test_an_abort_in_flight_says_the_same_on_every_page(town: Town) -> None:
    told = tell_of(town, Command.ABORT, 2)
    assert "effective after" in told.message

    decided(town)

    assert AFTER in said(town)
    assert AFTER in pages(town)
    town.settle()
    assert town.promotion(2).verdict is Verdict.ABORTED
    assert AFTER not in said(town)


def test_a_hold_in_flight_says_which_write_comes_first(town: Town) -> None:
    town.app.operating.slot(Command.HOLD, QA, by=BEN, reason="wait")

    decided(town)

    e = explain_slot(town.state(QA), town.clock.now())
    assert any(AFTER in why and why.startswith("#2: the hold is") for why in e.because), e
    assert AFTER in said(town)
    town.settle(most=1800)
    e = explain_slot(town.state(QA), town.clock.now())
    assert "the slot is held: wait (Ben)" in e.because
    assert not any("effective after" in why for why in e.because[:1])
