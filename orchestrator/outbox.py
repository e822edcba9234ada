"""What people are still to be told, as frozen values: a slot's outbox. No rule lives here; see telling.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

EVENTS = "events"
"""The channel that only systems follow: what is told there was told to nobody who could decide."""


END = "end"
"""The mark of the notice that tells of a promotion's end."""


class NoticeKind(StrEnum):
    """What a notice says. The first three ask for a decision; the others say what became of it."""

    ASKED = "asked"
    REMINDER = "reminder"
    EXPIRING = "expiring"
    GRANTED = "granted"
    REFUSED = "refused"
    LAPSED = "lapsed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    UNCHANGED = "unchanged"
    LIVE = "live"
    FAILED = "failed"
    ERRORED = "errored"
    ABORTED = "aborted"
    WITHDRAWN = "withdrawn"
    ROLLED_BACK = "rolled_back"

    @property
    def asks(self) -> bool:
        """Is it pointless once the request is decided?"""
        return self in (NoticeKind.ASKED, NoticeKind.REMINDER, NoticeKind.EXPIRING)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How one notice fares on one channel."""

    begun: int = 0
    """Attempts that were claimed; the commit that claims one counts it."""
    failed: int = 0
    """Attempts of which it is known that nothing was delivered."""
    not_before: datetime | None = None
    """Back-off, or the channel's own word: no attempt before then."""
    why: str = ""
    """What the last attempt brought."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One thing to be said about one promotion, once on each channel in `to`."""

    n: int
    k: int
    """The request that it is about; 0: nobody was asked."""
    mark: str
    """Names it among the notices of its request: what is owed once is owed under one mark."""
    kind: NoticeKind
    version: str
    sentence: str
    actor: str
    at: datetime
    newer_n: int = 0
    """Superseded: the promotion that replaces this one; 0: none is known."""
    newer_version: str = ""
    to: Mapping[str, Delivery] = field(default_factory=dict[str, Delivery])
    """Channels that have not been told and not been given up."""

    @property
    def about(self) -> str:
        """For the journal."""
        return f"{self.kind} of request {self.k}" if self.k else self.kind.value

    @property
    def key(self) -> str:
        return f"{self.n}.{self.k} {self.mark}"
