"""How many storage transactions things cost: one call at a table or queue port is one transaction.

A handled wake costs two more: the host's get and delete of the message. Idle polling is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator import triggers
from orchestrator.approval import Decision
from orchestrator.model import SlotKey
from orchestrator.wakes import read_wake
from shared.queues import WAKES
from tests.engine.town import ANA, DEV, QA, Town

MESSAGE = 2


@dataclass(frozen=True)
class Costs:
    """Transactions. `polls`: each wake that found nothing to do yet, and what it cost."""

    event: int
    vote: int
    environments: dict[str, int]
    polls: list[int]
    waiting: int
    """Per hour of waiting for an approval, sweeps included."""


class Meter:
    def __init__(self, town: Town) -> None:
        self.town = town
        self.by_env: dict[str, int] = {"dev": 0, "qa": 0}
        self.polls: list[int] = []

    @property
    def total(self) -> int:
        return self.town.store.calls + self.town.queues.sent

    def settle(self) -> None:
        """As Town.settle, with every wake's cost booked to its environment, or to polling."""
        town = self.town
        for _ in range(500):
            for text in town.queues.take(WAKES):
                self._wake(text)
            following = town.queues.next_visible(WAKES)
            if following is None:
                return
            town.clock.advance(max(0.0, (following - town.clock.now()).total_seconds()))
        raise AssertionError("no rest after 500 rounds of wakes")

    def _wake(self, text: str) -> None:
        key = read_wake(text).slot
        seq, before = self._seq(key), self.total
        triggers.wake(self.town.app, text)
        cost = self.total - before + MESSAGE
        if key is None:
            return
        if self._seq(key) == seq:
            self.polls.append(cost)
        else:
            self.by_env[key.env] += cost

    def _seq(self, key: SlotKey | None) -> int:
        """The slot's journal head, read past the meter."""
        if key is None:
            return -1
        calls = {name: table.calls for name, table in self.town.store.tables.items()}
        loaded = self.town.app.ledger.slot_row(key)
        for name, count in calls.items():
            self.town.store.tables[name].calls = count
        return loaded.state.slot.seq if loaded else -1


def measured(root: Path) -> Costs:
    """The second version of a model, blue/green, from event to live in qa."""
    town = Town(root)
    town.register("1")
    town.announce("1")
    town.settle()
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    for _ in range(5):
        town.sweep()
    meter = Meter(town)
    town.register("2")
    start = meter.total
    town.announce("2")
    event = meter.total - start
    meter.settle()
    start = meter.total
    for _ in range(60):
        town.clock.advance(60)
        triggers.sweep(town.app)
        for text in town.queues.take(WAKES):
            triggers.wake(town.app, text)
    waiting = meter.total - start
    start = meter.total
    town.vote(ANA, Decision.APPROVE)
    vote = meter.total - start
    meter.settle()
    environments = {DEV.env: meter.by_env["dev"] + event, QA.env: meter.by_env["qa"] + vote}
    return Costs(event, vote, environments, meter.polls, waiting)
