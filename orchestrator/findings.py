"""What was found out about a candidate: frozen values. No rule lives here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestrator.words import Reason


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """One automatic check and what it looked at. verdict: pass | fail | inconclusive."""

    gate: str
    verdict: str
    sentence: str
    measured: float | None = None
    wanted: float | None = None


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What the candidate answered when it was asked by name."""

    ok: bool
    sentence: str
    status: int
    seconds: float
    """The slowest answer."""
    at: datetime
    reason: Reason = Reason.PROBE
    """What is not well, where it is not."""
    asked: int = 0
    p95_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class HealthNote:
    """What was last made of the candidate's health at a step. verdict: healthy | sick | inconclusive."""

    verdict: str
    sentence: str
    at: datetime
    """Since when it is so."""
    vouched: str = ""
    """An operator's word for this step, where automation could not tell; empty: nobody's."""
