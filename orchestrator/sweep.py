"""The timer's work: wake what is due, forget what is closed. Tables and queue only."""

from __future__ import annotations

import logging
from datetime import timedelta

from orchestrator.deadletters import DeadLetters
from orchestrator.index import OpenIndex, OpenRow
from orchestrator.ledger import Ledger
from orchestrator.model import SlotKey
from orchestrator.sources import Sources
from orchestrator.wakes import Wakes
from shared.clock import Clock
from shared.names import parse_slot_id
from shared.queues import APPROVAL_DECISIONS, QueuePort

AT_ONCE = 500
"""Wakes sent in one sweep: the next one sends the rest."""
RESEND = timedelta(minutes=2)
"""How long a wake that the sweep sent is waited for: longer than a claim."""
PARKED_VOTES = "approval-decisions-poison"
RETRY_VOTES = timedelta(minutes=10)
"""How long a vote that failed every try (an outage, say) rests before it is sent again."""

log = logging.getLogger("greenlight.sweep")


class Sweep:
    """The only one that removes rows from the open index."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        index: OpenIndex,
        sources: Sources,
        dead: DeadLetters,
        queues: QueuePort,
        clock: Clock,
        resend: timedelta = RESEND,
    ) -> None:
        self._ledger = ledger
        self._index = index
        self._sources = sources
        self._dead = dead
        self._queues = queues
        self._wakes = Wakes(queues)
        self._clock = clock
        self._resend = resend

    def run(self) -> int:
        """Returns how many wakes were sent."""
        now = self._clock.now()
        due = self._index.due(now, AT_ONCE)
        sent = sum(self._one(row) for row in due)
        log.info("sweep: %d due, %d woken", len(due), sent)
        if now.minute % 10 == 0:
            self._retry_votes()
        return sent

    def _retry_votes(self) -> None:
        """An outage must not turn votes into poison: parked ones are sent again, harmlessly."""
        now = self._clock.now()
        for letter in self._dead.parked(PARKED_VOTES, now=now, older=RETRY_VOTES):
            self._queues.send(APPROVAL_DECISIONS, letter.payload)
            self._dead.mark_replayed(letter, now)

    def _one(self, row: OpenRow) -> bool:
        now = self._clock.now()
        if row.quiet(now) and not self._has_work(row):
            self._index.remove(row)
            return False
        if not self._index.lease(row, now + self._resend):
            return False
        self._wakes.named(row.name)
        return True

    def _has_work(self, row: OpenRow) -> bool:
        if row.name.startswith("source~"):
            return bool(self._sources.unlooked(row.name.removeprefix("source~"), limit=1))
        loaded = self._ledger.slot_row(SlotKey(*parse_slot_id(row.name)))
        return loaded is not None and not loaded.state.slot.idle
