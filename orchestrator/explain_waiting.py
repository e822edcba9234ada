"""Why a promotion waits for people, for its turn, or for the end of a freeze. Pure; see explain.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from orchestrator.approval import Decision, Request, RequestState, Vote
from orchestrator.model import Promotion, SlotState
from orchestrator.outbox import EVENTS, Notice
from orchestrator.votes import counted, required, tally, unreachable, waited_for
from shared.figures import span


@dataclass(frozen=True)
class Explanation:
    """One sentence, what it rests on, and what happens next (or what to do)."""

    headline: str
    because: tuple[str, ...]
    next: str


def awaiting(state: SlotState, p: Promotion, now: datetime) -> Explanation:
    request = state.requests.get(p.n)
    if request is not None:
        votes = state.votes.get(p.n, ())
        decided = tally(request, votes, now, author=p.registration.author)
        if decided is not RequestState.GRANTED:
            return _asked(p, request, votes, decided, state.slot.outbox, now)
        start = "Approved"
    else:
        start = "Checked"
    mover = state.slot.mover
    if mover is not None and mover != p.n:
        return Explanation(
            f"{start}; waiting for its turn", (f"#{mover} is moving the slot",), "It goes on after that."
        )
    if state.slot.retiring:
        names = ", ".join(state.slot.retiring)
        return Explanation(
            f"{start}; waiting for its turn", (f"{names} is still being removed",), "It goes on after that."
        )
    if request is None:
        return Explanation(
            start, ("people are asked at the next look, where there is a rule",), "Then it goes on."
        )
    freeze = state.slot.freeze
    if freeze is not None and freeze.until > now:
        return Explanation(f"{start}; frozen", (), f"It goes on by itself {until(freeze.until, now)}.")
    following = () if state.slot.hold or state.slot.foreign else ("the next look takes the slot",)
    return Explanation(start, following, "Then it is registered and deployed.")


def _asked(
    p: Promotion,
    request: Request,
    votes: tuple[Vote, ...],
    state: RequestState,
    outbox: tuple[Notice, ...],
    now: datetime,
) -> Explanation:
    needed = required(request.rule, p.registration.author)
    given = [v for v in counted(request, votes) if v.decision is Decision.APPROVE]
    because = [f"{v.name or v.approver} said {v.decision}" for v in votes]
    because += [f"{channel} could not be told" for channel in request.gave_up]
    because += untold([x for x in outbox if x.n == p.n], now)
    if needed > request.rule.required:
        because.append("the author is not known, so one approval more is needed")
    because += [f"{name} must be among those who approve" for name in waited_for(request.rule, given)]
    hopeless = unreachable(request.rule, p.registration.author)
    if hopeless:
        because.append(f"{hopeless}: it can only expire, be rejected or withdrawn")
    who = ", ".join(a.name for a in request.rule.approvers)
    match state:
        case RequestState.OPEN:
            return Explanation(
                f"Waiting for approval: {len(given)} of {needed}",
                tuple(because),
                f"{who} may decide within {span(request.expires_at - now)}.",
            )
        case RequestState.REFUSED:
            return Explanation("Rejected; closing", tuple(because), "Nothing changes here.")
        case RequestState.EXPIRED:
            return Explanation("Nobody decided in time; closing", tuple(because), "Nothing changes here.")
        case RequestState.CLOSED:
            return Explanation("Asked anew", (request.closed, *because), "A new request replaces this one.")
        case RequestState.GRANTED:
            return Explanation("Approved", tuple(because), "It goes on by itself.")
        case _:
            assert_never(state)


def untold(outbox: Sequence[Notice], now: datetime) -> list[str]:
    """Which channels are in trouble, and when they are tried again."""
    said: list[str] = []
    for channel in dict.fromkeys(name for notice in outbox for name in notice.to):
        first = next(notice.to[channel] for notice in outbox if channel in notice.to)
        if first.begun:
            why = f" ({first.why})" if first.why else ""
            name = "the topic for events" if channel == EVENTS else channel
            said.append(f"{name} could not be told yet{why}; tried again {until(first.not_before, now)}")
    return said


def until(moment: datetime | None, now: datetime) -> str:
    return f"in {span(moment - now)}" if moment is not None and moment > now else "at the next look"
