"""How long people have who were asked, and when they are told once more: at half of their time, at 90 %, and
every `remind`. Pure.

Whatever is due is named by a mark that stays the same until the next one is due, so that it is told once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator.approval import Request, RequestState

WARNINGS = (
    (0.9, "late", "90 % of the time to decide is over"),
    (0.5, "half", "half of the time to decide is over"),
)
"""Parts of the time after which it is said that it runs out."""


@dataclass(frozen=True)
class Moment:
    """Something to tell, from then on."""

    at: datetime
    mark: str
    sentence: str
    warns: bool
    """Is it a warning that the request expires? Else it is a plain reminder."""


def life_of(request: Request) -> timedelta:
    """How long it was given at first, and by every extension."""
    return (request.expires_at - request.asked_at) / (request.extensions + 1)


MOST_EXTENSIONS = 3


def extended(request: Request) -> Request:
    """With as much time again as it was given at first."""
    until = request.expires_at + life_of(request)
    return replace(request, expires_at=until, extensions=request.extensions + 1)


def refuse_extension(request: Request | None, state: RequestState | None) -> str:
    """Why a request gets no more time; empty: it may."""
    if request is None or state is None:
        return "nobody has been asked yet"
    if state is not RequestState.OPEN:
        return f"its request is {state} already"
    if request.extensions >= MOST_EXTENSIONS:
        return f"it was extended {request.extensions} times: decide it, or ask again with `retry`"
    return ""


def due(request: Request, now: datetime, every: timedelta) -> Moment | None:
    """The last moment that has come; None: none has. `every` zero: there are no reminders."""
    past = [m for m in _moments(request, now, every) if m.at <= now < request.expires_at]
    return max(past, key=lambda m: (m.at, m.warns)) if past else None


def following(request: Request, now: datetime, every: timedelta) -> datetime:
    """When the next one is due, or the request's end."""
    return min((m.at for m in _moments(request, now, every) if m.at > now), default=request.expires_at)


def _moments(request: Request, now: datetime, every: timedelta) -> Iterator[Moment]:
    """The warnings of the life that runs now, and the reminders around this moment."""
    life = life_of(request)
    began = request.expires_at - life
    for part, name, sentence in WARNINGS:
        yield Moment(began + life * part, f"{name} {request.extensions + 1}", sentence, warns=True)
    if every > timedelta(0):
        passed = max(0, (now - request.asked_at) // every)
        for number in (passed, passed + 1):
            at = request.asked_at + every * number
            if number and at < request.expires_at:
                yield Moment(at, f"reminder {number}", "nobody has decided yet", warns=False)
