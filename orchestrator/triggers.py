"""What each trigger does, free of any host. function_app.py only translates; the tests call these."""

from __future__ import annotations

import logging
from datetime import datetime

from orchestrator.alarms import Alarm, raise_alarm
from orchestrator.app import App
from orchestrator.wakes import read_wake
from shared.errors import Invalid
from shared.queues import APPROVAL_DECISIONS

log = logging.getLogger("greenlight")


def model_event(app: App, payload: object) -> None:
    """One event. Returning acknowledges it; raising makes Event Grid send it again."""
    accepted = app.intake.event(payload)
    log.info("event %s: %s", accepted.kind, accepted.why)


def wake(app: App, text: str) -> None:
    """One wake. Raising makes the queue hand it out again."""
    try:
        hint = read_wake(text)
    except Invalid as error:
        app.dead.add("wakes", str(error), text, app.clock.now())
        return
    if hint.anchors:
        app.anchoring.write()
    elif hint.source:
        app.healing.wake(hint.source)
    elif hint.slot is not None:
        app.engine.wake(hint.slot, low=hint.low)


def approval_message(app: App, text: str, came: datetime | None = None) -> None:
    """One vote from a registered channel, which reached the queue at `came`. Never retried if refused."""
    app.channels.take(text, came)


def poison(app: App, queue: str, text: str, came: datetime | None = None) -> None:
    """A message that failed every time it was tried: parked where operators see it; a vote goes back."""
    if queue == APPROVAL_DECISIONS:
        app.channels.park(text, came)
        return
    reason = "failed every time it was tried; see the log of those minutes"
    app.dead.add(f"{queue}-poison", reason, text, app.clock.now())
    raise_alarm(Alarm.POISON, queue)


def sweep(app: App) -> None:
    app.sweep.run()
