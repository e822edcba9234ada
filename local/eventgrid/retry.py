"""What Event Grid does after each attempt: the schedule, the codes that end it, what they are called."""

from __future__ import annotations

import random

SUCCESS = frozenset({200, 201, 202, 203, 204})
NEVER_RETRIED = frozenset({400, 403, 413})
ANSWER_SECONDS = 30.0  # then the attempt counts as failed
LATE_SECONDS = 180.0  # an answer until then still removes the retry
DEAD_LETTER_SECONDS = 300.0  # after the last attempt
DEAD_LETTER_PATIENCE = 4 * 3600.0  # then an event that cannot be stored is dropped
STEPS = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200)
JITTER = 0.1
TROUBLED_AFTER = 10  # failures in a row, after which new events are held back too

_OUTCOMES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "TimedOut",
    413: "PayloadTooLarge",
    429: "Busy",
    503: "Busy",
}
_PROBATION = {"Busy": 10.0, "TimedOut": 10.0, "SocketError": 30.0}
_LONG_PROBATION = 300.0
_PROBATION_FOR = frozenset({"NotFound", "Unauthorized", "Forbidden", "ResolutionError", "Disabled", "Full"})
_random = random.Random()  # noqa: S311 - spreads retries, hides nothing


def outcome(status: int) -> str:
    return _OUTCOMES.get(status, "Aborted")


def is_final(status: int, *, webhook: bool) -> bool:
    """Codes after which no further attempt is made."""
    return status in NEVER_RETRIED or (webhook and status == 401)


def _floor(status: int | None, *, webhook: bool) -> float:
    """The least wait after a status; None: no answer."""
    if status in {401, 404} and not webhook:
        return 300.0
    return {408: 120.0, 503: 30.0}.get(status or 0, 10.0)


def wait(attempts: int, status: int | None, *, webhook: bool) -> float:
    """Seconds until the next attempt after `attempts` of them; not scaled."""
    step = STEPS[min(attempts, len(STEPS)) - 1] * _random.uniform(1 - JITTER, 1 + JITTER)
    return max(step, _floor(status, webhook=webhook))


def probation(last: str) -> float:
    """How long an endpoint in trouble is left alone, by its last outcome; not scaled."""
    return _LONG_PROBATION if last in _PROBATION_FOR else _PROBATION.get(last, 10.0)
