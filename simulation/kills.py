"""Kill points: stop the process on either side of every outside call, or lose the call's answer, and look
whether the world ends as it does when nothing happens.

The process keeps nothing between two calls that matters, so two kill points are one when nothing outside
changed between them: after a read, and before the next call of the same handler. Each is counted, one is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from shared.errors import Unknown
from simulation.host import Killed
from simulation.outcome import notices, outcome
from simulation.place import Place
from simulation.seams import Call
from simulation.stories import NothingToAnswer, Scene, Story

T = TypeVar("T")


class How(StrEnum):
    """What happens at the call."""

    BEFORE = "killed before"
    AFTER = "killed after"
    GONE = "killed, the wake lost, after"
    """Wakes are hints: the sweep must find what the dead process left, with no message in flight."""
    LOST = "answer lost of"


@dataclass(frozen=True)
class Point:
    """The k-th call of a story, and what happens there."""

    how: How
    k: int
    call: Call

    def __str__(self) -> str:
        return f"{self.how} call {self.k}, {self.call}"


class Passing:
    """A seam that counts, and strikes once."""

    def __init__(self, strike: Point | None = None) -> None:
        self.strike = strike
        self.calls: list[Call] = []
        self.firsts: set[int] = set()
        self._dead = False

    def begins(self) -> None:
        """A new handler, of a process that lives."""
        self._dead = False
        self.firsts.add(len(self.calls) + 1)

    def __call__(self, call: Call, effect: Callable[[], T]) -> T:
        if self._dead:  # what unwinds after a kill does nothing any more
            raise Killed
        self.calls.append(call)
        if self.strike is None or self.strike.k != len(self.calls):
            return effect()
        if self.strike.how is How.BEFORE:
            self._dead = True
            raise Killed
        answer = effect()
        if self.strike.how is How.LOST:
            raise Unknown(f"{call}: no answer in time")
        self._dead = True
        del answer
        raise Killed


@dataclass
class Swept:
    """What became of all kill points of one story."""

    story: str
    points: int = 0
    """Calls, times what may happen at each."""
    runs: int = 0
    problems: list[str] = field(default_factory=list)
    wakes: list[int] = field(default_factory=list)
    """Handlers from each kill to rest."""


def sweep(story: Story, *, hows: tuple[How, ...] = tuple(How), reads: bool = True) -> Swept:
    """Every kill point of a story. Without `reads`, only writes lose their answers."""
    place = beginning(story)
    base = _told(story, place, Passing())
    swept = Swept(story.name, points=len(base.seam.calls) * len(hows))
    expected, announced = outcome(base.scene.place), notices(base.scene.place)
    for point in points(base.seam):
        if point.how not in hows or not (reads or point.call.writes or point.how is How.BEFORE):
            continue
        swept.runs += 1
        found = _told(story, place, Passing(point))
        swept.wakes.append(found.scene.host.handled - base.scene.host.handled)
        swept.problems += [f"{story.name}, {point}: {p}" for p in _differences(found, expected, announced)]
    return swept


def points(seam: Passing) -> Iterator[Point]:
    """Those that leave different worlds behind."""
    for k, call in enumerate(seam.calls, 1):
        if k in seam.firsts:
            yield Point(How.BEFORE, k, call)
        if call.writes:
            yield Point(How.AFTER, k, call)
            yield Point(How.GONE, k, call)
        yield Point(How.LOST, k, call)


@dataclass
class _Told:
    scene: Scene
    seam: Passing


def beginning(story: Story) -> Place:
    """The world when the part of the story begins that is disturbed."""
    place = Place(story.pipeline)
    story.before(Scene(place, lambda: place.start(Passing())))
    return place


def _told(story: Story, beginning: Place, seam: Passing) -> _Told:
    place = beginning.copy()
    scene = Scene(place, lambda: place.start(seam), seam.begins)
    scene.host.wakes_return = seam.strike is None or seam.strike.how is not How.GONE
    try:
        story.told(scene)
    except NothingToAnswer as error:
        scene.host.problems.append(str(error))
    return _Told(scene, seam)


def _differences(found: _Told, expected: dict[str, object], announced: dict[str, int]) -> Iterator[str]:
    yield from found.scene.host.problems
    ended = outcome(found.scene.place)
    for name in expected.keys() | ended.keys():
        if ended.get(name) != expected.get(name):
            yield f"{name} is {ended.get(name)}, undisturbed {expected.get(name)}"
    told = notices(found.scene.place)
    for name in told.keys() | announced.keys():
        if not announced.get(name, 0) <= told.get(name, 0) <= announced.get(name, 0) + 1:
            yield f"{name} announced {told.get(name, 0)} times, undisturbed {announced.get(name, 0)}"
    seam = found.seam
    if seam.strike is not None and len(seam.calls) < seam.strike.k:
        yield "the call was never made"
