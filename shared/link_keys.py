"""A key that signs links, as GREENLIGHT_LINK_KEYS names it: `KEY`, or `KEY;until=2027-01-31`. Pure.

From the day after its date a key neither signs nor opens anything: retiring one is written down beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from shared.errors import Invalid

_UNTIL = ";until="


@dataclass(frozen=True)
class LinkKey:
    """`until` None: it is in force until it is taken out."""

    secret: str = field(repr=False)
    until: datetime | None = None

    @staticmethod
    def parse(text: str) -> LinkKey:
        """Raises Invalid, which does not quote the key."""
        secret, dated, day = text.strip().partition(_UNTIL)
        if not dated:
            return LinkKey(secret)
        try:
            last = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise Invalid(f"{_UNTIL}{day[:20]}: write the last day as {_UNTIL}2027-01-31") from None
        return LinkKey(secret, datetime.combine(last.date(), time(), UTC) + timedelta(days=1))

    def in_force(self, now: datetime) -> bool:
        return self.until is None or now < self.until
