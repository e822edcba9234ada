"""The Functions host, Event Grid and the timer, as far as the product can tell: at-least-once, in time order.

Everything that is to happen stands in an agenda by time. A handler that raises gets its message again; one
whose process dies gets it again much later, as the real host does.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orchestrator import triggers
from orchestrator.app import App
from shared.errors import GreenlightError
from shared.queues import APPROVAL_DECISIONS, WAKES
from simulation.place import Place

HIDDEN = 600.0
"""Seconds for which the message of a dead process stays invisible."""
AGAIN = 30.0
"""Seconds until a message whose handler raised is visible again: host.json, visibilityTimeout."""
MOST_TRIES = 5
"""Then it is poison: host.json, maxDequeueCount."""
GRID_AGAIN = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)
"""Event Grid's retry schedule; the last one repeats."""
SWEEP = "sweep"
EVENT = "event"
POISON = "-poison"


class Killed(BaseException):
    """The process ended here. Not an Exception: no handler of the product may see it."""


@dataclass(order=True)
class Task:
    """Something that happens at a time."""

    at: datetime
    order: int
    kind: str = field(compare=False)
    payload: object = field(compare=False, default=None)
    tries: int = field(compare=False, default=1)

    def __str__(self) -> str:
        return f"{self.kind} {self.payload}" if self.payload is not None else self.kind


class Host:
    """Runs one process of the product over a place."""

    def __init__(
        self, place: Place, start: Callable[[], App], begins: Callable[[], None] = lambda: None
    ) -> None:
        self.place = place
        self.start = start
        self.begins = begins
        """Told before every handler."""
        self.app = start()
        self.agenda: list[Task] = []
        self.problems: list[str] = []
        self.deaths = 0
        self.handled = 0
        self.wakes_return = True
        """Is the wake that a dying process was handling seen again?"""
        self._order = itertools.count()
        self.at(60.0, SWEEP)

    # ---- what is to happen

    def at(self, delay: float, kind: str, payload: object = None, tries: int = 1) -> None:
        moment = self.place.clock.now() + timedelta(seconds=delay)
        heapq.heappush(self.agenda, Task(moment, next(self._order), kind, payload, tries))

    def publish(self, event: dict[str, object]) -> None:
        self.at(0.0, EVENT, event)

    # ---- time

    def run(self, most: timedelta) -> None:
        """Let things happen until nothing but sweeps is left, or `most` has passed."""
        until = self.place.clock.now() + most
        while True:
            self._collect()
            if not self.agenda or self.agenda[0].at > until or self.at_rest():
                return
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
        clock = self.place.clock
        clock.advance(max(0.0, (task.at - clock.now()).total_seconds()))
        self.handle(task)
        self._collect()

    def at_rest(self) -> bool:
        """Only the timer is left, and it will find nothing within an hour."""
        if any(task.kind != SWEEP for task in self.agenda):
            return False
        soon = self.place.clock.now() + timedelta(hours=1)
        return not list(self.place.store.table("open").query("open", by=("due", soon)))

    def _collect(self) -> None:
        """Messages that were sent go into the agenda."""
        for queue in (WAKES, APPROVAL_DECISIONS):
            for visible, text in self.place.queues.messages.pop(queue, []):
                heapq.heappush(self.agenda, Task(visible, next(self._order), queue, text))

    # ---- handling

    def handle(self, task: Task) -> None:
        if task.kind == SWEEP:
            self.at(60.0, SWEEP)
        self.handled += 1
        self.begins()
        try:
            self.call(task)
        except Killed:
            self.died(task)
        except GreenlightError:
            self.again(task)
        except Exception as error:  # noqa: BLE001 -- a bug: the host would try again, we tell
            self.problems.append(f"{task.kind} raised {type(error).__name__}: {error}")
            self.again(task)

    def call(self, task: Task) -> None:
        """What function_app.py does."""
        match task.kind:
            case "sweep":
                triggers.sweep(self.app)
            case "event":
                triggers.model_event(self.app, task.payload)
            case "wakes":
                triggers.wake(self.app, str(task.payload))
            case "approval-decisions":
                triggers.approval_message(self.app, str(task.payload))
            case _:
                triggers.poison(self.app, task.kind.removesuffix(POISON), str(task.payload))

    def died(self, task: Task) -> None:
        self.deaths += 1
        self.app = self.start()
        lost = task.kind == WAKES and not self.wakes_return
        if task.kind != SWEEP and not lost:
            self.at(AGAIN if task.kind == EVENT else HIDDEN, task.kind, task.payload, task.tries + 1)

    def again(self, task: Task) -> None:
        if task.kind == SWEEP:
            return
        if task.kind == EVENT:
            wait = GRID_AGAIN[min(task.tries, len(GRID_AGAIN)) - 1]
            self.at(wait, EVENT, task.payload, task.tries + 1)
        elif task.tries >= MOST_TRIES and not task.kind.endswith(POISON):
            self.at(0.0, f"{task.kind}{POISON}", task.payload)
        else:
            heapq.heappush(
                self.agenda,
                replace(task, at=self.place.clock.now() + timedelta(seconds=AGAIN), tries=task.tries + 1),
            )
