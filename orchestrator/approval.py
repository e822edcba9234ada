"""Asking people, as frozen values: who may answer, what was asked, what they said. No rule lives here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Approver:
    """Who may vote: one person (tenant and object id), or everyone who carries a group or role id."""

    name: str
    id: str = ""
    group: str = ""
    must: bool = False
    """Without an approval under this entry there is no quorum."""

    @property
    def key(self) -> str:
        """What the entry is called in a vote: canonical person, or id of the group or role."""
        return self.id or self.group


@dataclass(frozen=True, kw_only=True)
class Rule:
    """An approval rule, frozen into the request when it is made."""

    approvers: tuple[Approver, ...]
    required: int = 1
    exclude_author: bool = True
    authors: tuple[str, ...] = ()
    """Object ids of who registered the model and who ran its training, as far as the platform knows them."""
    requester: str = ""
    """TENANT/OBJECT-ID of the person who asked for this promotion; empty: an event or an offer did."""
    remind: float = 0.0
    """Seconds, of written policy, between reminders; 0: there are none."""


class Decision(StrEnum):
    """One person's answer."""

    APPROVE = "approve"
    REJECT = "reject"


class RequestState(StrEnum):
    """Computed from a request's votes in order, never stored by intake."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"
    EXPIRED = "expired"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What an approval is about. If one of these differs later, the approval lapses."""

    digest: str
    target: str
    """Workspace ARM id and endpoint name."""
    incumbent: str
    """Digest and deployment that served; empty: nothing did."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """An approval request. A promotion may make several; votes belong to one."""

    n: int
    k: int
    hash: str
    """Approval hash: over the frozen snapshot that approvers saw."""
    subject: Subject
    snapshot: Mapping[str, Any]
    rule: Rule
    asked_at: datetime
    expires_at: datetime
    extensions: int = 0
    """How often it was given as much time again."""
    notified: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    """Channel -> when it accepted the message."""
    gave_up: tuple[str, ...] = ()
    """Channels that refused for good: journaled, never blocking."""
    closed: str = ""
    """Why it no longer takes votes although undecided; empty: it does, or votes decided it."""


@dataclass(frozen=True, kw_only=True)
class Vote:
    """One approver's first answer to one request. `approver` is canonical: TENANT/OBJECT-ID."""

    n: int
    k: int
    approver: str
    name: str
    entries: tuple[str, ...]
    """The rule's entries (id or group) under which this person may vote."""
    decision: Decision
    comment: str
    at: datetime
    channel: str
    hash: str
    order: int
    """The slot's sequence number at the vote: votes count in this order."""
    message: str = ""
    """Id of the signed message that brought it; empty: the person was there."""
    proof: str = ""
    """Fingerprint of the channel's key that signed that message."""


VoteKind = Literal["recorded", "repeated", "conflict", "not_allowed", "closed", "changed", "needs_comment"]


@dataclass(frozen=True)
class VoteOutcome:
    """What became of a vote. Only `recorded` and `repeated` are successes.

    recorded: it counts · repeated: the same answer was given before · conflict: this person answered
    otherwise before · not_allowed: not an approver · closed: the request takes no more votes · changed: the
    vote names another hash than the request has · needs_comment: whoever rejects, or overrides a gate, says
    why.
    """

    kind: VoteKind
    message: str
    request_state: RequestState
