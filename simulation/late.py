"""Late calls: a write whose worker died, or stopped waiting, takes effect when nobody counts on it any more.

Nothing can fence a call that was sent. So every write of a story is delivered late, at several moments, and
the guards and the end of the run say whether anybody was harmed by it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from orchestrator.commands import Command
from orchestrator.model import SlotKey, Verdict
from shared.errors import GreenlightError, Unknown
from simulation.fibers import Killed
from simulation.guards import Guards
from simulation.host import Host
from simulation.kills import beginning
from simulation.outcome import endpoint_of, journal_problems
from simulation.place import ENVIRONMENTS, OLGA, SETTINGS, Pipeline, Place
from simulation.seams import Call
from simulation.stories import DEV, LONG, QA, STORIES, NothingToAnswer, Scene, Story
from simulation.tasks import OTHER, Task

T = TypeVar("T")
NEWER = "8"
"""The version that goes live after the story."""
NEXT = "9"
"""The version whose registration makes the product look once more."""
READABLE = 1.2
"""Seconds after a write until it is read back: before the product acts upon it."""
REPAIRED = timedelta(minutes=10)
"""What the product can put right by itself is put right by then."""
SETTLED = 3.0
"""Seconds after a write until the endpoint takes the next one."""
EXPECTED = (SETTINGS.lease + SETTINGS.deadline + SETTINGS.skew).total_seconds()
"""Until then a successor waits for the call."""


def _first(scene: Scene) -> None:
    scene.live("1")


def _second(scene: Scene) -> None:
    scene.live("2")


def _restored(scene: Scene) -> None:
    """Somebody gives traffic back to the deployment that is kept warm, and an operator restores."""
    endpoint = scene.place.workspaces[QA.env].online.get("titanic-qa")
    serving = next(iter(endpoint.traffic))
    old = next(name for name in endpoint.deployments if name != serving)
    scene.place.workspaces[QA.env].write_traffic("titanic-qa", {old: 100}, endpoint.tags)
    scene.host.run_for(timedelta(minutes=10))
    scene.host.processes[0].app.operating.slot(Command.RESTORE, QA, by=OLGA, reason="")
    scene.host.run_for(timedelta(minutes=10))


def _twice(scene: Scene) -> None:
    _first(scene)
    _second(scene)


WARM = Pipeline(warm="12h")
TOLD = (
    *STORIES,
    Story("blue/green, kept warm", _second, _first, WARM),
    Story("restored by an operator", _restored, _twice, WARM),
)
"""In a long warm period the old deployment still stands when the newer one is live."""


class When(StrEnum):
    """When the call takes effect."""

    EXPECTED = "as its successor's wait ends"
    REPEATED = "after its successor's repeat"
    ENDED = "after its promotion has ended"
    NEWER = "after a newer version went live"
    ROLLED_BACK = "after a rollback that superseded it"
    """Its repeat had its effect, an operator aborted, and stable has all traffic again."""


@dataclass(frozen=True)
class Point:
    """The k-th call of a story, and when it arrives. `died`: its worker did, too."""

    k: int
    call: Call
    when: When
    died: bool
    phase: float = 0.0
    """So many seconds later: how soon the product looks depends on it."""

    def __str__(self) -> str:
        worker = "its worker dead" if self.died else "no answer in time"
        return f"call {self.k}, {self.call}, {worker}, {self.when}"


class Belated(Host):
    """Counts every call; one of them arrives late."""

    def __init__(self, place: Place, point: Point | None = None) -> None:
        self.point = point
        self.calls: list[Call] = []
        self.waiting: Call | None = None
        self.landed: datetime | None = None
        self.accepted = False
        """Did the platform take the late call on?"""
        self.strays: list[float] = []
        """Seconds for which traffic was not what is recorded, each time after the late effect."""
        self._astray: datetime | None = None
        self._repeats = 0
        self.guards = Guards(place)
        super().__init__(place, self.passes)

    def passes(self, call: Call, effect: Callable[[], T]) -> T:
        self.calls.append(call)
        point = self.point
        if point is not None and len(self.calls) == point.k:
            self.waiting = call
            if point.when is When.EXPECTED:
                self.at(EXPECTED, OTHER, self.land)
            if point.died:
                raise Killed
            raise Unknown(f"{call}: no answer in time")
        answer = self.guards.watch(call, effect)
        if point is not None and self.waiting is not None and str(call) == str(point.call):
            self._repeated(point)
        return answer

    def _repeated(self, point: Point) -> None:
        """The successor made the same call, and it had its effect. In a rollback, for the second time."""
        self._repeats += 1
        if point.when is When.REPEATED:
            self.at(SETTLED, OTHER, self.land)
        elif point.when is When.ROLLED_BACK and self._repeats == 2:
            self.at(READABLE, OTHER, self.land)
        elif point.when is When.ROLLED_BACK:
            self.at(0.5, OTHER, lambda: self._abort(DEV if point.call.port == DEV.env else QA))

    def _abort(self, key: SlotKey) -> None:
        loaded = self.place.ledger().load(key)
        if loaded is not None and loaded.state.slot.mover is not None:
            n = loaded.state.slot.mover
            operating = self.processes[0].app.operating
            operating.promotion(Command.ABORT, key, n, by=OLGA, reason="it is wrong")

    def land(self) -> None:
        """The platform gets to the call, and takes it on or refuses it."""
        call, self.waiting = self.waiting, None
        if call is None or call.late is None:
            return
        self.landed = self.place.clock.now()
        with contextlib.suppress(GreenlightError):
            self.guards.watch(call, call.late, late=True)
            self.accepted = True
        self._measure()  # the next handler may put it right at once

    def handle(self, task: Task) -> None:
        super().handle(task)
        self._measure()

    def step(self) -> None:
        super().step()
        self._measure()

    def _measure(self) -> None:
        if self.landed is None:
            return
        now, astray = self.place.clock.now(), any(_astray(self.place, key) for key in (DEV, QA))
        if astray and self._astray is None:
            self._astray = now
        elif not astray and self._astray is not None:
            self.strays.append((now - self._astray).total_seconds())
            self._astray = None


def _astray(place: Place, key: SlotKey) -> bool:
    """Traffic is not where the slot says that it is, and nothing of ours is meant to move it."""
    loaded = place.ledger().load(key)
    if loaded is None or (serving := loaded.state.slot.serving) is None:
        return False
    slot = loaded.state.slot
    p = loaded.state.promotions.get(slot.mover) if slot.mover is not None else None
    if slot.mover is not None and (p is None or p.ending is None or p.ending.verdict is Verdict.LIVE):
        return False
    endpoint = endpoint_of(place, slot.key)
    return endpoint is None or endpoint.traffic != {serving.deployment: 100}


@dataclass
class Delivered:
    """What became of all late calls of one story."""

    story: str
    runs: int = 0
    taken: int = 0
    """Late calls that the platform took on; it refused the others."""
    asked: int = 0
    """Runs that ended with a person asked."""
    problems: list[str] = field(default_factory=list)
    strays: list[float] = field(default_factory=list)


def sweep(
    story: Story,
    *,
    whens: tuple[When, ...] = tuple(When),
    deaths: tuple[bool, ...] = (False, True),
    phases: tuple[float, ...] = (0.0,),
) -> Delivered:
    """Every write of a story to a workspace, delivered at each of these moments and `phases` later."""
    start = beginning(story)
    delivered = Delivered(story.name)
    points = _points(told(story, start), whens, deaths)
    for point in (replace(p, phase=phase) for p in points for phase in phases):
        found = told(story, start, point)
        delivered.runs += 1
        delivered.taken += found.accepted
        delivered.strays += found.strays
        delivered.asked += any(_person(found.place, key) for key in (DEV, QA))
        delivered.problems += [f"{story.name}, {point}: {p}" for p in problems(found)]
    return delivered


def _points(base: Belated, whens: tuple[When, ...], deaths: tuple[bool, ...]) -> Iterator[Point]:
    for k, call in enumerate(base.calls, 1):
        if call.port in ENVIRONMENTS and call.writes:
            fitting = [w for w in whens if w is not When.ROLLED_BACK or call.operation == "write_traffic"]
            yield from (Point(k, call, when, died) for when in fitting for died in deaths)


def told(story: Story, start: Place, point: Point | None = None) -> Belated:
    """The story, then what comes after it: a newer version if so said, the late call, and one more look."""
    host = Belated(start.copy(), point)
    scene = Scene(host)
    _tell(host, lambda: story.told(scene))
    host.run(LONG)
    if point is None:
        host.close()
        return host
    if point.when is When.NEWER:
        _tell(host, lambda: scene.live(NEWER))
        host.run(LONG)
    host.run_for(timedelta(seconds=point.phase))
    host.land()
    host.run_for(REPAIRED)
    _tell(host, lambda: scene.arrives(NEXT))
    host.run(LONG)
    host.close()
    return host


def _tell(host: Belated, part: Callable[[], None]) -> None:
    try:
        part()
    except NothingToAnswer as error:
        if host.point is None or host.point.when is not When.ROLLED_BACK:  # then there is nothing to ask
            host.problems.append(str(error))


def problems(found: Belated) -> Iterator[str]:
    """What a late call may not have left behind."""
    yield from found.problems
    yield from found.guards.problems
    for key in (DEV, QA):
        yield from journal_problems(found.place, key)
        yield from _left(found.place, key)


def _left(place: Place, key: SlotKey) -> Iterator[str]:
    loaded = place.ledger().load(key)
    if loaded is None:
        return
    state, endpoint = loaded.state, endpoint_of(place, loaded.state.slot.key)
    slot = state.slot
    if endpoint is None:
        if slot.serving:
            yield f"{key}: the endpoint is gone"
        return
    if slot.serving and slot.serving.deployment not in endpoint.deployments:
        yield f"{key}: what serves is gone"
    if slot.serving and endpoint.traffic != {slot.serving.deployment: 100} and not _person(place, key):
        yield f"{key}: traffic {endpoint.traffic}, recorded {slot.serving.deployment}, and nobody was asked"
    known = {slot.serving.deployment if slot.serving else "", *slot.retiring, *slot.orphans}
    known |= {p.candidate for p in state.promotions.values()}
    yield from (f"{key}: nobody knows of {name}" for name in endpoint.deployments.keys() - known)


def _person(place: Place, key: SlotKey) -> bool:
    """Is somebody asked to decide here?"""
    loaded = place.ledger().load(key)
    if loaded is None:
        return False
    return loaded.state.slot.foreign is not None or any(p.trouble for p in loaded.state.promotions.values())
