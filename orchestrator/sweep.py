"""The timer's work: wake what is due, forget what is closed. Tables and queue only."""

from __future__ import annotations

import logging
from datetime import timedelta

from orchestrator.index import OpenIndex, OpenRow
from orchestrator.ledger import Ledger
from orchestrator.model import SlotKey
from orchestrator.sources import Sources
from orchestrator.wakes import Wakes
from shared.clock import Clock
from shared.names import parse_slot_id

AT_ONCE = 500
"""Wakes sent in one sweep: the next one sends the rest."""
RESEND = timedelta(minutes=2)

log = logging.getLogger("greenlight.sweep")


class Sweep:
    """The only one that removes rows from the open index."""

    def __init__(
        self, *, ledger: Ledger, index: OpenIndex, sources: Sources, wakes: Wakes, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._index = index
        self._sources = sources
        self._wakes = wakes
        self._clock = clock

    def run(self) -> int:
        """Returns how many wakes were sent."""
        now = self._clock.now()
        due = self._index.due(now, AT_ONCE)
        sent = sum(self._one(row) for row in due)
        log.info("sweep: %d due, %d woken", len(due), sent)
        return sent

    def _one(self, row: OpenRow) -> bool:
        now = self._clock.now()
        if row.quiet(now) and not self._has_work(row):
            self._index.remove(row)
            return False
        if not self._index.lease(row, now + RESEND):
            return False
        self._wakes.named(row.name)
        return True

    def _has_work(self, row: OpenRow) -> bool:
        if row.name.startswith("source~"):
            return bool(self._sources.unlooked(row.name.removeprefix("source~"), limit=1))
        loaded = self._ledger.slot_row(SlotKey(*parse_slot_id(row.name)))
        return loaded is not None and not loaded.state.slot.idle
