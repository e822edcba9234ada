"""Chance, from a seed: what goes wrong at a call, with a message, and with a process.

Every seed draws its own weather: which kinds of fault there are at all, and how frequent each is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import TypeVar

from shared.errors import Busy, Conflict, GreenlightError, Unavailable, Unknown
from shared.queues import WAKES
from simulation.fibers import Killed
from simulation.guards import Guards
from simulation.host import Host, Process
from simulation.kills import arrive
from simulation.place import Place
from simulation.seams import Call
from simulation.tasks import EVENT, OTHER, VOTE, Task

T = TypeVar("T")


class Deed(StrEnum):
    """What may happen at a call."""

    KILL_BEFORE = "killed before"
    KILL_AFTER = "killed after"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    LOST = "answer lost of"
    LATE = "late effect of"
    CONFLICT = "conflict, nothing written, at"
    CONFLICT_DONE = "conflict, written all the same, at"
    PAUSE = "pauses before"
    STALL = "stalls before"
    SLOW = "slow"


class Mishap(StrEnum):
    """What may happen to a message."""

    DROP = "dropped"
    TWICE = "delivered twice"
    DELAY = "delayed"


ONLY_COMMITS = (Deed.CONFLICT, Deed.CONFLICT_DONE)
SOONER_LATE = (1.0, 20.0)
"""How late a call may take effect: as long as its connection may be open."""
LONG_STALL = (20.0, 900.0)


class Weather(Host):
    """A host in which anything may happen at any call, until it is `calm`."""

    def __init__(self, place: Place, chance: Random) -> None:
        self.chance = chance
        self.calm = False
        self.guards = Guards(place)
        self.deeds = self._drawn(list(Deed), 0.35, 3e-4, 2e-2)
        self.mishaps = self._drawn(list(Mishap), 0.5, 1e-2, 0.3)
        self.interrupts = chance.choice((0.0, 0.1, 0.4))
        super().__init__(place, self.passes, processes=2)

    def _drawn(self, kinds: list[T], some: float, low: float, high: float) -> list[tuple[T, float]]:
        """Each kind is there with chance `some`; its frequency is anything between, evenly by magnitude."""
        return [
            (kind, low * (high / low) ** self.chance.random())
            for kind in kinds
            if self.chance.random() < some
        ]

    # ---- the host's chances

    def pick(self) -> Process:
        return self.chance.choice(self.processes)

    def interruptible(self, task: Task) -> bool:
        return not self.calm and self.chance.random() < self.interrupts

    def carried(self, queue: str, text: str) -> Iterable[float]:
        """Wakes may be lost, votes may not: the queue is durable, and a vote is a fact."""
        mishap = None if self.calm else self._draws(self.mishaps)
        return self.copies(mishap if queue == WAKES or mishap is not Mishap.DROP else None)

    def copies(self, mishap: Mishap | None) -> Iterable[float]:
        match mishap:
            case Mishap.DROP:
                return ()
            case Mishap.TWICE:
                return (0.0, self.chance.uniform(0.0, 90.0))
            case Mishap.DELAY:
                return (self.chance.uniform(0.0, 600.0),)
            case _:
                return (0.0,)

    def announces(self, event: dict[str, object]) -> None:
        """An event on its way through Event Grid."""
        for later in self.copies(None if self.calm else self._draws(self.mishaps)):
            self.at(later, EVENT, event)

    def answers(self, later: float, ballot: object) -> None:
        self.at(later, VOTE, ballot)

    def calmly(self, what: Callable[[], object]) -> None:
        """A person's command, which meets no fault: the person would say it again."""
        before, self.calm = self.calm, True
        try:
            what()
        except GreenlightError as error:
            self.note(f"  the product says no: {error}")
        finally:
            self.calm = before

    def _draws(self, kinds: list[tuple[T, float]]) -> T | None:
        drawn = self.chance.random()
        for kind, share in kinds:
            if drawn < share:
                return kind
            drawn -= share
        return None

    # ---- at a call

    def passes(self, call: Call, effect: Callable[[], T]) -> T:
        deed = None if self.calm else self._draws(self.deeds)
        if deed is None or (deed in ONLY_COMMITS and call.operation != "commit"):
            return self.guards.watch(call, effect)
        self.note(f"  {deed} {call}")
        return self._happening(deed, call, effect)

    def _happening(self, deed: Deed, call: Call, effect: Callable[[], T]) -> T:
        self._instead(deed, call)
        began = self.place.clock.now()
        if deed is Deed.STALL:
            self.pause(self.chance.uniform(*LONG_STALL))
        elif deed is Deed.PAUSE:
            self.pause(self.chance.uniform(0.0, 5.0))
        elif deed is Deed.SLOW:
            self.place.clock.advance(self.chance.uniform(0.0, 19.0))
        # A short pause is a long one, too, when another handler moves the clock meanwhile.
        late = self.place.clock.now() - began >= timedelta(seconds=LONG_STALL[0])
        answer = self.guards.watch(call, effect, late=late)
        match deed:
            case Deed.KILL_AFTER:
                raise Killed
            case Deed.LOST:
                raise Unknown(f"{call}: no answer in time")
            case Deed.CONFLICT_DONE:
                raise Conflict(f"{call}: the SDK repeated it and lost against itself")
            case _:
                return answer

    def _instead(self, deed: Deed, call: Call) -> None:
        """What keeps the call from being made, or from being made now."""
        match deed:
            case Deed.KILL_BEFORE:
                raise Killed
            case Deed.BUSY:
                raise Busy(f"{call}: busy", after=self.chance.choice((None, 1.0, 30.0)))
            case Deed.UNAVAILABLE:
                raise Unavailable(f"{call}: 503")
            case Deed.CONFLICT:
                raise Conflict(f"{call}: somebody was faster")
            case Deed.LATE if call.writes:
                self.at(self.chance.uniform(*SOONER_LATE), OTHER, lambda: self._arrives(call))
                raise Unknown(f"{call}: no answer in time")
            case _:
                return

    def _arrives(self, call: Call) -> None:
        self.note(f"arrives late: {call}")
        self.guards.watch(call, lambda: arrive(call), late=True)
