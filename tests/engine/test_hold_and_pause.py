"""A held slot and a pause of everything: what stops, and what goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import Phase, Verdict
from tests.engine.test_operators import OPERATED, asked, live, tell, tell_of, until
from tests.engine.town import ANA, BEN, DEV, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def test_a_held_slot_asks_people_and_moves_nothing_until_resumed(town: Town) -> None:
    live(town, "1")
    before = town.traffic()
    tell(town, Command.HOLD, reason="incident 4711")
    asked(town, "2")
    assert town.vote(ANA, Decision.APPROVE).kind == "recorded"
    town.settle(most=1800)

    assert town.state(QA).slot.hold == "incident 4711 (Ben)"
    assert (town.traffic(), len(town.qa.deployments("titanic-qa"))) == (before, 1)

    tell(town, Command.RESUME)
    town.settle()

    assert town.promotion(2).verdict is Verdict.LIVE


def test_a_hold_stops_a_promotion_that_already_moves(town: Town) -> None:
    live(town, "1")
    before = town.traffic()
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.DEPLOYING, 2)

    town.app.operating.slot(Command.HOLD, QA, by=BEN, reason="wait")
    town.settle(most=1800)

    assert town.promotion(2).verdict is None
    assert town.traffic() == before
    tell_of(town, Command.ABORT, 2)
    town.settle()
    assert town.promotion(2).verdict is Verdict.ABORTED, "what undoes goes on"
    assert len(town.qa.deployments("titanic-qa")) == 1


def test_a_hold_during_the_switch_takes_effect_after_it(town: Town) -> None:
    live(town, "1")
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.SHIFTING, 2)

    told = town.app.operating.slot(Command.HOLD, QA, by=BEN, reason="wait")
    town.settle(most=1800)

    assert "effective after" in told.message
    assert town.promotion(2).verdict is Verdict.LIVE
    assert town.state(QA).slot.retiring, "the way back is kept while the slot is held"
    tell(town, Command.RESUME)
    assert town.state(QA).slot.retiring == {}


def test_a_pause_stops_every_slot_and_rollbacks_go_on(town: Town) -> None:
    live(town, "1")
    before = town.traffic()
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.DEPLOYING, 2)

    assert town.app.operating.pause(by=BEN, reason="audit").kind == "done"
    town.register("3")
    town.announce("3")
    town.settle(most=1800)
    assert town.promotion(3, DEV).verdict is None
    assert town.traffic() == before

    tell_of(town, Command.ABORT, 2)
    town.settle(most=1800)
    assert town.promotion(2).verdict is Verdict.ABORTED
    assert len(town.qa.deployments("titanic-qa")) == 1

    assert town.app.operating.resume_all(by=BEN, reason="").kind == "done"
    town.settle()
    assert town.promotion(3, DEV).verdict is Verdict.LIVE


def test_votes_count_while_everything_is_paused(town: Town) -> None:
    asked(town, "1")
    town.app.operating.pause(by=BEN, reason="audit")

    assert town.vote(ANA, Decision.APPROVE).kind == "recorded"
    town.settle(most=1800)
    assert town.traffic() == {}
    town.app.operating.resume_all(by=BEN, reason="")
    town.settle()

    assert town.promotion(1).verdict is Verdict.LIVE


def test_a_pause_that_cannot_be_read_is_a_pause(town: Town) -> None:
    town.app.operating.pause(by=BEN, reason="audit")
    row = town.store.table("open").rows["open"]["control"]
    town.store.table("open").rows["open"]["control"] = type(row)(row.key, {**row.values, "schema": 99}, "x")

    asked(town, "1")

    assert town.promotion(1, DEV).verdict is None
