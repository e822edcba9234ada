"""What a notification says, as plain values: one content for every channel (card, queue message)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One metric of the candidate beside what serves. None: not known."""

    name: str
    candidate: float | None
    serving: float | None


@dataclass(frozen=True, kw_only=True)
class GateRow:
    """One automatic check. verdict: pass | fail | inconclusive."""

    name: str
    verdict: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Voter:
    """Who may answer: a person (`id`) or everyone in a group (`group`)."""

    name: str
    id: str = ""
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """An approval request as approvers hear of it, first or once more."""

    promotion: str
    k: int
    model: str
    environment: str
    version: str
    hash: str
    asked_at: datetime
    expires_at: datetime
    required: int
    approvers: tuple[Voter, ...]
    serving_version: str = ""
    """Empty: nothing serves yet."""
    metrics: tuple[MetricRow, ...] = ()
    gates: tuple[GateRow, ...] = ()
    description: str = ""
    author: str = ""
    run_id: str = ""
    commit: str = ""
    data_version: str = ""
    digest: str = ""
    size: int = 0
    plan: str = ""
    """The rollout in one sentence."""
    checks: str = ""
    """What the candidate must show, by name, before it gets traffic."""
    cost: str = ""
    """What runs twice meanwhile, in one sentence."""
    extra_hours: float | None = None
    """Instance-hours of it; None: not known."""
    extra_cost: float | None = None
    currency: str = ""
    head: str = "Approval needed"
    note: str = ""
    """Why they hear of it again; empty: they hear of it for the first time."""
    repeat: bool = False
    """An earlier attempt to say this may have arrived."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What became of a request or a promotion, or what is about to."""

    id: str
    """The same for every attempt and on every channel: who has seen it need not show it again."""
    kind: str
    """Machine-readable; the list is in docs/messages.md."""
    promotion: str
    k: int
    """Number of the request that it is about."""
    model: str
    environment: str
    version: str
    title: str
    tone: str
    """good | bad | neutral"""
    sentence: str
    actor: str = ""
    at: datetime | None = None
    expires_at: datetime | None = None
    """Until when the request is open; None: it is closed."""
    replaced_by: str = ""
    """Promotion that took this one's place."""
    repeat: bool = False
    """An earlier attempt to say this may have arrived."""
