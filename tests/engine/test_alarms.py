"""What a person must hear of is a line of the log that an alert looks for, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator import triggers
from orchestrator.alarms import Alarm
from orchestrator.approval import Decision
from orchestrator.sweep import SLOWEST
from shared.queues import APPROVAL_DECISIONS, WAKES
from tests.engine.town import ANA, OSCAR, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    town.register("1")
    town.announce("1")
    town.settle()
    return town


@pytest.fixture
def alarms(caplog: pytest.LogCaptureFixture):
    def raised() -> list[str]:
        lines = [r.getMessage() for r in caplog.records if r.name == "greenlight.alarm"]
        assert all(line.startswith("alarm, ") for line in lines)
        return [line.removeprefix("alarm, ").partition(":")[0] for line in lines]

    return raised


def test_an_ordinary_approval_raises_none(town: Town, alarms) -> None:
    town.vote(ANA, Decision.APPROVE)
    town.settle()

    assert alarms() == []


def test_an_event_that_is_not_understood(town: Town, alarms) -> None:
    triggers.model_event(town.app, {"eventType": "Microsoft.MachineLearningServices.Unheard"})

    assert alarms() == [Alarm.DEAD_LETTER]


def test_a_message_that_failed_every_time(town: Town, alarms) -> None:
    triggers.poison(town.app, WAKES, "wake")

    assert Alarm.POISON in alarms()


def test_a_vote_of_somebody_who_may_not_decide(town: Town, alarms) -> None:
    town.vote(OSCAR, Decision.APPROVE)

    assert alarms() == [Alarm.VOTE_REFUSED]


def test_a_vote_that_proves_nothing(town: Town, alarms) -> None:
    triggers.approval_message(town.app, '{"version": 2}')

    (letter,) = town.app.dead.listed(None, 10, now=town.clock.now())
    assert letter.source == APPROVAL_DECISIONS
    assert alarms() == [Alarm.VOTE_REFUSED]  # not of the dead letter too


def test_a_slot_that_nobody_looks_at_however_often_it_is_woken(town: Town, alarms) -> None:
    town.register("2")
    town.announce("2")
    sweeps = SLOWEST + 2
    for _ in range(sweeps):  # the queue takes wakes, and no function runs
        assert alarms() == []
        triggers.sweep(town.app)
        town.clock.advance(3600)

    assert set(alarms()) == {Alarm.STUCK}
