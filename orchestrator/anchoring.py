"""Writes the anchor of the day: the heads of all journals, into a container where blobs only come.

The sweep asks whether today has its anchor, and sends a wake if not. Whoever handles that wake writes it;
the blob is created only if it is not there, so a second one changes nothing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from orchestrator.anchors import Head, Link, NotAnAnchor, day_of, link_of, name_of, written
from orchestrator.ledger import Ledger
from orchestrator.wakes import Wakes
from shared.clock import Clock
from shared.errors import Conflict
from shared.ports import Blob, ContainerPort

AGAIN = timedelta(minutes=15)
"""How long the sweep waits for an anchor that it sent a wake for."""
RANGE = 4 * 1024 * 1024
KIND = "application/jsonl"

log = logging.getLogger("greenlight.anchors")


class Anchoring:
    """One per process: it remembers the day that has its anchor."""

    def __init__(self, *, ledger: Ledger, container: ContainerPort, wakes: Wakes, clock: Clock) -> None:
        self._ledger = ledger
        self._container = container
        self._wakes = wakes
        self._clock = clock
        self._done: date | None = None
        self._asked: datetime | None = None

    def due(self) -> None:
        """The sweep's part: one listing when a process starts, one a day, and a wake if there is none yet."""
        now = self._clock.now()
        if self._done == now.date() or (self._asked is not None and now < self._asked + AGAIN):
            return
        if self._container.list(name_of(now.date())):
            self._done = now.date()
            return
        self._asked = now
        self._wakes.anchors()

    def write(self) -> bool:
        """Write today's anchor. False: it is there already. Raises retryable errors."""
        now = self._clock.now()
        there = {day: blob for blob in self._container.list("") if (day := day_of(blob.name)) is not None}
        if now.date() in there:
            self._done = now.date()
            return False
        last = max((day for day in there if day < now.date()), default=None)
        data = bytearray()
        for line in written(self._link(there[last] if last else None, now), self._heads()):
            data += line.encode()
        try:
            self._container.put(name_of(now.date()), bytes(data), KIND)
        except Conflict:
            log.info("anchors: %s was written by another worker", now.date())
            return False
        self._done = now.date()
        log.info("anchors: %s is written, %d bytes", now.date(), len(data))
        return True

    def _link(self, last: Blob | None, now: datetime) -> Link:
        """Bytes count for the chain, also those of an anchor that cannot be read."""
        if last is None:
            return Link(day=now.date(), at=now, first=now.date())
        before_day = day_of(last.name) or now.date()
        try:
            first = link_of(text_lines(self._container, last)).first
        except NotAnAnchor as error:
            log.error("anchors: %s: %s", last.name, error)  # noqa: TRY400 -- the trace says nothing more
            first = before_day
        return Link(
            day=now.date(),
            at=now,
            first=first,
            before_day=before_day,
            before=digest_of(self._container, last),
        )

    def _heads(self) -> Iterator[Head]:
        """Of every slot there ever was, by name; a page of names at a time."""
        after = ""
        while True:
            keys, after = self._ledger.slot_keys(after, 1000)
            yield from map(self._ledger.head, keys)
            if not after:
                return


def digest_of(container: ContainerPort, blob: Blob) -> str:
    """SHA-256 of its bytes."""
    digest = hashlib.sha256()
    for part in _parts(container, blob):
        digest.update(part)
    return digest.hexdigest()


def text_lines(container: ContainerPort, blob: Blob) -> Iterator[str]:
    """Its lines, a range at a time. What is not UTF-8 is replaced, and no longer an anchor."""
    rest = b""
    for part in _parts(container, blob):
        *whole, rest = (rest + part).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
    if rest:
        yield rest.decode(errors="replace")


def _parts(container: ContainerPort, blob: Blob) -> Iterator[bytes]:
    for start in range(0, blob.size, RANGE):
        yield container.read(blob, start, min(RANGE, blob.size - start))
