"""A call or a look failed: back off, tell people, or end what cannot go on. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.catalogue import classify, patient
from orchestrator.model import Ending, Entry, Fact, FactKind, Promotion, Reason, SlotState, Verdict
from orchestrator.obeying import refuse_pending
from orchestrator.opening import ended as ended_fact
from orchestrator.world import Change, Look, Setting, Sight, Trouble, Verb

MAX_TROUBLES = 40
"""With the longest back-off: about three hours of trouble at one goal."""
BACKOFF_FIRST, BACKOFF_MOST = 5.0, 300.0
FORGET = timedelta(minutes=15)
"""Trouble after so long a time without any is the first one again: looks between them were answered."""

_REFUSED: dict[str, tuple[Verdict, Reason]] = {
    Verb.DIGEST: (Verdict.ERRORED, Reason.NOT_FOUND),
    Verb.FREEZE: (Verdict.ERRORED, Reason.NOT_FOUND),
    Verb.CLAIM_NAME: (Verdict.ERRORED, Reason.GAVE_UP),
    Verb.REGISTER: (Verdict.ERRORED, Reason.REGISTER),
    Verb.CREATE_ENDPOINT: (Verdict.FAILED, Reason.ENDPOINT),
    Verb.DEPLOY: (Verdict.FAILED, Reason.DEPLOY),
    Verb.PROBE: (Verdict.FAILED, Reason.PROBE),
    Verb.WRITE_TRAFFIC: (Verdict.ERRORED, Reason.GAVE_UP),
    Verb.MARK: (Verdict.ERRORED, Reason.FOREIGN_CHANGE),
}
"""How a promotion ends when the service says no for good. What is not here could not be found out."""


def stumble(state: SlotState, n: int, what: str, trouble: Trouble, setting: Setting) -> Change:
    """An action or a look failed: back off, or end when it cannot help to try again."""
    p = state.promotions.get(n)
    if p is None:
        return baffled(state, what, trouble, setting)
    entry, fault = entry_of(what, trouble, n, setting), classify(trouble.why)
    count = 1 if _over(p.not_before, setting) else p.troubles + 1
    waits = patient(fault)
    again = setting.after(backoff(count, trouble, fault.longest if waits else BACKOFF_MOST))
    asked = p.asked if trouble.unsure else {verb: at for verb, at in p.asked.items() if verb != what}
    silences = p.silences + (what == Verb.PROBE)
    p = replace(p, troubles=count, trouble=trouble.why, not_before=again, asked=asked, silences=silences)
    if p.ending is not None:  # putting the world back is never given up
        return Change(slot=state.slot, promotions=(p,), entries=(entry,))
    if not (trouble.retry or waits):
        verdict, reason = _REFUSED.get(what, (Verdict.ERRORED, Reason.GAVE_UP))
        p = ended(p, verdict, reason, trouble.why, setting)
    elif count >= (fault.tries if waits else MAX_TROUBLES):
        sentence = f"{what} failed {count} times, last: {trouble.why}"
        p = ended(p, Verdict.ERRORED, Reason.GAVE_UP, sentence, setting)
    return Change(slot=state.slot, promotions=(p,), entries=(entry,))


def baffled(
    state: SlotState, what: str, trouble: Trouble, setting: Setting, look: Look | None = None
) -> Change:
    """The slot itself could not look or act: it rests from that for a while; its promotions go on.

    What waits for that look ends when trying again cannot help, or was tried often enough.
    """
    slot = state.slot
    fresh = slot.not_before is None or _over(slot.not_before, setting)
    count = 1 if fresh else slot.troubles + 1
    fault = classify(trouble.why)
    waits, tries = patient(fault), max(MAX_TROUBLES, fault.tries)
    if look is not None and (not (trouble.retry or waits) or count >= tries):
        change = _hopeless(state, look, trouble, setting)
        if change is not None:
            return replace(change, slot=replace(change.slot, troubles=0, trouble="", not_before=None))
    entries = () if slot.trouble == trouble.why and not fresh else (entry_of(what, trouble, None, setting),)
    until = setting.after(backoff(count, trouble))
    slot = replace(slot, troubles=count, trouble=trouble.why, not_before=until)
    return Change(slot=slot, entries=entries)


def _over(not_before: datetime | None, setting: Setting) -> bool:
    return not_before is not None and setting.now - not_before > FORGET / setting.pace


def _hopeless(state: SlotState, look: Look, trouble: Trouble, setting: Setting) -> Change | None:
    fact = _waiting_for(state, look)
    if fact is None:
        return refuse_pending(state, setting, trouble.why)
    return ended_fact(state.slot, fact, Reason.GAVE_UP, f"it could not be read: {trouble.why}", setting)


def _waiting_for(state: SlotState, look: Look) -> Fact | None:
    """The accepted registration that this look is for."""
    if look.sight is not Sight.SOURCE:
        return None
    facts = [state.facts[key] for key in state.slot.pending if key in state.facts]
    return next((f for f in facts if f.kind is FactKind.REGISTERED and f.version == look.arg), None)


def backoff(count: int, trouble: Trouble, most: float = BACKOFF_MOST) -> timedelta:
    delay = timedelta(seconds=min(most, BACKOFF_FIRST * 2 ** min(count - 1, 10)))
    return max(delay, trouble.after or delay)


def entry_of(what: str, trouble: Trouble, n: int | None, setting: Setting) -> Entry:
    kind = "troubled" if trouble.retry else "refused"
    return Entry(what=f"{what}.{kind}", why=trouble.why, by="greenlight", at=setting.now, n=n)


def ended(p: Promotion, verdict: Verdict, reason: Reason, sentence: str, setting: Setting) -> Promotion:
    ending = Ending(verdict=verdict, reason=reason, sentence=sentence, actor="greenlight", at=setting.now)
    return replace(p, ending=ending)
