"""Registrations whose every event was lost, old workspaces, and listings that are too long for one look."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator import triggers
from orchestrator.healing import EVERY, MOST_VERSIONS
from orchestrator.model import Phase, SlotKey
from shared.errors import Unavailable
from shared.queues import WAKES
from tests.engine.town import DEV, PIPELINE, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def sweeps(town: Town, over: timedelta) -> None:
    for _ in range(int(over.total_seconds() // 60)):
        town.sweep()


def accepted(town: Town, key: SlotKey = DEV) -> int:
    loaded = town.app.ledger.load(key)
    return loaded.state.slot.next_n - 1 if loaded else 0


def test_a_registration_of_which_no_event_came_is_accepted_exactly_once(town: Town) -> None:
    sweeps(town, timedelta(minutes=3))
    town.register("1")

    sweeps(town, EVERY * 3)

    assert accepted(town) == 1
    assert town.state(QA).promotions[1].phase is Phase.AWAITING_APPROVAL
    facts = [key for key in town.store.table("slots").rows["titanic@dev"] if key.startswith("in~")]
    assert len(facts) == 1, "what is known is not accepted again at every listing"


def test_events_that_come_after_all_change_nothing(town: Town) -> None:
    sweeps(town, timedelta(minutes=3))
    town.register("1")
    sweeps(town, EVERY * 2)

    town.announce("1")
    town.settle()

    assert accepted(town) == 1


def test_an_old_workspace_is_not_promoted_on_day_one(town: Town) -> None:
    for n in range(300):
        town.register(str(n))
    town.clock.advance(3600)

    sweeps(town, EVERY * 4)

    assert town.app.ledger.load(DEV) is None
    town.register("301")
    sweeps(town, EVERY * 2)
    assert accepted(town) == 1


def test_a_young_version_is_left_to_its_own_event(town: Town) -> None:
    sweeps(town, EVERY)
    town.register("1")

    sweeps(town, timedelta(minutes=1))
    assert town.app.ledger.load(DEV) is None

    sweeps(town, EVERY)
    assert accepted(town) == 1


@pytest.mark.parametrize("apart", [0.0, 0.1])
def test_many_lost_events_are_healed_a_bounded_number_at_a_time(tmp_path: Path, apart: float) -> None:
    """Also when all of them were registered in the same instant."""
    town = Town(tmp_path, PIPELINE.replace("titanic*", "*"))
    triggers.sweep(town.app)
    models = [f"m{n:03d}" for n in range(3 * MOST_VERSIONS + 7)]
    for model in models:
        town.register("1", model=model)
        town.clock.advance(apart)
    most = 0

    for _ in range(90):
        before = len(town.store.table("open").rows.get("known", {}))
        town.clock.advance(60)
        triggers.sweep(town.app)
        for text in town.queues.take(WAKES):
            if "source~" in text:
                triggers.wake(town.app, text)
        most = max(most, len(town.store.table("open").rows.get("known", {})) - before)

    assert most == MOST_VERSIONS
    loaded = [town.app.ledger.load(SlotKey(model, "dev")) for model in models]
    assert all(one is not None and len(one.state.slot.pending) == 1 for one in loaded)


def test_a_listing_that_fails_is_tried_again_and_says_why(town: Town) -> None:
    sweeps(town, timedelta(minutes=3))
    town.register("1")
    town.dev.faults.fail("models_since", Unavailable("503 from the platform"), times=1)

    sweeps(town, EVERY + timedelta(minutes=3))
    mark = town.app.healing._sources.watermark("dev")
    assert mark is not None
    assert "503" in mark.trouble
    assert town.app.ledger.load(DEV) is None

    sweeps(town, EVERY + timedelta(minutes=3))
    assert accepted(town) == 1


def test_a_lost_wake_of_the_source_is_sent_again(town: Town) -> None:
    sweeps(town, timedelta(minutes=3))
    town.register("1")
    for _ in range(int(EVERY.total_seconds() // 60) + 2):
        town.clock.advance(60)
        triggers.sweep(town.app)
        town.queues.messages.clear()

    sweeps(town, EVERY)

    assert accepted(town) == 1
