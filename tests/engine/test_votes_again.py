"""Answers that come again, late, or with what no screen should show."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator import triggers
from orchestrator.approval import Decision, VoteOutcome
from tests.engine.town import ANA, BEN, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path)
    made.register("1")
    made.announce("1")
    made.settle()
    return made


def late(town: Town, who: object, decision: Decision) -> VoteOutcome:
    request = town.app.ledger.request(QA, 1, 1)
    assert request is not None
    return town.app.intake.vote(
        QA,
        1,
        1,
        principal=who,
        decision=decision,
        comment="",
        hash=request.hash,
        channel="page",  # type: ignore[arg-type]
    )


def test_after_the_end_everyone_is_told_what_they_had_answered(town: Town) -> None:
    town.vote(ANA, Decision.APPROVE)
    town.settle()

    kinds = [late(town, ANA, d).kind for d in (Decision.APPROVE, Decision.REJECT)]

    assert kinds == ["repeated", "conflict"]
    assert late(town, BEN, Decision.APPROVE).kind == "closed"


def test_a_comment_from_the_queue_is_as_harmless_as_one_from_the_page(town: Town) -> None:
    triggers.approval_message(town.app, town.message(comment="a\u0007b\u202ec\r\nd"))

    (vote,) = town.state(QA).votes[1]
    assert vote.comment == "a\ufffdb\ufffdc\nd"


def test_the_clock_of_links_is_the_clock_of_the_product(town: Town) -> None:
    assert town.app.links._clock is town.clock  # type: ignore[attr-defined]
