"""Accepted facts become promotions, or end visibly. Pure."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from orchestrator.model import (
    Entry,
    Fact,
    FactKind,
    Phase,
    Promotion,
    Reason,
    Registration,
    Slot,
    SlotState,
    Verdict,
)
from orchestrator.world import Change, Setting, Wait, World

if TYPE_CHECKING:
    from pydantic import TypeAdapter

NOT_YET = 60.0
"""Seconds for which a version that its event announced may still be invisible."""
POLL = 5.0


def open_pending(state: SlotState, world: World, setting: Setting) -> Change | Wait | None:
    """Turn the first pending fact that is ready into a promotion; None: nothing is pending."""
    waits: list[Wait] = []
    for key in state.slot.pending:
        step = _step(state, key, world, setting)
        if isinstance(step, Change):
            return step
        if step is not None:
            waits.append(step)
    return min(waits, key=lambda w: w.until) if waits else None


def _step(state: SlotState, key: str, world: World, setting: Setting) -> Change | Wait | None:
    fact = state.facts.get(key)
    if fact is None:  # somebody removed the row: the slot must not stumble over it for ever
        slot = replace(state.slot, pending=tuple(other for other in state.slot.pending if other != key))
        return Change(slot=slot, entries=(note("fact.missing", f"the row of {key} is gone", setting),))
    match fact.kind:
        case FactKind.OFFERED:
            return opened(state.slot, fact, offered(state, fact, setting), f"offered by {fact.by}", setting)
        case FactKind.REGISTERED:
            return _seen(state, fact, world, setting)
        case FactKind.COMMANDED:
            return None  # see obeying.py


def offer_detail(p: Promotion, workspace: str, uri: str) -> dict[str, object]:
    """What an offer to the next environment carries: the registration as it lies here, and its digest."""
    registration = replace(p.registration, workspace=workspace, uri=uri)
    return {
        "registration": _registrations().dump_python(registration, mode="json"),
        "digest": p.digest,
        "size": p.size,
        "metrics": dict(p.metrics),
        "retried": p.retried,
        "ran_by": p.ran_by,
        "requester": p.requester,
    }


def offered(state: SlotState, fact: Fact, setting: Setting) -> Promotion:
    """The promotion of a registration that the fact itself carries, with the digest that goes with it."""
    return replace(
        begun(state.slot, fact, registration_in(fact), setting),
        digest=str(fact.detail["digest"]),
        size=int(fact.detail["size"]),
        metrics=dict(fact.detail["metrics"]),
        retried=bool(fact.detail.get("retried")),
        ran_by=str(fact.detail.get("ran_by", "")),
        requester=str(fact.detail.get("requester", "")),
    )


def registration_in(fact: Fact) -> Registration:
    return _registrations().validate_python(fact.detail["registration"])


def _seen(state: SlotState, fact: Fact, world: World, setting: Setting) -> Change | Wait:
    seen = world.source(fact.version)
    if seen.registration is None:
        until = setting.after(NOT_YET) - (setting.now - fact.accepted_at)
        if until > setting.now:
            return Wait(min(until, setting.after(POLL)), f"version {fact.version} is not visible yet")
        return ended(state.slot, fact, Reason.NOT_FOUND, f"version {fact.version} does not exist", setting)
    if seen.known:
        entry = note("registration.known", f"version {fact.version} was accepted before", setting)
        return Change(slot=taken(state.slot, fact), entries=(entry,))
    if seen.archived:
        return ended(state.slot, fact, Reason.ARCHIVED, f"version {fact.version} is archived", setting)
    made = begun(state.slot, fact, seen.registration, setting)
    change = opened(state.slot, fact, made, f"registered, says {fact.by}", setting)
    return replace(change, registrations=(seen.registration,))


def retried(state: SlotState, fact: Fact, world: World, setting: Setting, why: str) -> Change:
    """The same registration once more, from the first goal on: nothing of the earlier attempt counts."""
    if not setting.policy.first:
        made = replace(offered(state, fact, setting), retried=True, requester=fact.by)
        return opened(state.slot, fact, made, why, setting)
    before, seen = registration_in(fact), world.source(fact.version)
    if seen.registration is None:
        return ended(state.slot, fact, Reason.NOT_FOUND, f"version {fact.version} does not exist", setting)
    if seen.archived:
        return ended(state.slot, fact, Reason.ARCHIVED, f"version {fact.version} is archived", setting)
    if before.uri and before.created_at != seen.registration.created_at:
        sentence = f"version {fact.version} is another registration now, made {seen.registration.created_at}"
        return ended(state.slot, fact, Reason.NOT_FOUND, sentence, setting)
    made = replace(begun(state.slot, fact, seen.registration, setting), retried=True, requester=fact.by)
    change = opened(state.slot, fact, made, why, setting)
    return change if seen.known else replace(change, registrations=(seen.registration,))


def begun(slot: Slot, fact: Fact, registration: Registration, setting: Setting) -> Promotion:
    """A promotion as it begins."""
    return Promotion(
        n=slot.next_n,
        model=slot.model,
        env=slot.env,
        registration=registration,
        opened_at=setting.now,
        updated_at=setting.now,
        origin=fact.key,
        stable_digest=slot.serving.digest if slot.serving else "",
    )


def opened(slot: Slot, fact: Fact, promotion: Promotion, why: str, setting: Setting) -> Change:
    slot = replace(taken(slot, fact), open=(*slot.open, promotion.n), next_n=promotion.n + 1)
    entry = replace(note("promotion.opened", why, setting), n=promotion.n)
    return Change(slot=slot, promotions=(promotion,), entries=(entry,))


def ended(slot: Slot, fact: Fact, reason: Reason, sentence: str, setting: Setting) -> Change:
    """An accepted event never vanishes: what it named cannot be promoted, and the slot says so."""
    registration = Registration(
        model=slot.model,
        version=fact.version,
        created_at=fact.at,
        uri="",
        workspace=setting.policy.env.workspace,
    )
    promotion = replace(
        begun(slot, fact, registration, setting),
        phase=Phase.ENDED,
        verdict=Verdict.ERRORED,
        reason=reason,
        sentence=sentence,
        actor="greenlight",
        ended_at=setting.now,
    )
    entry = replace(note("promotion.ended", f"Errored: {sentence}", setting), n=promotion.n)
    slot = replace(taken(slot, fact), next_n=promotion.n + 1)
    return Change(slot=slot, promotions=(promotion,), entries=(entry,))


def taken(slot: Slot, fact: Fact) -> Slot:
    return replace(slot, pending=tuple(key for key in slot.pending if key != fact.key))


def note(what: str, why: str, setting: Setting) -> Entry:
    return Entry(what=what, why=why, by="greenlight", at=setting.now)


@cache
def _registrations() -> TypeAdapter[Registration]:
    """Made at first use: importing it is part of every cold start."""
    from pydantic import TypeAdapter

    return TypeAdapter(Registration)
