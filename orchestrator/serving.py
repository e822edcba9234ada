"""What serves in a slot, and on whose word it came or goes: frozen values. No rule lives here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """An operator's word that what serves is the baseline: it stands for the quorum that nobody gave."""

    by: str
    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Instances:
    """What a deployment runs on. `deployment` is empty for one that is still to be made."""

    deployment: str = ""
    type: str = ""
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What serves in a slot, as last observed at 100 %."""

    version: str
    """The source's version; `target_version` is its number in this workspace."""
    target_version: str
    digest: str
    deployment: str
    since: datetime
    n: int
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    registered_at: datetime | None = None
    """When it was registered at the source; None: nobody knows (adopted, or an older row)."""


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """An operator's way back to what served before, while it is under way."""

    by: str
    name: str
    reason: str
    at: datetime
    to: Serving
    """What is to serve again; its `n` is the promotion whose quorum approved it here."""
    wrote_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Retirement:
    """An operator's word that the endpoint is to go, with what serves there, while it is under way."""

    by: str
    name: str
    reason: str
    at: datetime
    endpoint: str
    """Exactly this one."""
    asked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """A deployment of ours that nothing needs, since when, and what it runs on."""

    since: datetime
    instance_type: str = ""
    instance_count: int = 0
    hourly: str = ""
    """What it costs in an hour, as far as somebody wrote the price down."""
