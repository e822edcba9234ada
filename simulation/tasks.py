"""What can happen at a time: the entries of the host's agenda."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import SlotKey
from shared.identity import Principal

HIDDEN = 600.0
"""Seconds for which the message of a dead process stays invisible."""
AGAIN = 30.0
"""Seconds until a message whose handler raised is visible again: host.json, visibilityTimeout."""
MOST_TRIES = 5
"""Then it is poison: host.json, maxDequeueCount."""
GRID_AGAIN = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)
"""Event Grid's retry schedule; the last one repeats."""
PERSON_AGAIN = 60.0
SWEEP, EVENT, VOTE, ORDER, POISON = "sweep", "event", "vote", "order", "-poison"
RESUME, OTHER = "resume", "other"
"""A handler goes on; something outside the product happens."""


@dataclass(frozen=True)
class Ballot:
    """One person's answer, given on the page."""

    key: SlotKey
    n: int
    k: int
    hash: str
    who: Principal
    decision: Decision

    def __str__(self) -> str:
        return f"{self.who.name} says {self.decision} to #{self.n} request {self.k} of {self.key}"


@dataclass(frozen=True)
class Said:
    """What an operator says to a slot; said again, it is the same command."""

    key: SlotKey
    command: Command
    reason: str
    request: str

    def __str__(self) -> str:
        return f"{self.command} {self.key}: {self.reason}"


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
