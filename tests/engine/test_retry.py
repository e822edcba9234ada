"""`greenlight retry`: the same registration once more, through every gate and approval."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import Phase, Reason, Verdict
from tests.engine.test_operators import OPERATED, asked, tell_of
from tests.engine.town import ANA, DEV, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def test_retry_asks_people_again_about_the_same_registration(town: Town) -> None:
    asked(town, "1")
    town.vote(ANA, Decision.REJECT)
    town.settle()

    told = tell_of(town, Command.RETRY, 1)
    town.settle()

    first, second = town.promotion(1), town.promotion(2)
    assert told.kind == "accepted"
    assert first.verdict is Verdict.REJECTED
    assert (second.registration, second.digest) == (first.registration, first.digest)
    assert second.phase is Phase.AWAITING_APPROVAL
    assert town.vote(ANA, Decision.APPROVE).kind == "recorded"
    town.settle()
    assert town.promotion(2).verdict is Verdict.LIVE


def test_retry_twice_is_one_new_promotion_and_an_open_one_is_not_retried(town: Town) -> None:
    asked(town, "1")
    assert tell_of(town, Command.RETRY, 1).kind == "closed"
    town.vote(ANA, Decision.REJECT)
    town.settle()

    kinds = [tell_of(town, Command.RETRY, 1).kind for _ in range(2)]
    town.settle()

    assert kinds == ["accepted", "repeated"]
    assert town.state(QA).slot.next_n == 3


def test_retry_at_the_source_passes_its_gates_again_and_makes_a_new_offer(town: Town) -> None:
    asked(town, "1")
    town.vote(ANA, Decision.REJECT)
    town.settle()
    assert town.promotion(1, DEV).verdict is Verdict.LIVE

    tell_of(town, Command.RETRY, 1, DEV)
    town.settle()

    assert town.promotion(2, DEV).verdict is Verdict.UNCHANGED, "these bytes serve in dev"
    assert town.promotion(2).phase is Phase.AWAITING_APPROVAL, "and are offered once more"


def test_retry_of_an_event_for_what_did_not_exist_looks_again(town: Town) -> None:
    town.announce("1")
    town.settle()
    assert town.promotion(1, DEV).reason is Reason.NOT_FOUND
    town.register("1")

    tell_of(town, Command.RETRY, 1, DEV)
    town.settle()

    assert town.promotion(2, DEV).verdict is Verdict.LIVE


def test_retry_does_not_promote_what_was_registered_under_the_same_number_since(town: Town) -> None:
    asked(town, "1", auc=0.5)
    town.clock.advance(60)
    town.register("1", content="other bytes")

    tell_of(town, Command.RETRY, 1, DEV)
    town.settle()

    assert (town.promotion(2, DEV).verdict, town.promotion(2, DEV).reason) == (
        Verdict.ERRORED,
        Reason.NOT_FOUND,
    )


def test_a_retried_old_version_supersedes_no_newer_one(town: Town) -> None:
    asked(town, "1")
    town.vote(ANA, Decision.REJECT)
    town.settle()
    town.clock.advance(60)
    asked(town, "2")

    tell_of(town, Command.RETRY, 1)
    town.settle()

    assert town.promotion(2).phase is Phase.AWAITING_APPROVAL
    assert town.promotion(3).verdict is Verdict.SUPERSEDED
