"""What can stop everything new in one slot, besides a person's hold: frozen values. No rule lives here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """A time in which policy lets nothing new move. `until`: when nothing is frozen any more."""

    name: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """What somebody else changed at the endpoint. Nothing moves until a person says what is to count."""

    sentence: str
    traffic: Mapping[str, int]
    """The weights as they were seen: putting traffic back overwrites these and nothing else."""
    at: datetime
    mirror: Mapping[str, int] = field(default_factory=dict[str, int])
    restore: str = ""
    """Who asked to put traffic back; empty: nobody did."""
    wrote_at: datetime | None = None
