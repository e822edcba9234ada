"""The Functions host, Event Grid and the timer, as far as the product can tell: at-least-once, in time order.

Everything that is to happen stands in an agenda by time. A handler that raises gets its message again; one
whose process dies gets it again much later, as the real host does. A handler may pause in the middle of a
call: then others go on, in the same process or in another one.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from orchestrator import triggers
from shared.errors import GreenlightError
from shared.queues import APPROVAL_DECISIONS, WAKES
from simulation.fibers import Fiber, Killed
from simulation.place import OLGA, Place
from simulation.seams import Call, Seam
from simulation.tasks import (
    AGAIN,
    EVENT,
    GRID_AGAIN,
    HIDDEN,
    MOST_TRIES,
    ORDER,
    OTHER,
    PERSON_AGAIN,
    POISON,
    RESUME,
    SWEEP,
    VOTE,
    Ballot,
    Said,
    Task,
)

T = TypeVar("T")


class Process:
    """One instance of the product, and the handlers that are under way in it."""

    def __init__(self, place: Place, seam: Seam) -> None:
        self.alive = True
        self._seam = seam
        self.app = place.start(self._through)
        self.fibers: list[Fiber] = []

    def _through(self, call: Call, effect: Callable[[], T]) -> T:
        if not self.alive:  # what unwinds after a kill does nothing any more
            raise Killed
        answer = self._seam(call, effect)
        if not self.alive:
            raise Killed
        return answer


class Host:
    """Runs the product over a place, in one process or several."""

    def __init__(self, place: Place, seam: Seam, *, processes: int = 1) -> None:
        self.place = place
        self.seam = seam
        self.processes = [Process(place, seam) for _ in range(processes)]
        self.agenda: list[Task] = []
        self.problems: list[str] = []
        self.trace: list[str] | None = None
        self.deaths = 0
        self.handled = 0
        self.wakes_return = True
        """Is the wake that a dying process was handling seen again?"""
        self._order = itertools.count()
        self._fiber: Fiber | None = None
        self.at(60.0, SWEEP)

    # ---- what a simulation with chance in it says otherwise

    def begins(self, task: Task) -> None:
        """Told before every handler."""

    def pick(self) -> Process:
        """Which process takes the next task."""
        return self.processes[0]

    def interruptible(self, task: Task) -> bool:
        """May this handler pause? It costs a thread."""
        return False

    def carried(self, queue: str, text: str) -> Iterable[float]:
        """How much later than it should each copy of a message arrives. Nothing: it is lost."""
        return (0.0,)

    # ---- what is to happen

    def at(self, delay: float, kind: str, payload: object = None, tries: int = 1) -> None:
        moment = self.place.clock.now() + timedelta(seconds=delay)
        heapq.heappush(self.agenda, Task(moment, next(self._order), kind, payload, tries))

    def publish(self, event: dict[str, object]) -> None:
        self.at(0.0, EVENT, event)

    # ---- time

    def run(self, most: timedelta, *, awaited: frozenset[str] = frozenset()) -> None:
        """Let things happen until nothing is left but sweeps and what is `awaited`, or `most` has passed."""
        until = self.place.clock.now() + most
        self._collect()
        while self.agenda and self.agenda[0].at <= until and not self.at_rest(awaited):
            self.step()

    def run_for(self, duration: timedelta) -> None:
        """Let everything happen that happens within `duration`."""
        until = self.place.clock.now() + duration
        self._collect()
        while self.agenda and self.agenda[0].at <= until:
            self.step()
        self.leap(until - self.place.clock.now())

    def leap(self, duration: timedelta) -> None:
        """Time passes with no process running."""
        self.place.clock.advance(max(0.0, duration.total_seconds()))

    def step(self) -> None:
        """The next thing happens."""
        task = heapq.heappop(self.agenda)
        self.leap(task.at - self.place.clock.now())
        self._happens(task)
        self._collect()

    def at_rest(self, awaited: frozenset[str] = frozenset()) -> bool:
        """Only the timer is left, and it will find nothing within an hour."""
        if any(task.kind not in awaited | {SWEEP} for task in self.agenda):
            return False
        soon = self.place.clock.now() + timedelta(hours=1)
        due = self.place.store.table("open").query("open", by=("due", soon))
        return not any("@" in row.key for row in due) and not self.place.unseen_runs()

    def pause(self, seconds: float) -> None:
        """The handler that runs now waits, and others go on. Where it cannot, only time passes."""
        fiber = self._fiber
        if fiber is None:
            self.place.clock.advance(seconds)
            return
        self.at(seconds, RESUME, fiber)
        fiber.pause()

    def close(self) -> None:
        """Nothing happens any more: no thread may be left behind."""
        for process in self.processes:
            process.alive = False
            for fiber in process.fibers:
                fiber.kill()

    def _collect(self) -> None:
        """Messages that were sent go into the agenda."""
        for queue in (WAKES, APPROVAL_DECISIONS):
            for visible, text in self.place.queues.messages.pop(queue, []):
                for later in self.carried(queue, text):
                    moment = visible + timedelta(seconds=later)
                    heapq.heappush(self.agenda, Task(moment, next(self._order), queue, text))

    # ---- handling

    def _happens(self, task: Task) -> None:
        if task.kind == OTHER:
            assert callable(task.payload)
            task.payload()
        elif task.kind == RESUME:
            assert isinstance(task.payload, Fiber)
            self._resume(task.payload)
        else:
            self.handle(task)
        for process in [p for p in self.processes if not p.alive]:
            self._bury(process)

    def handle(self, task: Task) -> None:
        if task.kind == SWEEP:
            self.at(60.0, SWEEP)
        self.handled += 1
        self.note(str(task))
        self.begins(task)
        process = self.pick()
        if self.interruptible(task):
            fiber = Fiber(lambda: self.guarded(process, task))
            process.fibers.append(fiber)
            self._resume(fiber)
        else:
            self.guarded(process, task)

    def guarded(self, process: Process, task: Task) -> None:
        """What becomes of a message, whatever its handler does."""
        try:
            self._call(process, task)
        except Killed:
            if process.alive:
                process.alive = False
                self.deaths += 1
                self.note("the process dies")
            self._orphaned(task)
        except GreenlightError as error:
            self.note(f"{task.kind} failed: {error}")
            self._again(task)
        except Exception as error:  # noqa: BLE001 -- a bug: the host would try again, we tell
            self.problems.append(f"{task.kind} raised {type(error).__name__}: {error}")
            self._again(task)

    def note(self, line: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.place.clock.now():%d %H:%M:%S} {line}")

    def _resume(self, fiber: Fiber) -> None:
        if fiber.done:
            return
        self._fiber = fiber
        ended = fiber.resume()
        self._fiber = None
        if ended:
            for process in self.processes:
                if fiber in process.fibers:
                    process.fibers.remove(fiber)

    def _bury(self, process: Process) -> None:
        for fiber in process.fibers:
            fiber.kill()
        self.processes[self.processes.index(process)] = Process(self.place, self.seam)

    def _call(self, process: Process, task: Task) -> None:
        """What function_app.py does."""
        app = process.app
        match task.kind:
            case "sweep":
                triggers.sweep(app)
            case "event":
                triggers.model_event(app, task.payload)
            case "wakes":
                triggers.wake(app, str(task.payload))
            case "approval-decisions":
                triggers.approval_message(app, str(task.payload))
            case "vote":
                b = task.payload
                assert isinstance(b, Ballot)
                app.intake.vote(
                    b.key, b.n, b.k,
                    principal=b.who, decision=b.decision, comment=f"so says {b.who.name}", hash=b.hash,
                    channel="page",
                )  # fmt: skip
            case "order":
                said = task.payload
                assert isinstance(said, Said)
                app.operating.slot(
                    said.command, said.key, by=OLGA, reason=said.reason, request=said.request,
                    confirm=str(said.key),
                )  # fmt: skip
            case _:
                triggers.poison(app, task.kind.removesuffix(POISON), str(task.payload))

    def _orphaned(self, task: Task) -> None:
        """Its process died while it was handled."""
        match task.kind:
            case "sweep":
                return
            case "event":
                self.at(AGAIN, EVENT, task.payload, task.tries + 1)
            case "vote":
                self._votes_again(task)
            case "order":
                self.at(PERSON_AGAIN, ORDER, task.payload, task.tries + 1)
            case "wakes" if not self.wakes_return:
                return
            case _:
                self.at(HIDDEN, task.kind, task.payload, task.tries + 1)

    def _again(self, task: Task) -> None:
        """Its handler raised."""
        if task.kind == SWEEP:
            return
        if task.kind == VOTE:
            self._votes_again(task)
        elif task.kind == ORDER:
            self.at(PERSON_AGAIN, ORDER, task.payload, task.tries + 1)
        elif task.kind == EVENT:
            wait = GRID_AGAIN[min(task.tries, len(GRID_AGAIN)) - 1]
            self.at(wait, EVENT, task.payload, task.tries + 1)
        elif task.tries >= MOST_TRIES and not task.kind.endswith(POISON):
            self.at(0.0, f"{task.kind}{POISON}", task.payload)
        else:
            moment = self.place.clock.now() + timedelta(seconds=AGAIN)
            heapq.heappush(self.agenda, replace(task, at=moment, tries=task.tries + 1))

    def _votes_again(self, task: Task) -> None:
        """People look at the page first: who finds the answer there does not give it again."""
        b = task.payload
        assert isinstance(b, Ballot)
        if not any(v.approver == b.who.id for v in self.place.ledger().votes(b.key, b.n, b.k)):
            self.at(PERSON_AGAIN, VOTE, b, task.tries + 1)
