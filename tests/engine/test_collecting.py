"""What Event Grid could not deliver is read out of its container: each event once, and none lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator import triggers
from orchestrator.collecting import MOST, Collecting
from orchestrator.deadletters import DeadLetter
from orchestrator.model import SlotKey
from shared.errors import Unavailable
from shared.identity import Principal
from simulation.twins.blobs import TwinContainer
from tests.engine.test_operators import OPERATED
from tests.engine.town import BEN, Town

FACTS = {
    "deadLetterReason": "MaxDeliveryAttemptsExceeded",
    "deliveryAttempts": 30,
    "lastDeliveryOutcome": "Busy",
}
QUARTER = 900.0
DEV = SlotKey("titanic", "dev")


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def container(town: Town) -> TwinContainer:
    return town.blobs.container("glapp", "eventgrid-deadletter")


def path(town: Town, name: str, stem: str = "GREENLIGHT/") -> str:
    """As Event Grid names it: dates without leading zeros."""
    now = town.clock.now()
    return f"{stem}{now.year}/{now.month}/{now.day}/{now.hour}/{name}.json"


def put(town: Town, name: str, *events: dict[str, Any], stem: str = "GREENLIGHT/") -> str:
    where = path(town, name, stem)
    container(town).write(where, json.dumps([FACTS | event for event in events]).encode())
    return where


def letters(town: Town) -> list[DeadLetter]:
    return town.app.dead.listed(None, 1000, now=town.clock.now())


def collecting(town: Town) -> Collecting:
    """A new process."""
    return Collecting(container=container(town), dead=town.app.dead, clock=town.clock)


def test_an_event_that_was_given_up_is_a_letter_and_is_replayed_into_a_promotion(town: Town) -> None:
    town.register("1")
    where = put(town, "a", town.event("1"))
    town.sweep()
    town.sweep(QUARTER)

    (letter,) = letters(town)
    told = [town.app.operating.replay(letter.id, by=BEN).kind for _ in range(2)]
    town.settle()

    assert letter.source == "eventgrid"
    assert "gave it up after 30 attempts" in letter.reason
    assert where in letter.reason
    assert told == ["accepted", "repeated"]
    assert town.promotion(1, DEV).registration.version == "1"
    assert letters(town)[0].replayed


def test_an_event_that_came_after_all_is_replayed_without_effect(town: Town) -> None:
    town.register("1")
    town.announce("1")
    town.settle()
    put(town, "a", town.event("1"))
    town.sweep(QUARTER)

    (letter,) = letters(town)

    assert town.app.operating.replay(letter.id, by=BEN).kind == "repeated"
    assert town.state(DEV).slot.next_n == 2


def test_only_operators_replay(town: Town) -> None:
    put(town, "a", town.event("1"))
    town.sweep(QUARTER)
    somebody = Principal(tenant=BEN.tenant, oid="33333333-0000-4000-8000-00000000000a", name="Eve")

    assert town.app.operating.replay(letters(town)[0].id, by=somebody).kind == "not_allowed"


def test_a_blob_read_twice_makes_the_same_rows_and_keeps_what_was_replayed(town: Town) -> None:
    put(town, "a", town.event("1"), town.event("2"))
    town.sweep(QUARTER)
    before = letters(town)
    town.app.operating.replay(before[0].id, by=BEN)
    marked = letters(town)
    del town.store.tables["deadletters"].rows["eventgrid"]  # nobody remembers how far it was read

    assert collecting(town).run() == 1
    assert (len(before), letters(town)) == (2, marked)


def test_blobs_that_cannot_be_read_are_reported_and_stay(town: Town) -> None:
    container(town).write(path(town, "bad"), b"\xff not json")
    container(town).write(path(town, "empty"), b"")
    container(town).write(path(town, "huge"), b" " * (8 * 1024 * 1024 + 1))
    container(town).write("no/date/in/this/path/at/all.json", b"[]")

    town.sweep(QUARTER)

    found = letters(town)
    assert len(found) == 4
    assert {letter.replayable for letter in found} == {False}
    assert [town.app.operating.replay(each.id, by=BEN).kind for each in found] == ["closed"] * 4
    assert len(container(town).list("")) == 4


@pytest.mark.parametrize("stem", ["GREENLIGHT/", "TOPIC/GREENLIGHT/", "", "A/B/C/"])
def test_wherever_the_date_stands_in_the_path(town: Town, stem: str) -> None:
    town.sweep()
    for day in range(4):
        put(town, f"day{day}", town.event(str(day)), stem=stem)
        town.sweep(QUARTER)
        town.sweep(86_400.0)

    assert len(letters(town)) == 4


def test_a_path_may_be_older_than_its_blob(town: Town) -> None:
    """Dates in paths may be those of the event: a day of attempts ago."""
    town.sweep()
    where = path(town, "late")
    town.sweep(100_000.0)
    container(town).write(where, json.dumps([FACTS | town.event("1")]).encode())
    town.sweep(QUARTER)

    assert len(letters(town)) == 1


def test_many_are_read_in_portions_and_none_twice(town: Town) -> None:
    for n in range(2 * MOST + 10):
        put(town, f"{n:04d}", town.event(str(n)))
    app = collecting(town)
    read = []
    for _ in range(4):
        read.append(app.run())
        town.clock.advance(60)

    assert read == [MOST, MOST, 10, 0]
    assert len(letters(town)) == 2 * MOST + 10


def test_a_new_process_reads_nothing_again(town: Town) -> None:
    seen: list[str] = []
    inner = TwinContainer.read

    def counted(self, blob, start, length):
        seen.append(blob.name)
        return inner(self, blob, start, length)

    for n in range(10):
        put(town, f"{n}", town.event(str(n)))
        here = container(town)
        here.read = counted.__get__(here)  # type: ignore[method-assign]
        Collecting(container=here, dead=town.app.dead, clock=town.clock).run()
        town.clock.advance(QUARTER / 10)

    assert len(seen) == len(set(seen)) == 10


def test_after_a_week_without_the_app_everything_is_there(town: Town) -> None:
    town.sweep()
    for day in range(9):
        put(town, f"d{day}", town.event(str(day)))
        town.clock.advance(86_400.0)

    town.sweep()

    assert len(letters(town)) == 9


def test_storage_that_is_down_loses_nothing_and_stops_no_sweep(town: Town) -> None:
    put(town, "a", town.event("1"))
    put(town, "b", town.event("2"))
    town.blobs.faults.fail("read", Unavailable("storage is down"), times=2)

    for _ in range(3):
        town.clock.advance(QUARTER)
        triggers.sweep(town.app)

    assert len(letters(town)) == 2


def test_idle_it_costs_a_listing_and_a_row_each_quarter_and_a_write_a_day(town: Town) -> None:
    app = collecting(town)
    app.run()
    lists: list[str] = []
    around = town.blobs.faults.around
    town.blobs.faults.around = lambda what, effect: (lists.append(what), around(what, effect))[1]  # type: ignore[method-assign]
    before = town.store.calls
    for _ in range(24 * 60):
        town.clock.advance(60)
        app.run()

    assert len(lists) == 96
    assert town.store.calls - before <= 96 + 2


def test_tags_that_look_like_secrets_are_removed_and_the_rest_can_be_replayed(town: Town) -> None:
    event = town.event("1")
    event["data"] |= {"ModelTags": {"key": "hidden", "note": "see ?sig=abc&x=1"}}  # type: ignore[operator]
    put(town, "a", event)
    town.sweep(QUARTER)

    (letter,) = letters(town)

    assert "hidden" not in letter.payload
    assert "abc" not in letter.payload
    assert town.app.operating.replay(letter.id, by=BEN).kind == "accepted"
