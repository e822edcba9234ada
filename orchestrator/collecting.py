"""Reads what Event Grid could not deliver out of its container, into the table of dead letters.

Blobs stay until their lifecycle rule removes them. How far they were read is a row, by the time the storage
service gave each, and the names of those since. A listing costs one request for each day that is
looked at; nothing is listed whole, except the first time. A blob read twice makes the same row.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

from orchestrator.deadletters import DeadLetters, Through
from orchestrator.undelivered import SOURCE, Undelivered, is_year, letters_of, unread
from shared.clock import Clock
from shared.errors import Conflict
from shared.ports import Blob, ContainerPort

EVERY = timedelta(minutes=15)
"""How often it is looked: Event Grid itself waits five minutes before it writes."""
MOST = 100
"""Blobs read in one go; the next sweep goes on."""
LARGEST = 8 * 1024 * 1024
"""Bytes of a blob that is read. An event has at most one million."""
LATE = timedelta(minutes=5)
"""How much later than its time a blob may be listed."""
LAG = timedelta(days=2)
"""How much older than a blob the date in its path may be: a day of attempts, and hours to write it."""
DEPTH = 3
"""Folders above the year: the topic's name, the subscription's, and one more."""
RECORD = timedelta(days=1)
"""How often it is recorded that nothing new was there."""

log = logging.getLogger("greenlight.eventgrid")


class Collecting:
    """The sweep's part. One per process."""

    def __init__(
        self, *, container: ContainerPort, dead: DeadLetters, clock: Clock, every: timedelta = EVERY
    ) -> None:
        self._container = container
        self._dead = dead
        self._clock = clock
        self._every = every
        self._due: datetime | None = None

    def run(self) -> int:
        """Read what is new, at most MOST blobs. Returns how many were read. Raises retryable errors."""
        now = self._clock.now()
        if self._due is not None and now < self._due:
            return 0
        self._due = now + self._every
        old = self._dead.through()
        known, new = self._listed(old, now)
        done = [blob for blob in new[:MOST] if self._read(blob)]
        rest = len(new) > MOST
        until = min(now - LATE, new[MOST - 1].modified) if rest else now - LATE
        names = (b.name for b in (*known, *done) if b.modified >= until)
        self._record(old, Through(at=max(until, old.at) if old else until, names=tuple(sorted(names))))
        if rest:
            self._due = now
        if new:
            log.info("dead letters of Event Grid: %d new blobs, %d read", len(new), len(done))
        return len(done)

    def _listed(self, old: Through | None, now: datetime) -> tuple[list[Blob], list[Blob]]:
        """Blobs since the mark: those that were read, and the others by time."""
        prefixes = [""] if old is None else self._prefixes((old.at - LAG).date(), now.date())
        found = [blob for prefix in prefixes for blob in self._container.list(prefix)]
        if old is None:
            return [], sorted(found, key=_when)
        since = [blob for blob in found if blob.modified >= old.at]
        known = [blob for blob in since if blob.name in old.names]
        return known, sorted((b for b in since if b.name not in old.names), key=_when)

    def _prefixes(self, since: date, until: date) -> list[str]:
        """Folders with blobs from `since` on. Dates in paths have no leading zeros."""
        days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
        found: list[str] = []
        ahead = list(self._container.folders(""))
        for _ in range(DEPTH):
            years = [folder for folder in ahead if is_year(folder)]
            found += [f"{y}{d.month}/{d.day}/" for y in years for d in days if y.endswith(f"{d.year}/")]
            ahead = [below for f in ahead if f not in years for below in self._container.folders(f)]
        return found + ahead

    def _read(self, blob: Blob) -> bool:
        """False: it is gone, or another one now, which is listed anew."""
        where = f"{self._container.container}/{blob.name}"
        try:
            letters = self._letters(blob)
        except Conflict as error:
            log.warning("%s: %s", where, error)
            return False
        for number, letter in enumerate(letters):
            self._dead.add_once(
                SOURCE,
                f"{letter.reason} ({where})",
                letter.payload,
                blob.modified,
                key=f"{where}#{number}",
                replayable=letter.replayable,
            )
        return True

    def _letters(self, blob: Blob) -> list[Undelivered]:
        if blob.size > LARGEST:
            return [unread(f"it has {blob.size} bytes, and at most {LARGEST} are read")]
        return letters_of(self._container.read(blob, 0, blob.size) if blob.size else b"")

    def _record(self, old: Through | None, new: Through) -> None:
        """When nothing happens, one write a day is enough."""
        if old is None or new.names != old.names or new.at - old.at >= RECORD:
            self._dead.record(new)


def _when(blob: Blob) -> tuple[datetime, str]:
    return (blob.modified, blob.name)
