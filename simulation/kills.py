"""Kill points: stop the process on either side of every outside call, or lose the call's answer, and look
whether the world ends as it does when nothing happens.

The process keeps nothing between two calls that matters, so two kill points are one when nothing outside
changed between them: after a read, and before the next call of the same handler. Each is counted, one is run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from shared.errors import Unknown
from simulation.fibers import Killed
from simulation.host import Host
from simulation.outcome import differences, notices, outcome
from simulation.place import Place
from simulation.seams import Call
from simulation.stories import NothingToAnswer, Scene, Story
from simulation.tasks import Task

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

    def __call__(self, call: Call, effect: Callable[[], T]) -> T:
        self.calls.append(call)
        if self.strike is None or self.strike.k != len(self.calls):
            return effect()
        if self.strike.how is How.BEFORE:
            raise Killed
        answer = effect()
        if self.strike.how is How.LOST:
            raise Unknown(f"{call}: no answer in time")
        del answer
        raise Killed


class Counted(Host):
    """A host that knows which call is the first of its handler."""

    def __init__(self, place: Place, seam: Passing) -> None:
        super().__init__(place, seam)
        self.passing = seam
        self.firsts: set[int] = set()

    def begins(self, task: Task) -> None:
        self.firsts.add(len(self.passing.calls) + 1)


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
    start = beginning(story)
    base = _told(story, start, Passing())
    swept = Swept(story.name, points=len(base.passing.calls) * len(hows))
    expected, announced = outcome(base.place), notices(base.place)
    for point in points(base):
        if point.how not in hows or not (reads or point.call.writes or point.how is How.BEFORE):
            continue
        swept.runs += 1
        found = _told(story, start, Passing(point))
        swept.wakes.append(found.handled - base.handled)
        swept.problems += [f"{story.name}, {point}: {p}" for p in _differences(found, expected, announced)]
    return swept


def points(base: Counted) -> Iterator[Point]:
    """Those that leave different worlds behind."""
    for k, call in enumerate(base.passing.calls, 1):
        if k in base.firsts:
            yield Point(How.BEFORE, k, call)
        if call.writes:
            yield Point(How.AFTER, k, call)
            yield Point(How.GONE, k, call)
        yield Point(How.LOST, k, call)


def beginning(story: Story) -> Place:
    """The world when the part of the story begins that is disturbed."""
    host = Host(Place(story.pipeline), Passing())
    story.before(Scene(host))
    return host.place


def _told(story: Story, start: Place, seam: Passing) -> Counted:
    host = Counted(start.copy(), seam)
    host.wakes_return = seam.strike is None or seam.strike.how is not How.GONE
    try:
        story.told(Scene(host))
    except NothingToAnswer as error:
        host.problems.append(str(error))
    return host


def _differences(found: Counted, expected: dict[str, object], announced: Counter[str]) -> Iterator[str]:
    yield from found.problems
    yield from differences(outcome(found.place), expected)
    told = notices(found.place)
    for name in told.keys() | announced.keys():
        if not announced[name] <= told[name] <= announced[name] + 1:
            yield f"{name} announced {told[name]} times, undisturbed {announced[name]}"
    strike = found.passing.strike
    if strike is not None and len(found.passing.calls) < strike.k:
        yield "the call was never made"
