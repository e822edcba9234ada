"""Two handlers meet between any two calls of theirs, and every wake of theirs is lost: nothing else is.

Kill points show that a crash between two writes loses nothing; here somebody else writes in between, as the
sweep does that forgets a slot while something is accepted for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import pytest

from orchestrator.approval import Decision
from orchestrator.index import OpenIndex, OpenRow
from orchestrator.model import Phase, SlotKey, Verdict
from shared.queues import WAKES
from shared.store import Delete
from simulation.host import Host
from simulation.outcome import journal_problems
from simulation.place import ANA, BEN, Pipeline, Place
from simulation.races import NEVER, Worker
from simulation.seams import Call
from simulation.stories import DEV, LONG, QA, Scene
from simulation.tasks import EVENT, SWEEP, VOTE, Ballot, Task

T = TypeVar("T")
MOST = 120
"""Crossings of one pair, about."""
QUIET = timedelta(minutes=3)
"""After that the sweep may forget a slot."""


class Crossing(Host):
    """Two processes; they take turns where they are told to."""

    def __init__(self, place: Place) -> None:
        self._running: Worker | None = None
        super().__init__(place, self.passes, processes=2)

    def passes(self, call: Call, effect: Callable[[], T]) -> T:
        if self._running is not None:
            self._running.calling()
        return effect()

    def meet(self, one: Task, other: Task, first: int = NEVER, second: int = NEVER) -> tuple[int, int]:
        """`one` makes `first` calls, then `other` makes `second`, then both end. How many calls each made."""
        limits = ((one, first), (other, second))
        a, b = (Worker(self, p, task, n) for p, (task, n) in zip(self.processes, limits, strict=True))
        for worker in (a, b, a, b):
            if not worker.fiber.done:
                self._running = worker
                worker.fiber.resume()
        self._running = None
        self.place.queues.messages.pop(WAKES, None)
        return a.calls, b.calls


@dataclass(frozen=True)
class Pair:
    """What is there, who meets in it, and what must be true when sweeps have brought everything to rest."""

    place: Place
    one: tuple[str, object]
    other: tuple[str, object]
    wrong: Callable[[Place], Iterator[str]]

    def meets(self, first: int = NEVER, second: int = NEVER) -> tuple[Place, tuple[int, int]]:
        host = Crossing(self.place.copy())
        now = host.place.clock.now()
        tasks = (Task(now, -2, *self.one), Task(now, -1, *self.other))
        calls = host.meet(*tasks, first, second)
        host.run(LONG)
        host.close()
        return host.place, calls


def problems(pair: Pair) -> list[str]:
    """At every crossing; where both make many calls, at many."""
    found: list[str] = []
    mine, yours = pair.meets()[1]
    stride = 1 + mine * yours // MOST
    for first in range(mine + 1):
        for second in range(first % stride, pair.meets(first)[1][1] + 1, stride):
            place, _ = pair.meets(first, second)
            said = [*pair.wrong(place), *(p for key in (DEV, QA) for p in journal_problems(place, key))]
            found += [f"after {first} and {second} calls: {why}" for why in said]
    return found


# ---- what meets


def served(pipeline: Pipeline | None = None) -> Scene:
    scene = Scene(Crossing(Place(pipeline or Pipeline())))
    scene.live("1")
    return scene


def trained(scene: Scene, version: str) -> dict[str, object]:
    scene.place.train("titanic", version)
    scene.place.clock.advance(1)
    return scene.place.registered("titanic", version)


def forgettable(scene: Scene, key: SlotKey) -> None:
    """The slot's row is still in the index; the next sweep looks whether that is needed."""
    OpenIndex(scene.place.store).touch(str(key), scene.place.clock.now())
    scene.place.clock.advance(QUIET.total_seconds())


def accept(scene: Scene, event: dict[str, object]) -> None:
    """And its wake is lost."""
    scene.host.guarded(scene.host.processes[0], Task(scene.place.clock.now(), -3, EVENT, event))
    scene.place.queues.messages.pop(WAKES, None)


def wake(key: SlotKey) -> tuple[str, object]:
    return WAKES, json.dumps({"v": 1, "wake": str(key)})


def ballot(scene: Scene, who: object) -> tuple[str, object]:
    loaded = scene.place.ledger().load(QA)
    assert loaded is not None
    n, request = max(loaded.state.requests.items())
    return VOTE, Ballot(QA, n, request.k, request.hash, who, Decision.APPROVE)  # type: ignore[arg-type]


def each_once(*versions: str) -> Callable[[Place], Iterator[str]]:
    """Every version was accepted once in dev, and the newest serves there."""

    def wrong(place: Place) -> Iterator[str]:
        found = [p.registration.version for p in place.ledger().promotions(DEV)]
        if sorted(found) != sorted(versions):
            yield f"accepted {found}"
        loaded = place.ledger().load(DEV)
        serving = loaded.state.slot.serving if loaded else None
        if serving is None or serving.version != versions[-1]:
            yield f"serves {serving and serving.version}"
        if loaded is not None and not loaded.state.slot.idle:
            yield f"not at rest: {loaded.state.slot}"

    return wrong


def live_in_qa(version: str) -> Callable[[Place], Iterator[str]]:
    def wrong(place: Place) -> Iterator[str]:
        p = place.ledger().promotions(QA)[0]
        if (p.registration.version, p.verdict) != (version, Verdict.LIVE):
            yield f"#{p.n} is {p.verdict or p.phase}"
        yield from () if p.phase is Phase.ENDED else ("it has not ended",)

    return wrong


def sweep_and_event() -> Pair:
    scene = served()
    forgettable(scene, DEV)
    return Pair(scene.place, (SWEEP, None), (EVENT, trained(scene, "2")), each_once("1", "2"))


def sweep_and_vote() -> Pair:
    scene = served()
    scene.arrives("2")
    forgettable(scene, QA)
    return Pair(scene.place, (SWEEP, None), ballot(scene, ANA), live_in_qa("2"))


def sweep_and_wake() -> Pair:
    scene = served()
    accept(scene, trained(scene, "2"))
    scene.place.clock.advance(QUIET.total_seconds())
    return Pair(scene.place, (SWEEP, None), wake(DEV), each_once("1", "2"))


def wake_and_event() -> Pair:
    scene = served()
    accept(scene, trained(scene, "2"))
    return Pair(scene.place, wake(DEV), (EVENT, trained(scene, "3")), each_once("1", "2", "3"))


def wake_and_vote() -> Pair:
    scene = served(Pipeline(required=2))
    scene.arrives("2")
    kind, first = ballot(scene, ANA)
    scene.host.guarded(scene.host.processes[0], Task(scene.place.clock.now(), -3, kind, first))
    scene.place.queues.messages.pop(WAKES, None)
    return Pair(scene.place, wake(QA), ballot(scene, BEN), live_in_qa("2"))


def vote_and_vote() -> Pair:
    scene = served(Pipeline(required=2))
    scene.arrives("2")
    return Pair(scene.place, ballot(scene, ANA), ballot(scene, BEN), live_in_qa("2"))


def event_and_event() -> Pair:
    scene = served()
    one, other = (trained(scene, version) for version in ("2", "3"))
    return Pair(scene.place, (EVENT, one), (EVENT, other), each_once("1", "2", "3"))


def event_and_itself() -> Pair:
    scene = served()
    event = trained(scene, "2")
    return Pair(scene.place, (EVENT, event), (EVENT, event), each_once("1", "2"))


PAIRS = (
    *(sweep_and_event, sweep_and_vote, sweep_and_wake, wake_and_event, wake_and_vote),
    *(vote_and_vote, event_and_event, event_and_itself),
)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.__name__)
def test_wherever_they_cross_nothing_is_lost_and_nothing_done_twice(pair: Callable[[], Pair]) -> None:
    assert problems(pair()) == []


def test_a_sweep_that_forgets_whatever_was_accepted_meanwhile_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def removed(index: OpenIndex, row: OpenRow) -> bool:
        now = index.get(row.name)
        index._table.commit("open", [Delete(row.name, now.etag)] if now else [])
        return True

    monkeypatch.setattr(OpenIndex, "remove", removed)

    assert problems(sweep_and_event())


def test_an_index_that_takes_no_notice_of_a_newer_stamp_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = OpenIndex._replace

    def overwritten(index: OpenIndex, row: OpenRow, changes: dict[str, object]) -> bool:
        now = index.get(row.name)
        return real(index, replace(row, etag=now.etag) if now else row, changes)  # type: ignore[arg-type]

    monkeypatch.setattr(OpenIndex, "_replace", overwritten)
    monkeypatch.setattr(OpenRow, "quiet", lambda *_: True)

    assert problems(wake_and_vote())
