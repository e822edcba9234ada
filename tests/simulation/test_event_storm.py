"""Events of many registrations at once, shuffled, repeated and lost, end as the same events in order do."""

from __future__ import annotations

from collections import Counter

import pytest

from orchestrator.healing import Healing
from orchestrator.model import Verdict
from simulation.outcome import journal_problems
from simulation.place import ENVIRONMENTS
from simulation.storm import LAST, Day, Passed, Size, faults, in_order, registered, stormy

pytestmark = pytest.mark.xdist_group("event storm")
"""In one process: they look at the same storm."""
SIZE = Size(models=20)
"""1,000 events, and the repeated ones. `python -m bench storm` sends 10,000 of 200 models."""
SEED = 1


@pytest.fixture(scope="module")
def day() -> Day:
    return registered(SIZE, SEED)


@pytest.fixture(scope="module")
def storm(day: Day) -> Passed:
    return stormy(day, SEED)


def test_the_storm_is_one(day: Day, storm: Passed) -> None:
    assert storm.events == 2 * SIZE.models * (SIZE.versions - 1)
    assert storm.repeats > 0.2 * storm.events
    assert storm.lost > 0.03 * (storm.events + storm.repeats)
    assert storm.handled["event"] == storm.events + storm.repeats - storm.lost
    assert storm.accepted()["seen"] > 0, "no lost event was healed"


def test_every_registration_is_accepted_once_and_what_deserves_it_serves(day: Day, storm: Passed) -> None:
    assert list(faults(day, storm)) == []


def test_the_same_serves_as_after_one_pass_in_order(day: Day, storm: Passed) -> None:
    ordered = in_order(day, SEED)

    assert list(faults(day, ordered)) == []
    assert storm.serving() == ordered.serving()


def test_people_voted_meanwhile(day: Day, storm: Passed) -> None:
    found = [p for model in day.models for p in storm.promotions(model, LAST)]
    ends = Counter(p.verdict for p in found)

    assert ends[Verdict.REJECTED] >= SIZE.models // 4
    assert ends[Verdict.LIVE] >= SIZE.models + SIZE.models // 2
    assert ends[None] == SIZE.models // 4, "whoever never answers is waited for"


def test_journals_are_whole(day: Day, storm: Passed) -> None:
    keys, _ = storm.place.ledger().slot_keys(limit=1000)

    assert len(keys) == SIZE.models * len(ENVIRONMENTS)
    assert {str(key): found for key in keys if (found := journal_problems(storm.place, key))} == {}


def test_a_product_that_does_not_heal_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Healing, "_accept", lambda *_: None)
    day = registered(Size(models=2), SEED)

    found = list(faults(day, stormy(day, SEED)))

    assert any("never accepted" in fault for fault in found), found
