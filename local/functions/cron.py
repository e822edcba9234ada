"""NCRONTAB: `{second} {minute} {hour} {day} {month} {day of week}`, in UTC.

Unlike Unix cron a day must satisfy both the day and the day-of-week field, and 7 is not Sunday.
"""

from __future__ import annotations

import calendar
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS = {name.lower(): i for i, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: i for i, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("second", 0, 59, {}),
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_YEARS_AHEAD = 8  # 29 February may be that far away


class CronError(ValueError):
    """Not an NCRONTAB expression; the message names the field."""


@dataclass(frozen=True)
class Cron:
    """A parsed schedule: the values that each field allows, ascending."""

    text: str
    fields: tuple[tuple[int, ...], ...]

    def after(self, moment: datetime) -> datetime:
        """The first occurrence later than `moment`; keeps its time zone."""
        seconds, minutes, hours, *_ = self.fields
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        day = start
        while day.year <= start.year + _YEARS_AHEAD:
            if self._allows(day):
                floor = (start.hour, start.minute, start.second) if day.date() == start.date() else (0, 0, 0)
                found = _first_time(hours, minutes, seconds, floor)
                if found:
                    return day.replace(hour=found[0], minute=found[1], second=found[2])
            day = (day + timedelta(days=1)).replace(hour=0, minute=0, second=0)
        raise CronError(f"{self.text!r} never happens")

    def _allows(self, day: datetime) -> bool:
        _, _, _, days, months, weekdays = self.fields
        return day.month in months and day.day in days and day.isoweekday() % 7 in weekdays


def _first_time(
    hours: tuple[int, ...], minutes: tuple[int, ...], seconds: tuple[int, ...], floor: tuple[int, int, int]
) -> tuple[int, int, int] | None:
    """The earliest allowed time of day that is not before `floor`."""
    for hour in hours[bisect_left(hours, floor[0]) :]:
        if hour > floor[0]:
            return hour, minutes[0], seconds[0]
        for minute in minutes[bisect_left(minutes, floor[1]) :]:
            if minute > floor[1]:
                return hour, minute, seconds[0]
            late_enough = seconds[bisect_left(seconds, floor[2]) :]
            if late_enough:
                return hour, minute, late_enough[0]
    return None


def parse(text: str) -> Cron:
    """Six fields, or five without seconds."""
    parts = text.split()
    if len(parts) == 5:
        parts = ["0", *parts]
    if len(parts) != 6:
        if ":" in text:
            raise CronError(f"{text!r} is a TimeSpan: a serverless plan takes NCRONTAB expressions only")
        raise CronError(f"{text!r} has {len(parts)} fields, an NCRONTAB expression has six")
    fields = tuple(_field(part, *field) for part, field in zip(parts, _FIELDS, strict=True))
    return Cron(text, fields)


def _field(text: str, name: str, low: int, high: int, words: dict[str, int]) -> tuple[int, ...]:
    allowed: set[int] = set()
    for item in text.split(","):
        span, slash, step = item.partition("/")
        if slash and not (step.isdigit() and int(step) > 0):
            raise CronError(f"{name}: {item!r} has no step after the slash")
        first, last = _span(span, name, (low, high), words, open_end=bool(slash))
        allowed.update(range(first, last + 1, int(step) if slash else 1))
    return tuple(sorted(allowed))


def _span(
    span: str, name: str, bounds: tuple[int, int], words: dict[str, int], *, open_end: bool
) -> tuple[int, int]:
    if span == "*":
        return bounds
    start, dash, end = span.partition("-")
    first = _value(start, name, bounds, words)
    if dash:
        last = _value(end, name, bounds, words)
        if last < first:
            raise CronError(f"{name}: the range {span!r} runs backwards")
        return first, last
    return first, bounds[1] if open_end else first


def _value(text: str, name: str, bounds: tuple[int, int], words: dict[str, int]) -> int:
    value = words.get(text.lower()[:3]) if text.isalpha() else int(text) if text.isdigit() else None
    if value is None or not bounds[0] <= value <= bounds[1]:
        raise CronError(f"{name}: {text!r} is not within {bounds[0]}–{bounds[1]}")
    return value
