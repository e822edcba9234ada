"""How what is owed is given: one attempt at a time on each channel, in order, within a budget. Pure.

An attempt is an action like any other: claimed (the claim's commit counts it), made once, recorded. It comes
last: only when nothing else is to be done now, and on a channel in trouble only when nothing is due soon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator.approval import Request, RequestState
from orchestrator.case import Step
from orchestrator.model import Entry, Promotion, Slot, SlotKey, SlotState
from orchestrator.outbox import EVENTS, Delivery, Notice
from orchestrator.votes import tally
from orchestrator.world import Act, Action, Change, Outcome, Sent, Setting, Trouble, Verb, Wait

TRIES = 40
GIVE_UP = timedelta(hours=48)
"""Nobody wants to read it after that. Forty attempts with the longest back-off are some thirty hours."""
BACKOFF_FIRST, BACKOFF_MOST = 5.0, 3600.0
SOON = 15.0
"""Seconds: a channel in trouble may take that long to say so, so it is not tried while something is due."""
MOST_OWED = 100
"""Notices in one outbox; the oldest are given up beyond it."""


@dataclass(frozen=True)
class Telling:
    """All that a channel may need to give a notice."""

    slot: SlotKey
    notice: Notice
    repeat: bool
    """Was there an attempt of which nobody knows what became?"""
    promotion: Promotion | None
    request: Request | None
    """The request it is about, while its promotion is open."""


def deliver(state: SlotState, setting: Setting, soonest: datetime | None) -> Step | None:
    """The next attempt, or until when there is none; None: nobody is owed anything.

    `soonest`: when something else is due in this slot; None: nothing is.
    """
    for channel, notice, why in _hopeless(state, setting):
        return _given_up(state, channel, notice, why, setting)
    waits: list[Wait] = []
    for channel in setting.channels:
        notice = next((x for x in state.slot.outbox if channel in x.to), None)
        if notice is None:
            continue
        delivery = notice.to[channel]
        until = delivery.not_before or setting.now
        if until <= setting.now and delivery.begun and soonest and soonest < setting.after(SOON):
            until = soonest
        if until <= setting.now:
            action = Action(verb=Verb.NOTIFY, n=notice.n, channel=channel, notice=notice.key)
            counted = replace(delivery, begun=delivery.begun + 1)
            return Act(action, slot=_with(state.slot, notice, channel, counted))
        waits.append(Wait(until, f"{channel} is told of #{notice.n} then: {delivery.why}"))
    return min(waits, key=lambda w: w.until) if waits else None


def telling_of(state: SlotState, action: Action) -> Telling:
    """What this action gives. Its claim has counted the attempt already."""
    notice = _find(state, action)
    if notice is None:
        raise AssertionError(f"nothing in the outbox is called {action.notice} for {action.channel}")
    delivery, request = notice.to[action.channel], state.requests.get(notice.n)
    return Telling(
        slot=state.slot.key,
        notice=notice,
        repeat=delivery.begun - 1 > delivery.failed,
        promotion=state.promotions.get(notice.n),
        request=request if request is not None and request.k == notice.k else None,
    )


def told(state: SlotState, action: Action, outcome: Outcome, setting: Setting) -> Change:
    """The commit that records what an attempt brought. Safe to apply again after a reload."""
    notice = _find(state, action)
    what, why = _said(action, notice, outcome)
    entry = Entry(what=what, why=why, by="greenlight", at=setting.now, n=action.n)
    if notice is None:
        return Change(slot=state.slot, entries=(entry,))
    if isinstance(outcome, Trouble) and outcome.retry:
        slot = _with(state.slot, notice, action.channel, _failed(notice, action, outcome, setting))
        return Change(slot=slot, entries=(entry,))
    accepted = isinstance(outcome, Sent) and outcome.accepted
    slot = _with(state.slot, notice, action.channel, None)
    requests = _marked(state, notice, action.channel, setting.now if accepted else None)
    return Change(slot=slot, requests=requests, entries=(entry,))


def _failed(notice: Notice, action: Action, trouble: Trouble, setting: Setting) -> Delivery:
    before = notice.to[action.channel]
    delay = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(max(before.begun, 1) - 1, 20))
    again = max(setting.after(delay), setting.now + (trouble.after or timedelta()))
    failed = before.failed if trouble.unsure else before.failed + 1
    return replace(before, failed=failed, not_before=again, why=trouble.why)


def _said(action: Action, notice: Notice | None, outcome: Outcome) -> tuple[str, str]:
    """What the journal is told: each attempt has its row."""
    about = f"{action.channel}: {notice.about}" if notice else action.channel
    delivery = notice.to[action.channel] if notice else Delivery()
    number = f"attempt {delivery.begun}"
    if isinstance(outcome, Trouble):
        return f"notify.{'troubled' if outcome.retry else 'refused'}", f"{about}, {number}: {outcome.why}"
    if isinstance(outcome, Sent) and not outcome.accepted:
        return "notify.refused", f"{about}, {number}: {outcome.why}"
    repeat = ", marked as a repeat" if delivery.begun - 1 > delivery.failed else ""
    return "notify.done", f"{about}, accepted by {number}{repeat}"


# ---- giving up ---------------------------------------------------------------------------------------------


def _hopeless(state: SlotState, setting: Setting) -> Iterator[tuple[str, Notice, str]]:
    """What is not tried any more, and why."""
    outbox = state.slot.outbox
    for place, notice in enumerate(outbox):
        for channel, delivery in notice.to.items():
            why = ""
            if channel not in setting.channels:
                why = "the channel is no longer configured"
            elif notice.kind.asks and not _still_asked(state, notice, setting):
                why = "it no longer asks for a decision"
            elif notice.kind.asks and _said_later(outbox[place + 1 :], notice, channel):
                why = "a later notice says so, too"
            elif delivery.begun >= TRIES:
                why = f"{delivery.begun} attempts are enough; last: {delivery.why or 'no answer'}"
            elif (setting.now - notice.at) * setting.pace >= GIVE_UP:
                why = f"owed since {GIVE_UP.total_seconds() / 3600:g} h; last: {delivery.why or 'not tried'}"
            elif place < len(outbox) - MOST_OWED:
                why = f"more than {MOST_OWED} notices wait"
            if why:
                yield channel, notice, why


def _still_asked(state: SlotState, notice: Notice, setting: Setting) -> bool:
    p, request = state.promotions.get(notice.n), state.requests.get(notice.n)
    if p is None or p.ending is not None or request is None or request.k != notice.k:
        return False
    votes = state.votes.get(notice.n, ())
    return tally(request, votes, setting.now, author=p.registration.author) is RequestState.OPEN


def _said_later(rest: tuple[Notice, ...], notice: Notice, channel: str) -> bool:
    """A channel that was down is not flooded with every reminder that it missed."""
    return any(x.kind.asks and (x.n, x.k) == (notice.n, notice.k) and channel in x.to for x in rest)


def _given_up(state: SlotState, channel: str, notice: Notice, why: str, setting: Setting) -> Change:
    entry = Entry(
        what="notify.given_up",
        why=f"{channel}: {notice.about}: {why}",
        by="greenlight",
        at=setting.now,
        n=notice.n,
    )
    rest = state.slot.outbox[state.slot.outbox.index(notice) + 1 :]
    requests = () if _said_later(rest, notice, channel) else _marked(state, notice, channel, None)
    return Change(slot=_with(state.slot, notice, channel, None), requests=requests, entries=(entry,))


# ---- rows --------------------------------------------------------------------------------------------------


def _find(state: SlotState, action: Action) -> Notice | None:
    found = (x for x in state.slot.outbox if x.key == action.notice and action.channel in x.to)
    return next(found, None)


def _with(slot: Slot, notice: Notice, channel: str, delivery: Delivery | None) -> Slot:
    """The slot with this channel's delivery; None: over, and with the last channel the notice goes."""
    to = {name: d for name, d in notice.to.items() if name != channel or delivery is not None}
    if delivery is not None:
        to[channel] = delivery
    outbox = (replace(x, to=to) if x is notice else x for x in slot.outbox)
    return replace(slot, outbox=tuple(x for x in outbox if x.to))


def _marked(state: SlotState, notice: Notice, channel: str, at: datetime | None) -> tuple[Request, ...]:
    """Whether people were asked is kept with the request: on which channels, or that one was given up."""
    request = state.requests.get(notice.n)
    nobody = channel == EVENTS or not notice.kind.asks
    if nobody or request is None or request.k != notice.k or channel in request.notified:
        return ()
    if at is not None:
        return (replace(request, notified={**request.notified, channel: at}),)
    gave_up = (*request.gave_up, *(() if channel in request.gave_up else (channel,)))
    return (replace(request, gave_up=gave_up),)
