"""Kill points: stop the process on either side of every outside call, or lose the call's answer, and look
whether the world ends as it does when nothing happens.

The process keeps nothing between two calls that matters, so two kill points are one when nothing outside
changed between them: after a read, and before the next call of the same handler. Each is counted, one is run.
"""

from __future__ import annotations

import bisect
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from shared.errors import GreenlightError, Unknown
from simulation.fibers import Killed
from simulation.host import Host
from simulation.outcome import differences, journal_problems, left_wrong, notices, outcome, unmarked
from simulation.place import Place
from simulation.seams import Call
from simulation.stories import LONG, NothingToAnswer, Scene, Story
from simulation.tasks import OTHER, Task

T = TypeVar("T")


class How(StrEnum):
    """What happens at the call."""

    BEFORE = "killed before"
    AFTER = "killed after"
    GONE = "killed, the wake lost, after"
    """Wakes are hints: the sweep must find what the dead process left, with no message in flight."""
    LOST = "answer lost of"
    STALLED = "stalled before"
    """The worker stops past its lease, and goes on with the call as if nothing had been."""
    LATE = "no answer, and late effect, of"


ENDINGS = (How.BEFORE, How.AFTER, How.GONE, How.LOST)
"""The process dies, or goes on without an answer."""
UNFENCED = (How.STALLED, How.LATE)
"""A call reaches the outside when its worker is not believed any more."""
NEXT = "9"
"""The version whose registration makes the product look once more."""
PAST_LEASE = 65.0
"""Seconds: a successor has just made the same call, and what came of it is not over yet."""


@dataclass(frozen=True)
class Point:
    """The k-th call of a story, and what happens there."""

    how: How
    k: int
    call: Call
    handler: int
    """The number of the handler that makes it."""

    def __str__(self) -> str:
        return f"{self.how} call {self.k}, {self.call}"


class Struck(Host):
    """Counts every call, and strikes at one."""

    def __init__(self, place: Place, strike: Point | None = None, after: float = PAST_LEASE) -> None:
        self.strike = strike
        self.after = after
        self.calls: list[Call] = []
        self.firsts: list[int] = []
        """Calls that are the first of their handler."""
        super().__init__(place, self.passes)
        self.wakes_return = strike is None or strike.how is not How.GONE

    def begins(self, task: Task) -> None:
        self.firsts.append(len(self.calls) + 1)

    def interruptible(self, task: Task) -> bool:
        return (
            self.strike is not None
            and self.strike.how is How.STALLED
            and self.strike.handler == len(self.firsts)
        )

    def passes(self, call: Call, effect: Callable[[], T]) -> T:
        self.calls.append(call)
        if self.strike is None or self.strike.k != len(self.calls):
            return effect()
        if self.strike.how is How.BEFORE:
            raise Killed
        if self.strike.how is How.STALLED:
            self.pause(self.after)
            return effect()
        if self.strike.how is How.LATE:
            self.at(self.after, OTHER, lambda: arrive(call))
            raise Unknown(f"{call}: no answer in time")
        answer = effect()
        if self.strike.how is How.LOST:
            raise Unknown(f"{call}: no answer in time")
        del answer
        raise Killed


def arrive(call: Call) -> None:
    """A late effect; one that the platform refuses by then is lost."""
    if call.late is not None:
        with contextlib.suppress(GreenlightError):
            call.late()


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
    others: int = 0
    """Runs in which a late call left another end: the slot's next look finds it, or a person is asked."""
    announced: Counter[str] = field(default_factory=Counter[str])
    """What the undisturbed story tells, by channel."""


def sweep(
    story: Story, *, hows: tuple[How, ...] = ENDINGS, reads: bool = True, after: float = PAST_LEASE
) -> Swept:
    """Every kill point of a story. Without `reads`, only writes are struck. `after`: how late calls are."""
    start = beginning(story)
    base = _told(story, Struck(start.copy()))
    swept = Swept(story.name, points=len(base.calls) * len(hows))
    expected, announced = outcome(base.place), notices(base.place)
    swept.announced = announced
    for point in points(base):
        if point.how not in hows or not (reads or point.call.writes or point.how is How.BEFORE):
            continue
        swept.runs += 1
        found = _told(story, Struck(start.copy(), point, after))
        swept.wakes.append(found.handled - base.handled)
        wrong = list(_differences(found, expected, announced))
        if wrong and point.how in UNFENCED:
            swept.others += 1
            wrong = list(_after_a_look(found))
        found.close()
        swept.problems += [f"{story.name}, {point}: {p}" for p in wrong]
    base.close()
    return swept


def points(base: Struck) -> Iterator[Point]:
    """Those that leave different worlds behind."""
    for k, call in enumerate(base.calls, 1):
        handler = bisect.bisect_right(base.firsts, k)
        hows = [How.LOST]
        if call.writes:
            hows += [How.AFTER, How.GONE, How.LATE]
        hows.append(
            How.BEFORE if k in base.firsts else How.STALLED
        )  # before the first: its message came late
        yield from (Point(how, k, call, handler) for how in hows)


def beginning(story: Story) -> Place:
    """The world when the part of the story begins that is disturbed."""
    host = Struck(Place(story.pipeline))
    story.before(Scene(host))
    return host.place


def _told(story: Story, host: Struck) -> Struck:
    try:
        story.told(Scene(host))
    except NothingToAnswer as error:
        host.problems.append(str(error))
    host.run(LONG)
    return host


def _after_a_look(found: Struck) -> Iterator[str]:
    """What is wrong even when something opens in the slot once more."""
    Scene(found).arrives(NEXT)
    found.run(LONG)
    yield from found.problems
    for key in found.place.ledger().slot_keys(limit=10_000)[0]:
        yield from journal_problems(found.place, key)
        yield from left_wrong(found.place, key)


def _differences(found: Struck, expected: dict[str, object], announced: Counter[str]) -> Iterator[str]:
    yield from found.problems
    yield from differences(outcome(found.place), expected)
    told, first = notices(found.place), unmarked(found.place)
    for name in told.keys() | announced.keys():
        if not announced[name] <= told[name] <= announced[name] + 1:
            yield f"{name} announced {told[name]} times, undisturbed {announced[name]}"
        if first[name] > announced[name]:
            yield f"{name} announced {first[name]} times as if for the first time"
    if found.strike is not None and len(found.calls) < found.strike.k:
        yield "the call was never made"
