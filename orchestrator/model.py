"""The words of the product as frozen values. No rule lives here; nothing here does I/O.

A *slot* is one model in one environment. A *promotion* is one attempt to make one registration the
serving one in a slot. Rows of the `slots` table are these values, field by field (see rows.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from orchestrator.approval import Request, Vote
from orchestrator.findings import GateResult as GateResult
from orchestrator.findings import HealthNote as HealthNote
from orchestrator.findings import Probe as Probe
from orchestrator.health import HealthSeen
from orchestrator.outbox import Notice
from orchestrator.registration import Registration
from orchestrator.registration import order as order
from orchestrator.serving import Adoption, Instances, Retirement, Rollback, Serving
from orchestrator.serving import Orphan as Orphan
from orchestrator.stops import Foreign, Freeze
from orchestrator.words import FactKind, Phase, Reason, Verdict

SCHEMA = 1
"""Version of every stored row. A worker that meets a newer one leaves the slot alone."""


class SlotKey(NamedTuple):
    """Names a slot; written `model@env`."""

    model: str
    env: str

    def __str__(self) -> str:
        return f"{self.model}@{self.env}"


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A verdict that has been reached; clean-up goals run before the promotion is closed with it."""

    verdict: Verdict
    reason: Reason
    sentence: str
    actor: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """One attempt to make one registration the serving one in a slot. Empty text means: not yet."""

    n: int
    model: str
    env: str
    registration: Registration
    opened_at: datetime
    origin: str
    """Key of the fact that opened it: an event id, or the id of the promotion that offered."""
    updated_at: datetime
    phase: Phase = Phase.RECEIVED
    verdict: Verdict | None = None
    reason: Reason | None = None
    sentence: str = ""
    actor: str = ""
    ended_at: datetime | None = None
    digest: str = ""
    """Content digest of the registration's files (SHA-256 over a sorted manifest)."""
    size: int = 0
    """Bytes of the registration's files."""
    frozen: str = ""
    """azureml:// path of the frozen copy in the target's storage, once it is complete and digested."""
    stable_digest: str = ""
    """Digest that served when this promotion began; empty: nothing did."""
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    gates: tuple[GateResult, ...] = ()
    gated: bool = False
    preflighted: bool = False
    incumbent: Instances | None = None
    """What served runs on, as it was observed before anyone was asked."""
    asks: int = 0
    """How many approval requests this promotion has made; the last one counts."""
    told: tuple[str, ...] = ()
    """What its requests have put into the slot's outbox: request number and mark, each once."""
    target_version: str = ""
    candidate: str = ""
    """Deployment name, chosen and stored once, never reused."""
    deploy_asked_at: datetime | None = None
    failed: str = ""
    """Why the candidate's deployment failed, while it is cleared away to be made anew."""
    deploys: int = 0
    """Deployments that failed and were cleared away."""
    asked: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    """Long operation -> when the platform was first asked for it: how long is waited for it."""
    operation: str = ""
    """Address of the deployment's long-running operation: where the platform keeps why it failed."""
    probe: Probe | None = None
    silences: int = 0
    """Probes in a row that nothing answered: troubles of goals before it say nothing about the candidate."""
    probing: tuple[int, ...] = ()
    """Milliseconds of each answer in a row so far, all good, while the probe goes on."""
    wanted: Mapping[str, int] = field(default_factory=dict[str, int])
    """Weights as decided, journaled before they are written."""
    mirror: Mapping[str, int] = field(default_factory=dict[str, int])
    """Shares of copies as decided, written with the weights."""
    wrote_at: datetime | None = None
    seen: Mapping[str, int] = field(default_factory=dict[str, int])
    seen_at: datetime | None = None
    plan: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The rollout as policy had it when the slot was taken, where nobody was asked (see bound.py)."""
    step: int = 0
    """Which step of the plan is being made or baked, from 0."""
    step_at: datetime | None = None
    """Since when this step's weights are observed; None: they are not yet."""
    health: HealthNote | None = None
    replayed: HealthSeen | None = None
    """What candidate and stable answered at this step to requests of our own."""
    ending: Ending | None = None
    troubles: int = 0
    """Consecutive retryable failures at the current goal."""
    trouble: str = ""
    not_before: datetime | None = None
    """Back-off: no action for this promotion before then."""
    retried: bool = False
    """An operator asked for this registration once more."""
    ran_by: str = ""
    """Object id of who ran the training, as the tracking server recorded it; empty when unknown."""
    requester: str = ""
    """TENANT/OBJECT-ID of the person who asked for this promotion; empty: an event or an offer did."""
    adoption: Adoption | None = None
    """Set: this is no rollout; what serves already becomes the baseline."""
    rollback: Rollback | None = None
    """Set: an operator's way back, deployed anew; whoever approved it then need not be asked again."""

    @property
    def open(self) -> bool:
        return self.verdict is None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The one action that may be under way in a slot, and until when its worker is believed."""

    action: str
    worker: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One model in one environment. Every commit rewrites this row with If-Match: it serialises the slot."""

    model: str
    env: str
    serving: Serving | None = None
    previous: Serving | None = None
    """What served before that, with the promotion whose quorum approved it."""
    rollback: Rollback | None = None
    retirement: Retirement | None = None
    """An operator takes the endpoint down."""
    open: tuple[int, ...] = ()
    mover: int | None = None
    """The one promotion allowed to move traffic."""
    claim: Claim | None = None
    hold: str = ""
    """Why automation must leave the slot alone; empty: it need not."""
    freeze: Freeze | None = None
    """The freeze that something last waited for the end of."""
    pending: tuple[str, ...] = ()
    """Accepted facts (keys of `in~` rows) that have not yet become a promotion or an end."""
    retiring: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    """Old deployments to delete, and from when that is allowed."""
    offering: tuple[int, ...] = ()
    """Live promotions not yet offered to the next environment."""
    foreign: Foreign | None = None
    orphans: tuple[str, ...] = ()
    """Deployments that we made and nothing needs any more, as last seen."""
    orphaned: Mapping[str, Orphan] = field(default_factory=dict[str, Orphan])
    """What is known of each of them: they are removed after a while."""
    outbox: tuple[Notice, ...] = ()
    """What people are still to be told, in order."""
    told: str = ""
    """What became of the last command."""
    troubles: int = 0
    """Consecutive failures of looks that the slot itself needed."""
    trouble: str = ""
    not_before: datetime | None = None
    """Back-off: no such look before then. Promotions go on."""
    next_n: int = 1
    seq: int = 0
    """Journal head: number and hash of its last row."""
    head: str = ""

    @property
    def key(self) -> SlotKey:
        return SlotKey(self.model, self.env)

    @property
    def idle(self) -> bool:
        """Nothing is open, waiting or to be cleaned up: the sweep may forget the slot."""
        restoring = self.foreign is not None and self.foreign.restore
        owing = self.offering or self.outbox or self.orphaned
        ordered = restoring or self.rollback or self.retirement
        return not (self.open or self.pending or self.retiring or owing or self.claim or ordered)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What was accepted, for ever: an event, a command, or an offer from the environment before."""

    key: str
    kind: FactKind
    model: str
    env: str
    version: str
    at: datetime
    """When it happened, as its source says."""
    accepted_at: datetime
    by: str
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """For an offer: registration, digest, size, metrics. For an event: nothing that is trusted."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the journal is told about one decision or observation."""

    what: str
    why: str
    by: str
    at: datetime
    n: int | None = None
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Unread:
    """Why the rows of a slot cannot be read, and what people can do about it."""

    why: str
    fix: str


@dataclass(frozen=True)
class SlotState:
    """All rows of a slot that can still matter: what `decide` reads besides the world."""

    slot: Slot
    promotions: Mapping[int, Promotion] = field(default_factory=dict[int, Promotion])
    requests: Mapping[int, Request] = field(default_factory=dict[int, Request])
    """Promotion number -> its latest request."""
    votes: Mapping[int, tuple[Vote, ...]] = field(default_factory=dict[int, tuple[Vote, ...]])
    """Promotion number -> votes on its latest request, in order."""
    facts: Mapping[str, Fact] = field(default_factory=dict[str, Fact])
    """The pending ones."""
    unread: Unread | None = None
    """Its rows cannot be read: only the names in `slot` mean anything. Never loaded by the engine."""
