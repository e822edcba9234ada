"""Is a freeze in force, and until when: a pure function of the policy's windows and `now`.

Rules of RFC 5545 are worked out by python-dateutil, which is imported where there is one. A window begins and
ends by the clock on the wall of its time zone, so 18:00 stays 18:00 when clocks are put forward or back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from orchestrator.model import Freeze

if TYPE_CHECKING:
    from dateutil.rrule import rrule

    from orchestrator.approval_policy import FreezePolicy
    from orchestrator.policy import Policy

MOST_JOINED = 100
"""Windows that follow one another without a gap, looked through for the end of them all."""
_OFTEN = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")


def frozen(windows: Iterable[FreezePolicy], now: datetime) -> Freeze | None:
    """The freeze in force, with the moment when nothing is frozen any more; None: nothing is frozen."""
    every = tuple(windows)
    first = _in_force(every, now)
    if first is None:
        return None
    name, until = first
    for _ in range(MOST_JOINED):
        following = _in_force(every, until)
        if following is None:
            break
        until = following[1]
    return Freeze(name=name, until=until)


def check(policy: Policy) -> None:
    """Raises PolicyError, naming every rule that cannot be understood, with its place."""
    from orchestrator.policy import PolicyError

    wrong: list[str] = []
    for place, windows in _places(policy):
        for number, window in enumerate(windows):
            try:
                occurs = not window.rrule or next(iter(_rule(window.rrule, _start(window))), None) is not None
            except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
                wrong.append(f"  {place}.freeze.{number}.rrule: {error}")
            else:
                if not occurs:
                    wrong.append(f"  {place}.freeze.{number}.rrule: it never comes")
    if wrong:
        raise PolicyError("greenlight.yaml is wrong:\n" + "\n".join(wrong))


def _places(policy: Policy) -> Iterator[tuple[str, tuple[FreezePolicy, ...]]]:
    for at, env in enumerate(policy.file.environments):
        yield f"environments.{at}", env.freeze
    for at, model in enumerate(policy.file.models):
        for name, mine in model.environments.items():
            yield f"models.{at}.environments.{name}", mine.freeze


def _in_force(windows: tuple[FreezePolicy, ...], now: datetime) -> tuple[str, datetime] | None:
    """The window that contains this moment and ends last."""
    found = [(window.name, end) for window in windows if (end := _end(window, now)) is not None]
    return max(found, key=lambda each: each[1]) if found else None


def _end(window: FreezePolicy, now: datetime) -> datetime | None:
    """When the occurrence that contains this moment ends; None: none contains it."""
    began = _began(window, now)
    if began is None:
        return None
    ends = (began.replace(tzinfo=None) + window.duration).replace(tzinfo=began.tzinfo).astimezone(UTC)
    return ends if now < ends else None


def _began(window: FreezePolicy, now: datetime) -> datetime | None:
    """When the last occurrence at or before this moment began."""
    start = _start(window)
    if not window.rrule:
        return start if start.astimezone(UTC) <= now else None
    # Moments of one zone are compared by the wall, which skips an hour when clocks go forward, and shows one
    # twice when they go back: so from an hour later on, backwards.
    rule = _rule(window.rrule, start)
    found = rule.before(now.astimezone(start.tzinfo) + timedelta(hours=1), inc=True)
    while found is not None and found.astimezone(UTC) > now:
        found = rule.before(found)
    return found


def _start(window: FreezePolicy) -> datetime:
    from zoneinfo import ZoneInfo

    return window.start.replace(tzinfo=ZoneInfo(window.timezone))


@lru_cache(maxsize=64)
def _rule(text: str, start: datetime) -> rrule:
    """The rule with what it has worked out so far. Raises whatever the library says about a wrong one."""
    from dateutil.rrule import rrulestr

    if any(c.isspace() for c in text.strip()):
        raise ValueError("one rule on one line, without spaces: FREQ=WEEKLY;BYDAY=FR")
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").split(";"):
        parts[part.partition("=")[0]] = part.partition("=")[2]
    if parts.get("FREQ") not in _OFTEN:
        raise ValueError(f"write FREQ={'|'.join(_OFTEN)} and what else it needs: FREQ=WEEKLY;BYDAY=FR")
    if not parts.get("UNTIL", "Z").endswith("Z"):
        raise ValueError("UNTIL is in UTC: UNTIL=20261231T230000Z")
    if int(parts.get("INTERVAL", "1")) < 1 or int(parts.get("COUNT", "1")) < 1:
        raise ValueError("INTERVAL and COUNT are one at least")
    return rrulestr(text.strip(), dtstart=start, cache=True)  # type: ignore[return-value] -- one rule, no set
