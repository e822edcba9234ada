"""A host in which one write of a story takes effect late: its worker is dead, or has stopped waiting."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from orchestrator.commands import Command
from orchestrator.model import SlotKey, Verdict
from shared.errors import GreenlightError, Unknown
from simulation.fibers import Killed
from simulation.guards import Guards
from simulation.host import Host
from simulation.outcome import endpoint_of
from simulation.place import OLGA, SETTINGS, Place
from simulation.seams import Call
from simulation.stories import DEV, QA
from simulation.tasks import OTHER, Task

T = TypeVar("T")
READABLE = 1.2
"""Seconds after a write until it is read back: before the product acts upon it."""
SETTLED = 3.0
"""Seconds after a write until the endpoint takes the next one."""
EXPECTED = (SETTINGS.lease + SETTINGS.deadline + SETTINGS.skew).total_seconds()
"""Until then a successor waits for the call."""


class When(StrEnum):
    """When the call takes effect."""

    EXPECTED = "as its successor's wait ends"
    REPEATED = "after its successor's repeat"
    ENDED = "after its promotion has ended"
    NEWER = "after a newer version went live"
    ROLLED_BACK = "after a rollback that superseded it"
    """Its repeat had its effect, an operator aborted, and stable has all traffic again."""
    ORDERED = "after an operator's rollback of what it made live"
    RETIRED = "after an operator retired the slot"


ORDERS = {When.ORDERED: Command.ROLLBACK, When.RETIRED: Command.RETIRE}
OF_TRAFFIC = (When.ROLLED_BACK, When.ORDERED)
"""Moments that only a traffic write has."""


@dataclass(frozen=True)
class Point:
    """The k-th call of a story, and when it arrives. `died`: its worker did, too."""

    k: int
    call: Call
    when: When
    died: bool
    phase: float = 0.0
    """So many seconds later: how soon the product looks depends on it."""

    @property
    def key(self) -> SlotKey:
        """The slot that it moves."""
        return DEV if self.call.port == DEV.env else QA

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
            self.at(0.5, OTHER, lambda: self._abort(point.key))

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
    if slot.rollback is not None or slot.retirement is not None:
        return False
    p = loaded.state.promotions.get(slot.mover) if slot.mover is not None else None
    if slot.mover is not None and (p is None or p.ending is None or p.ending.verdict is Verdict.LIVE):
        return False
    endpoint = endpoint_of(place, slot.key)
    return endpoint is None or endpoint.traffic != {serving.deployment: 100}
