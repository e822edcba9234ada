"""A clock that moves only when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class TwinClock:
    """Satisfies `shared.clock.Clock`."""

    def __init__(self, at: datetime = START) -> None:
        self._now = at

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Time never runs backwards."""
        if seconds < 0:
            raise ValueError(f"cannot advance by {seconds} s")
        self._now += timedelta(seconds=seconds)
        return self._now
