"""The slot of an abstract scene: what its row says besides its promotions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from orchestrator import model as m
from orchestrator.delivering import GIVE_UP, TRIES
from orchestrator.opening import offer_detail
from orchestrator.outbox import Delivery, Notice, NoticeKind
from tests.core.enumeration.axes import (
    Beside,
    Claim,
    Mover,
    Outbox,
    Pending,
    Place,
    Retiring,
    Serves,
    Stopped,
)
from tests.core.enumeration.build_promotion import received
from tests.core.enumeration.figures import (
    AN_HOUR,
    ANA,
    CHANGED_BY_HAND,
    FREEZE,
    LONG_AGO,
    METRICS,
    NEWER,
    NOW,
    OLD_DIGEST,
    OLDER,
    RECENT,
    RETIRED,
    SERVING,
    STABLE,
    STRANGER,
    THIS,
    WORKSPACE,
)


@cache
def slot(numbers: tuple[int, ...], serves: Serves, mover: Mover, at: Beside) -> m.Slot:
    retiring = {
        Retiring.NONE: dict[str, datetime](),
        Retiring.WARM: {RETIRED: AN_HOUR},
        Retiring.DUE: {RETIRED: LONG_AGO},
        Retiring.SERVES: {STABLE: LONG_AGO},
    }
    until = {Claim.NONE: None, Claim.LIVE: AN_HOUR, Claim.DEAD: RECENT}[at.claim]
    return m.Slot(
        model="titanic",
        env="qa",
        serving=serving(serves),
        open=numbers,
        mover={Mover.NONE: None, Mover.THIS: THIS, Mover.OTHER: OLDER}[mover],
        claim=None if until is None else m.Claim(action="something", worker="someone", until=until),
        hold="by hand" if at.stopped is Stopped.HELD else "",
        freeze=FREEZE if at.stopped is Stopped.FROZEN else None,
        foreign=_foreign(at.stopped),
        pending=() if at.pending is Pending.NONE else ("fact",),
        retiring=retiring[at.retiring],
        offering=(SERVING,) if at.offering else (),
        not_before=AN_HOUR if at.resting else None,
        troubles=1 if at.resting else 0,
        trouble="the service was busy" if at.resting else "",
        outbox=owed(at.outbox),
        next_n=NEWER + 1,
    )


@cache
def owed(outbox: Outbox) -> tuple[Notice, ...]:
    """One notice stands for all; ASKING for those that ask for a decision."""
    if outbox is Outbox.NONE:
        return ()
    asking = outbox is Outbox.ASKING
    tried = Delivery(begun=1, failed=1, not_before=RECENT, why="the channel was busy")
    delivery = {
        Outbox.LATER: replace(tried, not_before=AN_HOUR),
        Outbox.TRIED: tried,
        Outbox.HOPELESS: replace(tried, begun=TRIES, failed=TRIES),
    }
    notice = Notice(
        n=THIS if asking else SERVING,
        k=1,
        mark="reminder" if asking else "end",
        kind=NoticeKind.REMINDER if asking else NoticeKind.LIVE,
        version="5",
        sentence="so it is",
        actor="greenlight",
        at=NOW - 2 * GIVE_UP if outbox is Outbox.OLD else RECENT,
        to={"pager" if outbox is Outbox.GONE else "queue": delivery.get(outbox, Delivery())},
    )
    return (notice,)


@cache
def serving(serves: Serves) -> m.Serving | None:
    if not serves:
        return None
    return m.Serving(
        version="6",
        target_version="6",
        digest=OLD_DIGEST,
        deployment=STABLE,
        since=RECENT if serves is Serves.JUST else LONG_AGO,
        n=SERVING,
        metrics=METRICS,
        registered_at=LONG_AGO,
    )


@cache
def _foreign(stopped: Stopped) -> m.Foreign | None:
    """Somebody gave everything to the stranger, as `foreign.difference` says it."""
    if stopped not in CHANGED_BY_HAND:
        return None
    wrote = {Stopped.RESTORE_NOW: RECENT, Stopped.RESTORE_OLD: RECENT - timedelta(minutes=5)}
    return m.Foreign(
        sentence=f"traffic is {STRANGER} 100 %; {STABLE} 100 % is recorded",
        traffic={STRANGER: 100},
        at=LONG_AGO if stopped is Stopped.RESTORE_LATE else NOW - timedelta(minutes=10),
        restore="" if stopped is Stopped.CHANGED else ANA,
        wrote_at=wrote.get(stopped),
    )


@cache
def fact(place: Place, pending: Pending) -> m.Fact:
    fields: dict[str, Any] = {"kind": m.FactKind.COMMANDED, "by": ANA, "detail": {"command": "dance"}}
    offer = offer_detail(received(THIS, place, True), WORKSPACE, "azureml://dev")
    if pending is Pending.ARRIVAL and place.later:
        fields |= {"kind": m.FactKind.OFFERED, "detail": offer}
    elif pending is Pending.ARRIVAL:
        fields |= {"kind": m.FactKind.REGISTERED, "detail": {}}
    elif pending is not Pending.GIBBERISH:
        n = THIS if pending in (Pending.ABORT, Pending.WITHDRAW, Pending.EXTEND) else SERVING
        command = {"command": pending.name.lower(), "name": "Ana", "reason": "because", "n": n}
        fields |= {"detail": {**(offer if pending is Pending.RETRY else {}), **command}}
    common = {"key": "fact", "model": "titanic", "env": "qa", "version": "9"}
    return m.Fact(**common, at=LONG_AGO, accepted_at=LONG_AGO, **fields)
