"""Numbers, sizes and times in words: the same on a page, a card and a terminal."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

_SAME = 5e-5


def number(value: float | None) -> str:
    """Enough digits to compare two models, not more."""
    if value is None or not math.isfinite(value):
        return "–"
    return _signed(value, "")


def change(candidate: float | None, serving: float | None) -> str:
    if candidate is None or serving is None or not math.isfinite(candidate - serving):
        return "–"
    difference = candidate - serving
    return "±0" if abs(difference) < _SAME else _signed(difference, "+")


def size(count: int) -> str:
    value, units = float(count), ["bytes", "KB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} bytes" if units[0] == "bytes" else f"{value:.1f} {units[0]}"


def moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%d %b %Y %H:%M UTC")


def span(length: timedelta) -> str:
    """One unit is enough: `45 s`, `12 min`, `3 h`, `6 days`."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 90 * 60:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} days"


def _signed(value: float, sign: str) -> str:
    whole = value == int(value) and abs(value) >= 10
    digits = 4 if abs(value) < 10 else 2 if abs(value) < 1000 and not whole else 0
    return f"{value:{sign},.{digits}f}".replace("-", "−")
