"""Accepted facts become promotions, or end visibly. Pure."""

from __future__ import annotations

from dataclasses import replace

from pydantic import TypeAdapter

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

NOT_YET = 60.0
"""Seconds for which a version that its event announced may still be invisible."""
POLL = 5.0

_REGISTRATION = TypeAdapter(Registration)


def open_pending(state: SlotState, world: World, setting: Setting) -> Change | Wait | None:
    """Turn the first pending fact that is ready into a promotion; None: nothing is pending."""
    waits: list[Wait] = []
    for key in state.slot.pending:
        fact = state.facts[key]
        step = (
            _offered(state, fact, setting)
            if fact.kind is FactKind.OFFERED
            else _seen(state, fact, world, setting)
        )
        if not isinstance(step, Wait):
            return step
        waits.append(step)
    return min(waits, key=lambda w: w.until) if waits else None


def offer_detail(p: Promotion, workspace: str, uri: str) -> dict[str, object]:
    """What an offer to the next environment carries: the registration as it lies here, and its digest."""
    registration = replace(p.registration, workspace=workspace, uri=uri)
    return {
        "registration": _REGISTRATION.dump_python(registration, mode="json"),
        "digest": p.digest,
        "size": p.size,
        "metrics": dict(p.metrics),
    }


def _offered(state: SlotState, fact: Fact, setting: Setting) -> Change:
    promotion = replace(
        _promotion(state.slot, fact, _REGISTRATION.validate_python(fact.detail["registration"]), setting),
        digest=str(fact.detail["digest"]),
        size=int(fact.detail["size"]),
        metrics=dict(fact.detail["metrics"]),
    )
    return _opened(state.slot, fact, promotion, f"offered by {fact.by}", setting)


def _seen(state: SlotState, fact: Fact, world: World, setting: Setting) -> Change | Wait:
    seen = world.source(fact.version)
    if seen.registration is None:
        until = setting.after(NOT_YET) - (setting.now - fact.accepted_at)
        if until > setting.now:
            return Wait(min(until, setting.after(POLL)), f"version {fact.version} is not visible yet")
        return _ended(state.slot, fact, Reason.NOT_FOUND, f"version {fact.version} does not exist", setting)
    if seen.known:
        entry = _entry("registration.known", f"version {fact.version} was accepted before", setting)
        return Change(slot=_taken(state.slot, fact), entries=(entry,))
    if seen.archived:
        return _ended(state.slot, fact, Reason.ARCHIVED, f"version {fact.version} is archived", setting)
    promotion = _promotion(state.slot, fact, seen.registration, setting)
    change = _opened(state.slot, fact, promotion, f"registered, says {fact.by}", setting)
    return replace(change, registrations=(seen.registration,))


def _promotion(slot: Slot, fact: Fact, registration: Registration, setting: Setting) -> Promotion:
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


def _opened(slot: Slot, fact: Fact, promotion: Promotion, why: str, setting: Setting) -> Change:
    slot = replace(_taken(slot, fact), open=(*slot.open, promotion.n), next_n=promotion.n + 1)
    entry = replace(_entry("promotion.opened", why, setting), n=promotion.n)
    return Change(slot=slot, promotions=(promotion,), entries=(entry,))


def _ended(slot: Slot, fact: Fact, reason: Reason, sentence: str, setting: Setting) -> Change:
    """An accepted event never vanishes: what it named cannot be promoted, and the slot says so."""
    registration = Registration(
        model=slot.model,
        version=fact.version,
        created_at=fact.at,
        uri="",
        workspace=setting.policy.env.workspace,
    )
    promotion = replace(
        _promotion(slot, fact, registration, setting),
        phase=Phase.ENDED,
        verdict=Verdict.ERRORED,
        reason=reason,
        sentence=sentence,
        actor="greenlight",
        ended_at=setting.now,
    )
    entry = replace(_entry("promotion.ended", f"Errored: {sentence}", setting), n=promotion.n)
    slot = replace(_taken(slot, fact), next_n=promotion.n + 1)
    return Change(slot=slot, promotions=(promotion,), entries=(entry,))


def _taken(slot: Slot, fact: Fact) -> Slot:
    return replace(slot, pending=tuple(key for key in slot.pending if key != fact.key))


def _entry(what: str, why: str, setting: Setting) -> Entry:
    return Entry(what=what, why=why, by="greenlight", at=setting.now)
