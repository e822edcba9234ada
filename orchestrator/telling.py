"""Who is owed what: which notices a slot has to give, each once. Pure; how they are given: delivering.py.

People were asked, so they hear what becomes of it; systems that follow the events hear of every end. What is
owed goes into the slot's outbox in the commit of what it tells of, and leaves it when a channel has it or is
given up: no promotion waits for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from orchestrator.approval import Request, RequestState
from orchestrator.asking import granted, reminded_every
from orchestrator.case import Case
from orchestrator.model import Entry, Promotion, Reason, Slot, SlotState, Verdict
from orchestrator.outbox import END, EVENTS, Delivery, Notice, NoticeKind
from orchestrator.reminding import due
from orchestrator.votes import counted, tally
from orchestrator.world import Change, Setting, World

ENDS: dict[Verdict, NoticeKind] = {
    Verdict.LIVE: NoticeKind.LIVE,
    Verdict.REJECTED: NoticeKind.REFUSED,
    Verdict.EXPIRED: NoticeKind.EXPIRED,
    Verdict.SUPERSEDED: NoticeKind.SUPERSEDED,
    Verdict.UNCHANGED: NoticeKind.UNCHANGED,
    Verdict.FAILED: NoticeKind.FAILED,
    Verdict.ERRORED: NoticeKind.ERRORED,
    Verdict.ABORTED: NoticeKind.ABORTED,
    Verdict.ROLLED_BACK: NoticeKind.ROLLED_BACK,
}
"""How the end of a promotion is told, where its reason has no words of its own."""
FOR_A_REASON = {Reason.LAPSED: NoticeKind.LAPSED, Reason.WITHDRAWN: NoticeKind.WITHDRAWN}
MOST_SAID = 1000
"""Characters: it lies in the slot's row, and comments are long."""


def owe(state: SlotState, world: World, setting: Setting) -> Change | None:
    """Put into the outbox what the open requests owe by now; None: nothing more."""
    for n in sorted(state.requests):
        p, request = state.promotions[n], state.requests[n]
        if p.ending is not None or request.closed:
            continue
        for notice in _due(Case(state, p, world, setting), request):
            mark = f"{request.k} {notice.mark}"
            if mark in p.told:
                continue
            slot = replace(state.slot, outbox=(*state.slot.outbox, notice))
            said = f"{notice.kind} of request {request.k}" + (
                f": {notice.sentence}" if notice.sentence else ""
            )
            entry = Entry(what="notice.owed", why=said, by="greenlight", at=setting.now, n=n)
            p = replace(p, told=(*p.told, mark))
            return Change(slot=slot, promotions=(p,), entries=(entry,))
    return None


def announced(state: SlotState, change: Change, setting: Setting) -> Change:
    """The change, and in the same commit what it owes to the people who were asked."""
    notices = (*_lapses(state, change, setting), *_ends(state, change, setting))
    return replace(change, slot=replace(change.slot, outbox=(*change.slot.outbox, *notices)))


def notice_of(
    case: Case,
    request: Request | None,
    kind: NoticeKind,
    sentence: str,
    *,
    mark: str = "",
    actor: str = "greenlight",
) -> Notice:
    """A notice about a request, if there was one. `mark`: which, where a request owes several of a kind."""
    return Notice(
        n=case.p.n,
        k=request.k if request else 0,
        mark=mark or kind.value,
        kind=kind,
        version=case.p.registration.version,
        sentence=sentence[:MOST_SAID],
        actor=actor[:MOST_SAID],
        at=case.setting.now,
        to={channel: Delivery() for channel in case.setting.channels},
    )


def _due(case: Case, request: Request) -> Iterator[Notice]:
    """What this open request owes by now, whether or not it was given already."""
    votes = case.state.votes.get(request.n, ())
    state = tally(request, votes, case.setting.now, author=case.p.registration.author)
    if state is RequestState.OPEN and not request.notified:
        yield notice_of(case, request, NoticeKind.ASKED, "")
    elif state is RequestState.OPEN:
        moment = due(request, case.setting.now, reminded_every(case, request))
        if moment is not None:
            kind = NoticeKind.EXPIRING if moment.warns else NoticeKind.REMINDER
            yield notice_of(case, request, kind, moment.sentence, mark=moment.mark)
    elif state is RequestState.GRANTED and granted(case):
        approvals = counted(request, votes)  # nobody rejected it
        names = [v.name or v.approver for v in approvals]
        said = [f"{n}: {v.comment}" if v.comment else n for n, v in zip(names, approvals, strict=True)]
        sentence = f"approved by {'; '.join(said)}"
        yield notice_of(case, request, NoticeKind.GRANTED, sentence, actor=", ".join(names))


def _lapses(state: SlotState, change: Change, setting: Setting) -> Iterator[Notice]:
    """Requests that this change closes because people are asked anew."""
    asked = {(r.n, r.k) for r in change.requests}
    for request in change.requests:
        before = state.requests.get(request.n)
        lapsed = before is not None and before.k == request.k and request.closed and not before.closed
        if lapsed and (request.n, request.k + 1) in asked:
            case = Case(state, state.promotions[request.n], World(), setting)
            yield notice_of(case, request, NoticeKind.LAPSED, f"{request.closed}; people are asked anew")


def _ends(state: SlotState, change: Change, setting: Setting) -> Iterator[Notice]:
    """Promotions that this change closes. Of one that nobody was asked about, only systems are told."""
    for p in change.promotions:
        before, request = state.promotions.get(p.n), state.requests.get(p.n)
        to = setting.channels if request is not None else _followed(setting)
        if p.verdict is None or before is None or before.verdict is not None or not to:
            continue
        kind = (FOR_A_REASON.get(p.reason) if p.reason else None) or ENDS[p.verdict]
        case = Case(state, before, World(), setting)
        sentence = f"{p.sentence}{_serves_on(p, change.slot)}"
        notice = notice_of(case, request, kind, sentence, mark=END, actor=p.actor)
        if p.verdict is Verdict.SUPERSEDED:
            n, version = _replacement(case)
            notice = replace(notice, newer_n=n, newer_version=version)
        yield replace(notice, to={channel: Delivery() for channel in to}, at=p.ended_at or setting.now)


def _followed(setting: Setting) -> tuple[str, ...]:
    """The channels on which nobody is asked."""
    return tuple(channel for channel in setting.channels if channel == EVENTS)


def _serves_on(p: Promotion, slot: Slot) -> str:
    """What people want to know next, where it is certain."""
    if p.verdict is Verdict.LIVE or slot.serving is None or slot.foreign is not None:
        return ""
    return f"; v{slot.serving.version} serves on"


def _replacement(case: Case) -> tuple[int, str]:
    """What took the place of this promotion: its number and version."""
    newer = [q for q in case.state.promotions.values() if case.newer(q) and _stands(q)]
    if newer:
        last = max(newer, key=_order)
        return last.n, last.registration.version
    serving = case.state.slot.serving
    return (serving.n, serving.version) if serving else (0, "")


def _stands(p: Promotion) -> bool:
    return p.ending is None or p.ending.verdict is Verdict.LIVE


def _order(p: Promotion) -> tuple[tuple[datetime, int], int]:
    return p.registration.order, p.n
