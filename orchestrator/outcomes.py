"""What an action brought back -> the commit that records it. Pure, and safe to apply again after a reload.

An accepted call is recorded as *asked*, never as done: the next look decides.
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator.foreign import restored
from orchestrator.model import Entry, Promotion, Reason, SlotState, Verdict
from orchestrator.troubles import backoff, ended, entry_of, stumble
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

MAX_NOTICES = 10


def settle(state: SlotState, action: Action, outcome: Outcome, setting: Setting) -> Change:
    """The commit that records `outcome`. The engine drops the claim in the same commit."""
    slot = state.slot
    p = state.promotions.get(action.n)
    if action.verb is Verb.RESTORE:
        return restored(state, outcome, setting)
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
    if isinstance(outcome, Asked):
        p = replace(p, asked={str(action.verb): setting.now, **p.asked})
    if isinstance(outcome, Probed):
        return replace(p, probe=outcome.probe)
    if isinstance(outcome, Digested):
        return _digested(p, action, outcome, setting)
    if action.verb is Verb.DEPLOY and isinstance(outcome, Asked):
        return replace(p, deploy_asked_at=setting.now, operation=outcome.operation)
    if action.verb in (Verb.WRITE_TRAFFIC, Verb.MARK):
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
    return ended(p, Verdict.ERRORED, Reason.BYTES_CHANGED, sentence, setting)


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
    entry = entry_of("notify", trouble, action.n, setting)
    request = state.requests.get(action.n)
    if request is None:
        return Change(slot=state.slot, entries=(entry,))
    tries = request.tries.get(action.channel, 0) + 1
    if not trouble.retry or tries >= MAX_NOTICES:
        request = replace(request, gave_up=(*request.gave_up, action.channel))
    again = setting.after(backoff(tries, trouble))
    request = replace(
        request,
        tries={**request.tries, action.channel: tries},
        retry_at={**request.retry_at, action.channel: again},
    )
    return Change(slot=state.slot, requests=(request,), entries=(entry,))


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
