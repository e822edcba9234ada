"""Two workers on one slot: the same wake handled twice at once, interleaved at every call boundary.

Worker A makes `first` calls, then B makes `second`, then A goes on to its end, then B: all schedules with
up to three switches. Time stands still meanwhile, so every claim holds: exactly one of them may act.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from shared.queues import WAKES
from simulation.fibers import Fiber
from simulation.host import Host, Process
from simulation.kills import Swept, beginning
from simulation.outcome import differences, notices, outcome
from simulation.place import Place
from simulation.seams import Call
from simulation.stories import LONG, NothingToAnswer, Scene, Story
from simulation.tasks import Task

T = TypeVar("T")
NEVER = 10_000


@dataclass(frozen=True)
class Race:
    """Which wake of the story is handled twice, and when the workers switch."""

    wake: int
    first: int
    second: int

    def __str__(self) -> str:
        return f"wake {self.wake} handled twice, switching after {self.first} and {self.second} calls"


class Worker:
    """One of the two: stops once, after `most` calls."""

    def __init__(self, host: Host, process: Process, task: Task, most: int) -> None:
        self.fiber = Fiber(lambda: host.guarded(process, task))
        self.most = most
        self.calls = 0

    def calling(self) -> None:
        if self.calls == self.most:
            self.most = NEVER
            self.fiber.pause()
        self.calls += 1


class Racing(Host):
    """A host that gives one wake to two processes."""

    def __init__(self, place: Place, race: Race | None = None) -> None:
        self.race = race
        self.wakes: list[int] = []
        """Calls made by each wake's handler; in the race, by worker B."""
        self.own = 0
        """Calls made by worker A."""
        self._calls = 0
        self._running: Worker | None = None
        super().__init__(place, self.passes, processes=2)

    def passes(self, call: Call, effect: Callable[[], T]) -> T:
        self._calls += 1
        if self._running is not None:
            self._running.calling()
        return effect()

    def handle(self, task: Task) -> None:
        before = self._calls
        if task.kind == WAKES and self.race is not None and len(self.wakes) + 1 == self.race.wake:
            self._both(task, self.race)
            return
        super().handle(task)
        if task.kind == WAKES:
            self.wakes.append(self._calls - before)

    def _both(self, task: Task, race: Race) -> None:
        limits = (race.first, race.second)
        a, b = (Worker(self, p, task, n) for p, n in zip(self.processes, limits, strict=True))
        for worker in (a, b, a, b):
            if not worker.fiber.done:
                self._running = worker
                worker.fiber.resume()
        self._running = None
        self.own = a.calls
        self.wakes.append(b.calls)


def run(story: Story, start: Place, race: Race | None = None) -> Racing:
    host = Racing(start.copy(), race)
    try:
        story.told(Scene(host))
    except NothingToAnswer as error:
        host.problems.append(str(error))
    host.run(LONG)
    host.close()
    return host


def schedules(story: Story, start: Place) -> Iterator[Race]:
    """Every schedule with up to three switches, of every wake."""
    base = run(story, start)
    for wake, calls in enumerate(base.wakes, 1):
        for first in range(calls):
            for second in range(run(story, start, Race(wake, first, NEVER)).wakes[wake - 1] + 1):
                yield Race(wake, first, second)


def sweep(story: Story, chosen: Callable[[Iterator[Race]], Iterator[Race]] = iter) -> Swept:
    """Those schedules of a story that are `chosen`: it ends as with one worker, each effect made once."""
    start = beginning(story)
    base = run(story, start)
    expected, announced, accepted = outcome(base.place), notices(base.place), _accepted(base.place)
    swept = Swept(story.name)
    for race in chosen(schedules(story, start)):
        swept.points += 1
        swept.runs += 1
        found = run(story, start, race)
        problems = [*found.problems, *differences(outcome(found.place), expected)]
        if _accepted(found.place) != accepted:
            problems.append(f"accepted {_accepted(found.place)}, by one worker {accepted}")
        if notices(found.place) != announced:
            problems.append(f"announced {notices(found.place)}, by one worker {announced}")
        swept.problems += [f"{story.name}, {race}: {p}" for p in problems]
    return swept


def _accepted(place: Place) -> list[tuple[str, ...]]:
    """What the platforms took on, without names that carry times."""
    return [(env, what[0]) for env, w in place.workspaces.items() for what in w.accepted]
