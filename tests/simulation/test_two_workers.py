"""Two workers on one slot, and workers that go on when nobody believes them any more."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from orchestrator.actions import Actions
from shared.settings import Settings
from simulation import races
from simulation.races import Race
from simulation.stories import STORIES

BY_NAME = {s.name: s for s in STORIES}
SAMPLE = 0.01
ASKING = 7


@pytest.mark.parametrize("name", ["gate", "unchanged"])
def test_of_two_workers_on_one_wake_one_acts(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every schedule with up to three switches, of every wake."""
    swept = races.sweep(BY_NAME[name])

    with capsys.disabled():
        print(f"\n{name}: {swept.runs} schedules of two workers")
    assert swept.problems == []
    assert swept.runs > 100


@pytest.mark.parametrize("name", ["first deployment", "blue/green", "supersede", "probe failure"])
def test_of_two_workers_one_acts_in_longer_stories(name: str) -> None:
    """A sample, the same one each time; `python -m bench simulate` runs them all."""
    chance = random.Random(name)

    def some(found: Iterator[Race]) -> Iterator[Race]:
        return (race for race in found if chance.random() < SAMPLE)

    assert races.sweep(BY_NAME[name], some).problems == []


def test_the_race_sees_workers_that_respect_no_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same schedules find fault with a product whose claims end at once, and which calls all the same."""
    monkeypatch.setattr(Settings, "claim_for", timedelta(0))
    monkeypatch.setattr(Actions, "_held", lambda *_: None)

    def asking(found: Iterator[Race]) -> Iterator[Race]:
        """Schedules of the wake that announces the request."""
        return itertools.islice((race for race in found if race.wake == ASKING), 0, None, 9)

    assert races.sweep(BY_NAME["rejection"], asking).problems
