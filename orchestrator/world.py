"""What can be seen of the outside, and what can be done to it: the vocabulary between core and shell.

`World` holds only what has been looked at in this wake. Asking it for more raises `Unseen`, which tells
the shell what to look at next: so exactly the facts that the current goal names are fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from orchestrator.approval import Request
from orchestrator.health import HealthSeen
from orchestrator.looks import Look, Sight, Unseen
from orchestrator.model import Entry, Freeze, Probe, Promotion, Registration, Slot
from orchestrator.seen import (
    CapacitySeen,
    EndpointSeen,
    ModelSeen,
    OriginSeen,
    PastSeen,
    RightsSeen,
    RunSeen,
    SourceSeen,
    Split,
    TargetSeen,
)

if TYPE_CHECKING:
    from orchestrator.policy import SlotPolicy
    from orchestrator.prices import Prices

TAG_SLOT = "greenlight_slot"
"""Endpoint tag: which slot owns it. The mark without which nothing of ours touches an endpoint."""
TAG_LIVE = "prod"
"""Endpoint tag: the deployment that serves; written in the same PUT as the weights."""
TAG_PROMOTION = "greenlight_promotion"
TAG_TRAFFIC = "greenlight_traffic"
"""Endpoint tag: the weights of the same PUT. Where they differ from what is read, a hand moved traffic."""
PROPERTY_DIGEST = "greenlight_digest"


class World:
    """The facts seen so far in this wake."""

    def __init__(self, facts: Mapping[Look, object] | None = None) -> None:
        self._facts = dict(facts or {})

    def seen(self, look: Look, fact: object) -> World:
        return World(self._facts | {look: fact})

    def without_outside(self) -> World:
        """After an action: whatever may have changed must be looked at again. Finished runs do not change."""
        return World({look: fact for look, fact in self._facts.items() if look.sight is Sight.RUN})

    def source(self, version: str) -> SourceSeen:
        return cast("SourceSeen", self._see(Look(Sight.SOURCE, version)))

    def origin(self, version: str) -> OriginSeen:
        return cast("OriginSeen", self._see(Look(Sight.ORIGIN, version)))

    def past(self, n: int) -> PastSeen:
        return cast("PastSeen", self._see(Look(Sight.PAST, str(n))))

    def run(self, run_id: str) -> RunSeen:
        return cast("RunSeen", self._see(Look(Sight.RUN, run_id)))

    def name_owner(self) -> str:
        return cast("str", self._see(Look(Sight.NAME)))

    def endpoint(self) -> EndpointSeen | None:
        return cast("EndpointSeen | None", self._see(Look(Sight.ENDPOINT)))

    def target(self, version: str) -> TargetSeen | None:
        return cast("TargetSeen | None", self._see(Look(Sight.TARGET, version)))

    def free_version(self) -> str:
        return cast("str", self._see(Look(Sight.FREE_VERSION)))

    def files_intact(self, n: int) -> bool:
        return cast("bool", self._see(Look(Sight.FROZEN, str(n))))

    def namesake(self) -> str:
        return cast("str", self._see(Look(Sight.NAMESAKE)))

    def model_file(self, n: int) -> ModelSeen:
        return cast("ModelSeen", self._see(Look(Sight.MODEL_FILE, str(n))))

    def capacity(self) -> CapacitySeen:
        return cast("CapacitySeen", self._see(Look(Sight.CAPACITY)))

    def rights(self) -> RightsSeen:
        return cast("RightsSeen", self._see(Look(Sight.RIGHTS)))

    def health(self, n: int) -> HealthSeen:
        return cast("HealthSeen", self._see(Look(Sight.HEALTH, str(n))))

    def _see(self, look: Look) -> object:
        if look not in self._facts:
            raise Unseen(look)
        return self._facts[look]


# ---- what can be done: one outside call each --------------------------------------------------------


class Verb(StrEnum):
    """The outside calls. Each is made once, under a claim, and observed afterwards."""

    DIGEST = "digest"
    FREEZE = "freeze"
    CLAIM_NAME = "claim_name"
    NOTIFY = "notify"
    REGISTER = "register"
    CREATE_ENDPOINT = "create_endpoint"
    DEPLOY = "deploy"
    PROBE = "probe"
    REPLAY = "replay"
    WRITE_TRAFFIC = "write_traffic"
    REMOVE = "remove"
    MARK = "mark"
    RESTORE = "restore"
    ROLL_BACK = "roll_back"
    RETIRE = "retire"
    OFFER = "offer"


@dataclass(frozen=True, kw_only=True)
class Action:
    """One outside call, fully said: nothing in it comes from an earlier read of the world."""

    verb: Verb
    n: int
    """The promotion it serves; for clean-up of the slot, the one that serves now."""
    channel: str = ""
    notice: str = ""  # key of what is told on the channel
    deployment: str = ""
    weights: Mapping[str, int] = field(default_factory=dict[str, int])
    mirror: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def split(self) -> Split:
        return Split(self.weights, self.mirror)

    def __str__(self) -> str:
        detail = self.channel or (str(self.split) if self.weights else self.deployment)
        return f"{self.verb} #{self.n} {detail}".strip()


# ---- what an action brought back ---------------------------------------------------------------------


@dataclass(frozen=True)
class Digested:
    """Digest and size in bytes of the files; `complete` is False when there is more to read."""

    complete: bool
    digest: str = ""
    size: int = 0
    uri: str = ""


@dataclass(frozen=True)
class Owner:
    slot: str  # who owns the name now


@dataclass(frozen=True)
class Sent:
    """A channel accepted the message, or refused it for good."""

    accepted: bool
    why: str = ""


@dataclass(frozen=True)
class Asked:
    """The service accepted the call. Not a fact: look. `operation`: address of its long-running operation."""

    operation: str = ""


@dataclass(frozen=True)
class Renumbered:
    """The number cannot be had: a version that was deleted had it. `version` is tried instead."""

    gone: str
    version: str


@dataclass(frozen=True)
class Probed:
    """None: all is well so far, and there is more to ask; `times` are the answers until now."""

    probe: Probe | None
    times: tuple[int, ...] = ()


@dataclass(frozen=True)
class Replayed:
    seen: HealthSeen


@dataclass(frozen=True)
class Trouble:
    """The call may succeed later (`retry`), or the service said no for good."""

    retry: bool
    why: str
    after: timedelta | None = None
    unsure: bool = False  # nobody knows whether it took effect


Outcome = Digested | Owner | Sent | Asked | Renumbered | Probed | Replayed | Trouble


# ---- what is decided -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Change:
    """A commit: new values of rows, and what the journal is told. No outside effect."""

    slot: Slot
    promotions: tuple[Promotion, ...] = ()
    requests: tuple[Request, ...] = ()
    registrations: tuple[Registration, ...] = ()
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Act:
    """Do this under a claim. `promotion` and `slot`: what the claim's commit records with it."""

    action: Action
    promotion: Promotion | None = None
    slot: Slot | None = None


@dataclass(frozen=True)
class Wait:
    """Nothing to do before then."""

    until: datetime
    why: str
    person: bool = False  # only a person can help; looked at now and then, in case somebody did


@dataclass(frozen=True)
class Rest:
    """Nothing is open: the slot may be forgotten until something is accepted."""


Decided = Change | Act | Wait | Rest


LONGEST_POLL, POLL_SHARE = 60.0, 0.05
"""Seconds, and the share of the time gone by, between two looks at something that goes on."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a decision is made under, besides the state and the world."""

    policy: SlotPolicy
    now: datetime
    pace: float = 1.0
    """How much faster than written policy the waits run; 1 in production."""
    channels: tuple[str, ...] = ("queue",)
    """Where approval requests are announced."""
    paused: str = ""  # why nothing new may move anywhere
    prices: Prices | None = None
    freeze: Freeze | None = None  # policy's freeze that is in force here

    def after(self, duration: timedelta | float) -> datetime:
        """The moment when a wait of `duration` (seconds, or a timedelta) that starts now is over."""
        seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
        return self.now + timedelta(seconds=seconds / self.pace)

    def again(self, seconds: float, since: datetime) -> datetime:
        """When to look again at what goes on since then: less often the longer, at most a minute apart."""
        idle = (self.now - since).total_seconds() * self.pace
        return self.after(max(seconds, min(LONGEST_POLL, idle * POLL_SHARE)))
