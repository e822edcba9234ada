"""Large files are copied in the storage service's own time: looked at later and later, not for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.explain import explain
from orchestrator.model import Phase, Reason, Verdict
from tests.engine.test_operators import OPERATED, asked, journaled, live, tell_of
from tests.engine.town import ANA, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path, OPERATED)
    town.blobs.large = 0
    return town


@pytest.mark.parametrize("seconds", [20.0, 1800.0])
def test_a_copy_that_takes_its_time_is_waited_for_without_a_storm_of_looks(
    town: Town, seconds: float
) -> None:
    town.blobs.copy_seconds = seconds
    began = town.clock.now()

    asked(town, "1")

    looks = journaled(town).count("freeze.troubled")
    assert town.state(QA).promotions[1].phase is Phase.AWAITING_APPROVAL
    assert 1 <= looks <= 6 + seconds / 300, "with growing pauses"
    assert (town.clock.now() - began).total_seconds() < 2 * seconds + 120


def test_while_it_is_copied_people_see_why_nothing_moves(town: Town) -> None:
    town.blobs.copy_seconds = 1800.0
    town.register("1")
    town.announce("1")

    town.settle(most=120)

    said = explain(town.state(QA), town.state(QA).promotions[1], town.clock.now())
    assert any(
        "storage has not finished copying its files yet; tried again in" in why for why in said.because
    )


def test_a_copy_that_never_ends_is_given_up_and_can_be_retried(town: Town) -> None:
    live(town, "1")
    town.blobs.copy_seconds = 1e6
    asked(town, "2")

    town.settle(most=4 * 3600)

    ended = town.promotion(2)
    assert (ended.verdict, ended.reason) == (Verdict.ERRORED, Reason.GAVE_UP)
    assert "storage has not finished copying" in ended.sentence
    town.blobs.copy_seconds = 5.0
    tell_of(town, Command.RETRY, 2)
    town.settle()
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    assert town.promotion(3).verdict is Verdict.LIVE
