"""Deployments that fail, and calls that are refused: tried anew where that helps, ended where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.catalogue import DEPLOYMENTS
from orchestrator.commands import Command
from orchestrator.explain import explain
from orchestrator.model import Reason, Verdict
from shared.errors import Forbidden, Refused
from simulation.twins.online import Seconds
from tests.engine.test_operators import OPERATED, asked, journaled, live, tell_of
from tests.engine.town import ANA, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


class Breaking(dict[tuple[str, str], str]):
    """The next deployments fail, each with its own error; then they succeed."""

    def __init__(self, *errors: str) -> None:
        super().__init__()
        self.errors = list(errors)

    def get(self, key: tuple[str, str], default: str = "") -> str:  # type: ignore[override]
        return self.errors.pop(0) if self.errors else default


def approved(town: Town, *errors: str, most: float = 3600) -> None:
    """Version 1 serves; version 2 is approved, and its deployments fail like this."""
    live(town, "1")
    asked(town, "2")
    town.qa.breaks = Breaking(*errors)
    town.vote(ANA, Decision.APPROVE)
    town.settle(most=most)


def made(town: Town) -> list[str]:
    return [a[-1] for a in town.qa.accepted if a[0] == "create_deployment"]


@pytest.mark.parametrize(
    "error", ["OperationCanceled: higher priority", "InternalServerError", "ResourceNotFound"]
)
def test_what_a_new_deployment_can_help_is_deployed_anew_under_another_name(town: Town, error: str) -> None:
    approved(town, error)

    assert town.promotion(2).verdict is Verdict.LIVE
    assert len(set(made(town))) == len(made(town)) == 3
    assert [d.name for d in town.qa.deployments("titanic-qa")] == [made(town)[-1]]
    assert {"candidate.failed", "candidate.cleared"} <= set(journaled(town))


@pytest.mark.parametrize("error", ["ImageBuildFailure: conda", "ResourceNotReady: crashed", "what is this"])
def test_what_nothing_helps_ends_at_once_and_is_not_good_enough(town: Town, error: str) -> None:
    approved(town, error)

    promotion = town.promotion(2)
    assert (promotion.verdict, promotion.reason) == (Verdict.FAILED, Reason.DEPLOY)
    assert len(made(town)) == 2
    assert len(town.qa.deployments("titanic-qa")) == 1


def test_trying_anew_has_a_budget_and_then_it_could_not_be_found_out(town: Town) -> None:
    approved(town, *["InternalServerError"] * 99)

    promotion = town.promotion(2)
    assert (promotion.verdict, promotion.reason) == (Verdict.ERRORED, Reason.GAVE_UP)
    assert len(made(town)) == 1 + DEPLOYMENTS
    assert len(town.qa.deployments("titanic-qa")) == 1
    e = explain(town.state(QA), promotion, town.clock.now())
    assert "open a ticket" in e.next


def test_quota_is_waited_for_while_people_are_told_what_to_do(town: Town) -> None:
    approved(town, *["OutOfQuota: Not enough quota"] * 8, most=3600)
    waiting = town.state(QA).promotions[2]
    said = explain(town.state(QA), waiting, town.clock.now())

    assert waiting.verdict is None
    assert any("Raise the quota" in line for line in said.because)
    town.settle(most=3 * 3600)
    assert town.promotion(2).verdict is Verdict.LIVE


def test_a_refused_call_for_lack_of_quota_is_tried_again_for_a_day(town: Town) -> None:
    live(town, "1")
    asked(town, "2")
    error = Refused("could not deploy: OutOfQuota", code="OutOfQuota")
    town.qa.faults.fail("create_deployment", error, times=20)
    town.vote(ANA, Decision.APPROVE)

    town.settle(most=6 * 3600)

    assert town.promotion(2).verdict is Verdict.LIVE


def test_a_missing_right_is_waited_for_as_long_as_a_role_may_spread(town: Town) -> None:
    live(town, "1")
    asked(town, "2")
    town.qa.faults.fail("create_deployment", Forbidden("403 AuthorizationFailed"), times=9)
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    assert town.promotion(2).verdict is Verdict.LIVE

    asked(town, "3")
    town.qa.faults.fail("create_deployment", Forbidden("403 AuthorizationFailed"), times=99)
    town.vote(ANA, Decision.APPROVE)
    began = town.clock.now()
    town.settle(most=3 * 3600)

    promotion = town.promotion(3)
    assert (promotion.verdict, promotion.reason) == (Verdict.ERRORED, Reason.GAVE_UP)
    assert promotion.ending is not None
    assert 1800 < (promotion.ending.at - began).total_seconds() < 2 * 3600


def test_an_abort_while_a_failed_deployment_is_cleared_away_leaves_nothing_behind(town: Town) -> None:
    live(town, "1")
    before = town.traffic()
    asked(town, "2")
    town.qa.breaks = Breaking("OperationCanceled")
    town.vote(ANA, Decision.APPROVE)
    for _ in range(200):
        if town.state(QA).promotions[2].failed:
            break
        town.settle(most=1)
        town.clock.advance(1)
    assert town.state(QA).promotions[2].failed

    tell_of(town, Command.ABORT, 2)
    town.settle()

    assert town.promotion(2).verdict is Verdict.ABORTED
    assert (town.traffic(), len(town.qa.deployments("titanic-qa"))) == (before, 1)


# ---- operations that never end


@pytest.mark.parametrize("what", ["endpoint", "deployment", "traffic"])
def test_what_the_platform_never_finishes_is_given_up_in_time(town: Town, what: str) -> None:
    if what == "traffic":
        live(town, "1")
    asked(town, "2")
    slow = {
        "endpoint": Seconds(endpoint=1e6),
        "deployment": Seconds(deployment=1e6),
        "traffic": Seconds(traffic=1e6),
    }
    town.qa.online.seconds = slow[what]
    town.vote(ANA, Decision.APPROVE)
    n = max(town.state(QA).promotions)

    town.settle(most=2.4 * 3600)

    promotion = town.promotion(n)
    ending = promotion.ending
    assert ending is not None
    assert (ending.verdict, ending.reason) == (Verdict.ERRORED, Reason.GAVE_UP)
    assert "ago" in ending.sentence or "after 2 h" in ending.sentence
