"""A channel that people are told on does not work: `/healthz` says so to operators, until it works again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.app import build, read_policy
from shared.errors import GreenlightError, Refused, Unavailable
from shared.settings import Flaw
from tests.engine.channel import Teams, later
from tests.engine.test_operators import asked
from tests.engine.town import PIPELINE, Town, settings

GONE = "the Teams webhook at teams.example answered 404: it is gone"


@pytest.fixture
def teams() -> Teams:
    return Teams()


@pytest.fixture
def town(tmp_path: Path, teams: Teams) -> Town:
    teams.town = Town(tmp_path, PIPELINE, teams)
    return teams.town


def found(town: Town) -> list[Flaw]:
    town.clock.advance(60)
    return [flaw for flaw in town.app.condition.flaws() if flaw.where.startswith("the channel ")]


def gone() -> GreenlightError:
    return Unavailable(GONE)


def test_teams_answering_404_is_told_until_a_card_gets_through(town: Town, teams: Teams) -> None:
    teams.fails = gone
    asked(town, "1")

    (flaw,) = found(town)
    assert flaw.where == "the channel teams"
    assert GONE in flaw.wrong
    assert len(town.requests()) == 1, "the queue is told meanwhile"

    teams.fails = lambda: None
    later(town, timedelta(hours=2))

    assert teams.heads() == ["Approval needed"]
    assert found(town) == []


def test_it_is_told_by_an_instance_that_posted_nothing_itself(
    town: Town, teams: Teams, tmp_path: Path
) -> None:
    teams.fails = gone
    asked(town, "1")
    other = build(settings(), read_policy(PIPELINE, town.variables), town.ports, tmp_path)

    assert [flaw.where for flaw in other.condition.flaws()] == ["the channel teams"]


def test_one_slow_moment_is_not_told(town: Town, teams: Teams) -> None:
    tries = iter([Unavailable("503")])
    teams.fails = lambda: next(tries, None)
    asked(town, "1")

    assert len(teams.tried) == 2
    assert "~channels" not in town.store.table("sources").rows


def test_a_card_that_is_refused_says_nothing_of_the_channel(town: Town, teams: Teams) -> None:
    teams.fails = lambda: Refused("it does not take this card", code="400")
    asked(town, "1")

    assert found(town) == []


def test_a_trouble_of_long_ago_is_none(town: Town, teams: Teams) -> None:
    """Nobody was owed anything since, so nobody knows."""
    teams.fails = gone
    asked(town, "1")
    town.clock.advance(timedelta(hours=3).total_seconds())

    assert found(town) == []


def test_a_channel_that_works_costs_nothing(town: Town, teams: Teams) -> None:
    asked(town, "1")

    assert teams.heads() == ["Approval needed"]
    assert "~channels" not in town.store.table("sources").rows
