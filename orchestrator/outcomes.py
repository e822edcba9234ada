"""What an action brought back -> the commit that records it. Pure, and safe to apply again after a reload.

An accepted call is recorded as *asked*, never as done: the next look decides.
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator.delivering import told
from orchestrator.foreign import restored
from orchestrator.health import added
from orchestrator.model import Entry, Promotion, Reason, SlotState, Verdict
from orchestrator.retiring import asked_to_retire
from orchestrator.returning import rolled_back
from orchestrator.troubles import baffled, ended, stumble
from orchestrator.world import (
    Action,
    Asked,
    Change,
    Digested,
    Outcome,
    Owner,
    Probed,
    Renumbered,
    Replayed,
    Sent,
    Setting,
    Trouble,
    Verb,
)


def settle(state: SlotState, action: Action, outcome: Outcome, setting: Setting) -> Change:
    """The commit that records `outcome`. The engine drops the claim in the same commit."""
    slot = state.slot
    p = state.promotions.get(action.n)
    if action.verb in (Verb.ROLL_BACK, Verb.RETIRE):
        if isinstance(outcome, Trouble) and outcome.retry:
            return baffled(state, action.verb, outcome, setting)
        settled = rolled_back if action.verb is Verb.ROLL_BACK else asked_to_retire
        return settled(state, outcome, setting)
    if action.verb is Verb.RESTORE:
        return restored(state, outcome, setting)
    if action.verb is Verb.NOTIFY:
        return told(state, action, outcome, setting)
    if isinstance(outcome, Trouble):
        return stumble(state, action.n, action.verb, outcome, setting)
    if action.verb is Verb.OFFER:
        slot = replace(slot, offering=tuple(n for n in slot.offering if n != action.n))
    entry = Entry(
        what=f"{action.verb}.done", why=_said(action, outcome), by="greenlight", at=setting.now, n=action.n
    )
    if p is None or not p.open:
        return Change(slot=slot, entries=(entry,))
    stuck = p.trouble if isinstance(outcome, Replayed) and not p.troubles else ""  # a person is asked once
    p = replace(p, troubles=0, trouble=stuck, not_before=None, silences=0)
    return Change(slot=slot, promotions=(_advance(p, action, outcome, setting),), entries=(entry,))


def _advance(p: Promotion, action: Action, outcome: Outcome, setting: Setting) -> Promotion:
    if isinstance(outcome, Probed):
        return replace(p, probe=outcome.probe, probing=() if outcome.probe else outcome.times)
    if isinstance(outcome, Renumbered):
        return replace(p, target_version=outcome.version)
    if isinstance(outcome, Replayed):
        return replace(p, replayed=added(p.replayed, outcome.seen))
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


def _said(action: Action, outcome: Outcome) -> str:
    match outcome:
        case Digested(complete=True):
            return f"digest {outcome.digest[:12]}…, {outcome.size} bytes"
        case Digested():
            return "not all bytes read yet"
        case Owner():
            return f"the endpoint name belongs to {outcome.slot}"
        case Sent():
            raise AssertionError("what a channel answered is recorded by delivering.told")
        case Probed():
            return (
                outcome.probe.sentence if outcome.probe else f"{len(outcome.times)} answers so far, all good"
            )
        case Replayed():
            return f"{outcome.seen.candidate.requests} requests of our own for {action.deployment}"
        case Renumbered():
            return f"version {outcome.gone} was deleted there: its number is gone; using {outcome.version}"
        case Asked():
            return f"asked for: {action}"
        case Trouble():
            return outcome.why
