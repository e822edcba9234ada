"""What an action brought back -> the commit that records it. Pure, and safe to apply again after a reload.

An accepted call is recorded as *asked*, never as done: the next look decides.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from orchestrator.model import Ending, Entry, Promotion, Reason, SlotState, Verdict
from orchestrator.world import (
    Action,
    Asked,
    Change,
    Digested,
    Outcome,
    Owner,
    Probed,
    Sent,
    Setting,
    Trouble,
    Verb,
)

MAX_TROUBLES = 40
"""With the longest back-off: about three hours of trouble at one goal."""
MAX_NOTICES = 10
BACKOFF_FIRST, BACKOFF_MOST = 5.0, 300.0

_REFUSED: dict[str, tuple[Verdict, Reason]] = {
    Verb.DIGEST: (Verdict.ERRORED, Reason.NOT_FOUND),
    Verb.FREEZE: (Verdict.ERRORED, Reason.NOT_FOUND),
    Verb.CLAIM_NAME: (Verdict.ERRORED, Reason.GAVE_UP),
    Verb.NOTIFY: (Verdict.ERRORED, Reason.GAVE_UP),
    Verb.REGISTER: (Verdict.ERRORED, Reason.REGISTER),
    Verb.CREATE_ENDPOINT: (Verdict.FAILED, Reason.ENDPOINT),
    Verb.DEPLOY: (Verdict.FAILED, Reason.DEPLOY),
    Verb.PROBE: (Verdict.FAILED, Reason.PROBE),
    Verb.WRITE_TRAFFIC: (Verdict.ERRORED, Reason.GAVE_UP),
    Verb.REMOVE: (Verdict.ERRORED, Reason.GAVE_UP),
    Verb.OFFER: (Verdict.ERRORED, Reason.GAVE_UP),
}


def settle(state: SlotState, action: Action, outcome: Outcome, setting: Setting) -> Change:
    """The commit that records `outcome`. The engine drops the claim in the same commit."""
    slot = state.slot
    p = state.promotions.get(action.n)
    if isinstance(outcome, Trouble):
        if action.verb is Verb.NOTIFY:
            return _unnotified(state, action, outcome, setting)
        return stumble(state, action.n, action.verb, outcome, setting)
    if action.verb is Verb.OFFER:
        slot = replace(slot, offering=tuple(n for n in slot.offering if n != action.n))
    entry = Entry(
        what=f"{action.verb}.done", why=_said(action, outcome), by="greenlight", at=setting.now, n=action.n
    )
    if p is None or not p.open:
        return Change(slot=slot, entries=(entry,))
    p = replace(p, troubles=0, trouble="", not_before=None)
    if isinstance(outcome, Sent):
        return _notified(state, p, action, outcome, entry, setting)
    return Change(slot=slot, promotions=(_advance(p, action, outcome, setting),), entries=(entry,))


def _advance(p: Promotion, action: Action, outcome: Outcome, setting: Setting) -> Promotion:
    if isinstance(outcome, Probed):
        return replace(p, probe=outcome.probe)
    if isinstance(outcome, Digested):
        return _digested(p, action, outcome, setting)
    if action.verb is Verb.DEPLOY and isinstance(outcome, Asked):
        return replace(p, deploy_asked_at=setting.now, operation=outcome.operation)
    if action.verb is Verb.WRITE_TRAFFIC:
        return replace(p, wrote_at=setting.now)
    return p


def _digested(p: Promotion, action: Action, outcome: Digested, setting: Setting) -> Promotion:
    if not outcome.complete:
        return p
    if action.verb is Verb.DIGEST:
        return replace(p, digest=outcome.digest, size=outcome.size)
    if outcome.digest == p.digest:
        return replace(p, frozen=outcome.uri)
    sentence = (
        f"the copy has digest {outcome.digest[:12]}…, not {p.digest[:12]}… as offered: the files changed"
    )
    return _ending(p, Verdict.ERRORED, Reason.BYTES_CHANGED, sentence, setting)


def _notified(
    state: SlotState, p: Promotion, action: Action, outcome: Sent, entry: Entry, setting: Setting
) -> Change:
    request = state.requests.get(action.n)
    if request is None:
        return Change(slot=state.slot, promotions=(p,), entries=(entry,))
    if outcome.accepted:
        request = replace(request, notified={**request.notified, action.channel: setting.now})
    else:
        request = replace(request, gave_up=(*request.gave_up, action.channel))
    return Change(slot=state.slot, promotions=(p,), requests=(request,), entries=(entry,))


def _unnotified(state: SlotState, action: Action, trouble: Trouble, setting: Setting) -> Change:
    """A channel that fails is tried again beside the promotion, then given up: it never blocks it."""
    entry = _entry("notify", trouble, action.n, setting)
    request = state.requests.get(action.n)
    if request is None:
        return Change(slot=state.slot, entries=(entry,))
    tries = request.tries.get(action.channel, 0) + 1
    if not trouble.retry or tries >= MAX_NOTICES:
        request = replace(request, gave_up=(*request.gave_up, action.channel))
    again = setting.after(_backoff(tries, trouble))
    request = replace(
        request,
        tries={**request.tries, action.channel: tries},
        retry_at={**request.retry_at, action.channel: again},
    )
    return Change(slot=state.slot, requests=(request,), entries=(entry,))


def stumble(state: SlotState, n: int, what: str, trouble: Trouble, setting: Setting) -> Change:
    """An action or a look failed: back off, or end when it cannot help to try again."""
    entry = _entry(what, trouble, n, setting)
    p = state.promotions.get(n)
    if p is None:
        return Change(slot=state.slot, entries=(entry,))
    count = p.troubles + 1
    p = replace(p, troubles=count, trouble=trouble.why, not_before=setting.after(_backoff(count, trouble)))
    if p.ending is not None:  # putting the world back is never given up
        return Change(slot=state.slot, promotions=(p,), entries=(entry,))
    if not trouble.retry:
        verdict, reason = _REFUSED.get(what, (Verdict.ERRORED, Reason.GAVE_UP))
        p = _ending(p, verdict, reason, trouble.why, setting)
    elif count >= MAX_TROUBLES:
        sentence = f"{what} failed {count} times, last: {trouble.why}"
        p = _ending(p, Verdict.ERRORED, Reason.GAVE_UP, sentence, setting)
    return Change(slot=state.slot, promotions=(p,), entries=(entry,))


def _backoff(count: int, trouble: Trouble) -> timedelta:
    delay = timedelta(seconds=min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(count - 1, 10)))
    return max(delay, trouble.after or delay)


def _entry(what: str, trouble: Trouble, n: int, setting: Setting) -> Entry:
    kind = "troubled" if trouble.retry else "refused"
    return Entry(what=f"{what}.{kind}", why=trouble.why, by="greenlight", at=setting.now, n=n)


def _ending(p: Promotion, verdict: Verdict, reason: Reason, sentence: str, setting: Setting) -> Promotion:
    ending = Ending(verdict=verdict, reason=reason, sentence=sentence, actor="greenlight", at=setting.now)
    return replace(p, ending=ending)


def _said(action: Action, outcome: Outcome) -> str:
    match outcome:
        case Digested(complete=True):
            return f"digest {outcome.digest[:12]}…, {outcome.size} bytes"
        case Digested():
            return "not all bytes read yet"
        case Owner():
            return f"the endpoint name belongs to {outcome.slot}"
        case Sent(accepted=True):
            return f"{action.channel} accepted the approval request"
        case Sent():
            return f"{action.channel} refused the approval request: {outcome.why}"
        case Probed():
            return outcome.probe.sentence
        case Asked():
            return f"asked for: {action}"
        case Trouble():
            return outcome.why
