"""Lost tables, planned anew from what endpoints, deployments and registered models still say. Pure.

Only what our own marks and the weights agree about is taken as serving. All else is held, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.model import (
    Entry,
    Phase,
    Promotion,
    Reason,
    Registration,
    Serving,
    Slot,
    SlotKey,
    Verdict,
)
from orchestrator.seen import EndpointSeen
from orchestrator.world import TAG_LIVE, TAG_SLOT, Change

if TYPE_CHECKING:
    from orchestrator.policy import Policy

LEAP = 1000
"""Numbers restart at the next thousand: promotions that left no tag may have had any number below, and what
still names one of them (a link, a vote, a folder of evidence) must never come to mean another."""
LOST = (
    "votes and approval requests: whatever was approved and does not serve yet is asked again, and so is "
    "what was rejected while the environment before it served it",
    "open promotions, and how far each had come; the deployments that they left are reported as orphans",
    "journals: the new one begins with the row that says it was rebuilt; nothing before it can be verified",
    "ended promotions: their pages and links answer that there is no such promotion",
    "dead letters, and what was still to be told to people",
    "holds, the pause of everything, and freezes that something waited for the end of",
    "finished runs that were not looked at yet, and which old registrations were accepted before",
    "endpoint names that were claimed and had no endpoint yet",
)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What the registered version that serves says about itself, and what could be found out about it."""

    registration: Registration
    """As the slot's own workspace has it, under the source's version."""
    digest: str
    size: int = 0
    """Bytes of its files; 0: unknown."""
    registered_at: datetime | None = None
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, kw_only=True)
class Remains:
    """Rows of the slot that are still there."""

    exists: bool = False
    """The slot row: then nothing of the slot is touched."""
    served: bool = False
    """Does that row know what serves, or that something is on its way?"""
    seq: int = 0
    head: str = ""
    """Where a journal ends that survived its slot row: it is continued."""
    last_n: int = 0


@dataclass(frozen=True, kw_only=True)
class Found:
    """One endpoint of a configured workspace with all that its marks led to."""

    env: str
    endpoint: EndpointSeen
    numbers: tuple[int, ...] = ()
    """Numbers of promotions that any tag of this slot names."""
    n: int = 0
    """The promotion that made what serves; 0: its deployment does not say."""
    origin: Origin | None = None
    remains: Remains = field(default_factory=Remains)
    owner: str = ""
    """Who owns the name by the `endpoints` table; empty: that row is gone too."""


@dataclass(frozen=True, kw_only=True)
class SlotPlan:
    """What would be written for one slot; the sentences say it to people."""

    key: SlotKey
    endpoint: str
    says: str
    change: Change | None = None
    """None: the slot row exists."""
    claim_name: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that a rebuild writes."""

    slots: tuple[SlotPlan, ...]
    left: tuple[str, ...]
    """Endpoints that are left alone, and why."""
    since: datetime
    """Watermark: registrations of the source from then on are looked at again."""

    @property
    def empty(self) -> bool:
        return not any(s.change or s.claim_name for s in self.slots)


def plan(policy: Policy, found: Sequence[Found], *, by: str, now: datetime) -> Plan:
    """Which rows to write. `by`: who rebuilds."""
    slots: list[SlotPlan] = []
    left: list[str] = []
    for each in found:
        key = slot_of(policy, each.env, each.endpoint)
        if isinstance(key, str):
            left.append(f"{each.env}: endpoint {each.endpoint.name}: {key}")
        elif not each.endpoint.at_rest:
            left.append(f"{each.env}: endpoint {each.endpoint.name} is {each.endpoint.state}: again at rest")
        elif each.owner not in ("", str(key)):
            left.append(f"{each.env}: endpoint {each.endpoint.name} belongs to {each.owner} by its row")
        else:
            slots.append(_slot(policy, key, each, by, now))
            if begun_anew(each):
                left.append(f"{key}: {_standing(key, each)}")
    serving = [
        f.origin.registered_at
        for f in found
        if f.env == policy.source.name and f.origin and f.origin.registered_at
    ]
    return Plan(slots=tuple(slots), left=tuple(left), since=min(serving, default=now))


def slot_of(policy: Policy, env: str, endpoint: EndpointSeen) -> SlotKey | str:
    """The slot whose mark an endpoint carries, or why it is none of ours."""
    mark = endpoint.tags.get(TAG_SLOT, "")
    model, at, where = mark.rpartition("@")
    if not at:
        return "it does not carry our mark" if not mark else f"its mark {mark[:80]!r} names no slot"
    known = policy.slot(model, where)
    if where != env or known is None:
        return f"its mark names {mark[:80]}, which greenlight.yaml does not have here"
    if known.endpoint.lower() != endpoint.name.lower():
        return f"its mark names {mark[:80]}, whose endpoint is {known.endpoint} by greenlight.yaml"
    return SlotKey(model, where)


def live_in(endpoint: EndpointSeen, model: str) -> tuple[str, str] | str:
    """The deployment that serves and its version here, or why marks and weights do not agree on one."""
    if not endpoint.weights:
        return ""
    live = endpoint.tags.get(TAG_LIVE, "")
    told = ", ".join(f"{name} {weight} %" for name, weight in sorted(endpoint.weights.items()))
    if endpoint.weights != {live: 100}:
        return f"traffic is {told}, and tag {TAG_LIVE} says {live or 'nothing'}"
    deployment = endpoint.deployments.get(live)
    if deployment is None or deployment.state != "Succeeded":
        return f"{live} has the traffic and is {deployment.state if deployment else 'gone'}"
    if deployment.model is None or deployment.model[0] != model:
        return f"{live} has the traffic and runs no registered version of {model}"
    return live, deployment.model[1]


def _slot(policy: Policy, key: SlotKey, found: Found, by: str, now: datetime) -> SlotPlan:
    name, claim = found.endpoint.name, not found.owner
    if found.remains.exists:
        return SlotPlan(key=key, endpoint=name, says=_standing(key, found), claim_name=claim)
    last = max((found.n, found.remains.last_n, *found.numbers))
    slot = Slot(
        model=key.model, env=key.env, next_n=(last // LEAP + 1) * LEAP + 1,
        seq=found.remains.seq, head=found.remains.head,
    )  # fmt: skip
    live = live_in(found.endpoint, key.model)
    if isinstance(live, str) or found.origin is None or not found.origin.digest:
        doubt = live if isinstance(live, str) else _unknown(live)
        says, change = _doubtful(slot, found, doubt, by, now)
        return SlotPlan(key=key, endpoint=name, says=says, change=change, claim_name=claim)
    made = _promotion(slot, found, found.origin, live, by, now)
    serving = Serving(
        version=made.registration.version, target_version=live[1], digest=made.digest, deployment=live[0],
        since=now, n=made.n, metrics=made.metrics, registered_at=found.origin.registered_at,
    )  # fmt: skip
    known = policy.slot(*key)
    offering = (made.n,) if known and known.next_env else ()
    slot = replace(slot, serving=serving, offering=offering, orphans=_orphans(key, found.endpoint, live[0]))
    says = f"{live[0]} serves version {serving.version} with 100 %"
    entry = _entry(f"{says}; rebuilt from tags of endpoint {name}", by, now)
    registrations = (found.origin.registration,) if known and known.first else ()
    kept = found.remains.last_n >= made.n  # the promotion's own row may have survived: it knows more
    change = Change(
        slot=slot, promotions=() if kept else (made,), registrations=registrations, entries=(entry,)
    )
    return SlotPlan(key=key, endpoint=name, says=says, change=change, claim_name=claim)


def _standing(key: SlotKey, found: Found) -> str:
    """A row that exists is never written over, also one that a running app began anew after the loss."""
    if not begun_anew(found):
        return "the slot's row exists: left as it is"
    live = found.endpoint.tags.get(TAG_LIVE, "")
    return f"its row does not know that {live} serves: `greenlight adopt {key} --reason …` tells it"


def begun_anew(found: Found) -> bool:
    """Does the endpoint serve by our marks while the slot's row, made after the loss, knows of nothing?"""
    marked = bool(found.endpoint.weights) and bool(found.endpoint.tags.get(TAG_LIVE))
    return found.remains.exists and not found.remains.served and marked


def _doubtful(slot: Slot, found: Found, why: str, by: str, now: datetime) -> tuple[str, Change]:
    if not why:
        entry = _entry(f"nothing serves at {found.endpoint.name}; rebuilt from its mark", by, now)
        return "nothing serves", Change(slot=slot, entries=(entry,))
    hold = f"the tables were rebuilt, and what serves is in doubt: {why}; adopt it, then resume"
    slot = replace(slot, hold=hold, told=hold)
    entry = _entry(f"rebuilt from tags of endpoint {found.endpoint.name}, and held: {why}", by, now)
    return f"held: {why}", Change(slot=slot, entries=(entry,))


def _orphans(key: SlotKey, endpoint: EndpointSeen, live: str) -> tuple[str, ...]:
    """Deployments that we made and that no row names any more."""
    ours = (d.name for d in endpoint.deployments.values() if d.slot == str(key) and d.name != live)
    return tuple(sorted(ours))


def _unknown(live: tuple[str, str]) -> str:
    return f"{live[0]} serves version {live[1]}, whose registration or digest is gone"


def _promotion(
    slot: Slot, found: Found, origin: Origin, live: tuple[str, str], by: str, now: datetime
) -> Promotion:
    """The row that what serves came from, as far as it can be known: an end, and who vouches for it."""
    return Promotion(
        n=found.n or slot.next_n - 1, model=slot.model, env=slot.env, registration=origin.registration,
        opened_at=now, updated_at=now, ended_at=now, origin="rebuild", phase=Phase.ENDED,
        verdict=Verdict.LIVE, reason=Reason.LIVE, actor=by, digest=origin.digest,
        size=origin.size, metrics=origin.metrics, candidate=live[0], target_version=live[1],
        wanted={live[0]: 100}, seen={live[0]: 100}, seen_at=now,
        sentence=f"{live[0]} was serving when {by} rebuilt the tables: its votes and its journal are lost",
    )  # fmt: skip


def _entry(why: str, by: str, now: datetime) -> Entry:
    return Entry(what="slot.rebuilt", why=why, by=by, at=now, before="no slot row", after="as tagged")
