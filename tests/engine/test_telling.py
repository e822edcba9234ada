"""Whoever was asked hears what becomes of it, once on every channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import Reason
from orchestrator.outbox import NoticeKind
from orchestrator.world import Change
from simulation.twins.scoring import answers
from tests.engine.channel import Teams, kinds, later
from tests.engine.test_operators import OPERATED, asked, live, tell_of
from tests.engine.town import ANA, QA, Town


@pytest.fixture
def teams() -> Teams:
    return Teams()


@pytest.fixture
def town(tmp_path: Path, teams: Teams) -> Town:
    teams.town = Town(tmp_path, OPERATED, teams)
    return teams.town


# ---- what is told


def test_a_request_its_quorum_and_its_end_are_told_once_on_every_channel(town: Town, teams: Teams) -> None:
    live(town, "1")
    later(town, timedelta(hours=1))

    assert teams.heads() == ["Approval needed", "Approved", "Live"]
    assert kinds(town) == ["granted", "live"]
    assert town.notices()[0]["actor"] == "Ana"
    assert [m["replaced_by"] for m in town.notices()] == [None, None]
    assert town.state().slot.outbox == ()
    assert not any(m["repeat"] for m in (*town.requests(), *town.notices()))


def test_an_environment_that_asks_nobody_sends_nothing(town: Town, teams: Teams) -> None:
    town.register("1", auc=0.71)
    town.announce("1")
    town.settle()

    assert (teams.cards, town.requests(), town.notices()) == ([], [], [])


def test_a_rejection_is_told_with_its_author_and_comment(town: Town, teams: Teams) -> None:
    asked(town, "1")
    town.vote(ANA, Decision.REJECT, comment="the data is stale")
    town.settle()

    assert teams.heads() == ["Approval needed", "Rejected"]
    assert "the data is stale" in teams.cards[-1]
    assert kinds(town) == ["refused"]


def test_what_is_superseded_names_what_replaced_it(town: Town, teams: Teams) -> None:
    asked(town, "1")
    asked(town, "2")

    notice = town.notices()[0]
    assert (notice["notice"], notice["replaced_by"]) == ("superseded", "titanic.qa.2.2")
    assert "/promotions/titanic.qa.2.2" in next(c for c in teams.cards if "Superseded" in c)


def test_a_lapse_is_told_and_says_what_differs(town: Town, teams: Teams) -> None:
    live(town, "1")
    asked(town, "2")
    loaded = town.app.ledger.load(QA)
    assert loaded is not None
    serving = loaded.state.slot.serving
    assert serving is not None
    slot = replace(loaded.state.slot, serving=replace(serving, digest="other bytes"))
    town.app.ledger.commit(loaded, Change(slot=slot), now=town.clock.now())
    town.vote(ANA, Decision.APPROVE)
    town.settle()

    assert kinds(town)[-1] == "lapsed"
    assert "people are asked anew" in town.notices()[-1]["sentence"]
    assert [r["request"]["number"] for r in town.requests()][-2:] == [1, 2]


def test_an_expiry_and_an_abort_are_told(town: Town) -> None:
    asked(town, "1")
    later(town, timedelta(days=8), every=7200)
    asked(town, "2")
    tell_of(town, Command.ABORT, 2)
    town.settle()

    assert [k for k in kinds(town) if k not in ("reminder", "expiring")] == ["expired", "aborted"]


def test_a_candidate_that_is_not_good_enough_is_told_of(town: Town) -> None:
    asked(town, "1")
    town.scoring.models["titanic", "1"] = answers(500)
    town.vote(ANA, Decision.APPROVE)
    town.settle(most=7200)

    assert town.promotion(1).reason is Reason.PROBE
    assert kinds(town) == ["granted", "failed"]


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_of_notice_is_documented(kind: NoticeKind) -> None:
    messages = (Path(__file__).parents[2] / "docs" / "messages.md").read_text()

    assert kind is NoticeKind.ASKED or f"`{kind}`" in messages


def test_who_hears_of_a_failure_hears_what_serves_on(town: Town) -> None:
    live(town, "1")
    asked(town, "2")
    town.vote(ANA, Decision.REJECT, comment="the data is stale")
    town.settle()

    assert town.notices()[-1]["sentence"] == "rejected by Ana: the data is stale; v1 serves on"


def test_a_withdrawal_is_told_as_nothing_bad(town: Town) -> None:
    asked(town, "1")
    tell_of(town, Command.WITHDRAW, 1)
    town.settle()

    assert [(m["notice"], m["tone"]) for m in town.notices()] == [("withdrawn", "neutral")]
