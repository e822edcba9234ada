"""What a person must hear of, as lines of the log. The alerts of infra/modules/alerts.bicep look for them."""

from __future__ import annotations

import logging
from enum import StrEnum

log = logging.getLogger("greenlight.alarm")


class Alarm(StrEnum):
    """Each is an alert of its own."""

    DEAD_LETTER = "dead letter"
    POISON = "poison message"
    STUCK = "stuck"
    VOTE_REFUSED = "vote refused"


def raise_alarm(which: Alarm, what: str) -> None:
    log.error("alarm, %s: %s", which.value, what)
