"""Events come in any order: what was registered earlier never replaces what was registered later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import Fact, FactKind, Reason, Verdict
from orchestrator.opening import offer_detail
from tests.engine.test_operators import OPERATED
from tests.engine.town import ANA, BEN, DEV, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def late(town: Town) -> None:
    """Versions 1, 2 and 3 are registered in this order; the event of 2 comes when 3 serves."""
    for version in ("1", "2", "3"):
        town.register(version)
        town.clock.advance(60)
    for version in ("1", "3", "2"):
        town.announce(version)
        town.settle()


def test_a_late_event_of_an_older_version_replaces_nothing(town: Town) -> None:
    late(town)

    overtaken = town.promotion(3, DEV)
    assert overtaken.registration.version == "2"
    assert (overtaken.verdict, overtaken.reason) == (Verdict.SUPERSEDED, Reason.SUPERSEDED)
    assert "version 3, registered later" in overtaken.sentence
    serving = town.state(DEV).slot.serving
    assert serving is not None
    assert serving.version == "3"


def test_nobody_is_asked_about_a_version_that_was_overtaken(town: Town) -> None:
    late(town)

    assert [r["model_version"] for r in town.requests()] == ["1", "3"]


def test_an_operator_may_bring_the_older_version_back(town: Town) -> None:
    late(town)

    town.app.operating.promotion(Command.RETRY, DEV, 3, by=BEN, reason="3 is worse")
    town.settle()

    serving = town.state(DEV).slot.serving
    assert serving is not None
    assert serving.version == "2"
    assert town.promotion(4, DEV).verdict is Verdict.LIVE


def test_an_operator_who_brings_it_back_is_followed_in_the_next_environment(town: Town) -> None:
    late(town)
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    assert town.promotion(2, QA).verdict is Verdict.LIVE

    town.app.operating.promotion(Command.RETRY, DEV, 3, by=BEN, reason="3 is worse")
    town.settle()
    assert town.vote(ANA, Decision.APPROVE).kind == "recorded"
    town.settle()

    serving = town.state(QA).slot.serving
    assert serving is not None
    assert serving.version == "2"


def test_an_offer_that_comes_late_is_overtaken_too(town: Town) -> None:
    """Version 2 waits in qa's queue of facts while 3 goes live there."""
    for version in ("1", "2", "3"):
        town.register(version)
        town.clock.advance(60)
    for version in ("1", "3"):
        town.announce(version)
        town.settle()
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    dev = town.promotion(1, DEV)
    registration = replace(dev.registration, version="2", created_at=dev.registration.created_at)
    offer = offer_detail(
        replace(dev, registration=registration, digest="another"), registration.workspace, "x"
    )
    now = town.clock.now()

    town.app.intake.fact(
        Fact(
            key="offer late", kind=FactKind.OFFERED, model="titanic", env="qa", version="2", at=now,
            accepted_at=now, by="titanic.dev.2.9", detail=offer,
        )
    )  # fmt: skip
    town.settle()

    assert town.promotion(3, QA).verdict is Verdict.SUPERSEDED
