"""The timer's work: wake what is due, forget what is closed, have the source listed. Tables and queue."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from orchestrator.alarms import Alarm, raise_alarm
from orchestrator.healing import EVERY, first
from orchestrator.index import OpenIndex, OpenRow
from orchestrator.ledger import Ledger
from orchestrator.model import SlotKey, Verdict
from orchestrator.rows import Unreadable
from orchestrator.sources import MEND_WATERMARK, Sources
from orchestrator.wakes import Wakes
from shared.clock import Clock
from shared.errors import Final, GreenlightError
from shared.names import parse_slot_id
from shared.queues import QueuePort

AT_ONCE = 500
"""Wakes sent in one sweep: the next one sends the rest."""
MOST_DUE = 20_000
"""Due rows that are read to find those that have waited longest: rows come by name, and that is no order."""
RESEND = timedelta(minutes=2)
"""How long a wake that the sweep sent is waited for: longer than a claim."""
SLOWEST = 3
"""How often that time doubles while nobody looks: a slow engine is not buried under repeated wakes."""
GIVE_UP = 3
"""Wakes in a row that the queue refuses before the rest is left to the next sweep."""
URGENT, EXAMINED = 3, 50
"""Slots looked at without a queue in one sweep, and how many are asked whether they need it."""

log = logging.getLogger("greenlight.sweep")


class Sweep:
    """The only one that removes rows from the open index."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        index: OpenIndex,
        sources: Sources,
        queues: QueuePort,
        clock: Clock,
        source: str,
        look: Callable[[SlotKey], None],
        resend: timedelta = RESEND,
        heal_every: timedelta = EVERY,
        origin: str = "",
        chores: Mapping[str, Callable[[], object]] | None = None,
    ) -> None:
        """`origin`: the registry that is the source, if one is. `chores`: what else the timer does, after the
        wakes; each knows itself when it is due."""
        self._ledger = ledger
        self._index = index
        self._sources = sources
        self._wakes = Wakes(queues)
        self._clock = clock
        self._source = source
        self._look = look
        self._resend = resend
        self._heal_every = heal_every
        self._origin = origin
        self._heal_at: datetime | None = None
        self._chores = chores or {}

    def run(self) -> int:
        """Returns how many wakes were sent."""
        now = self._clock.now()
        self._heal(now)
        due = sorted(self._index.due(now, MOST_DUE), key=lambda row: row.due)[:AT_ONCE]
        sent = self._wake(due)
        log.info("sweep: %d due, %d woken", len(due), sent)
        for name, chore in self._chores.items():
            try:
                chore()
            except GreenlightError as error:
                log.warning("%s: not this time: %s", name, error)
        return sent

    def _wake(self, due: Sequence[OpenRow]) -> int:
        """One slot's trouble is not another's; a queue that takes nothing is left alone until next time."""
        sent = refused = in_a_row = 0
        for row in due:
            try:
                sent += self._one(row)
                in_a_row = 0
            except GreenlightError as error:
                refused, in_a_row = refused + 1, in_a_row + 1
                log.warning("%s: no wake was queued: %s", row.name, error)
                if in_a_row >= GIVE_UP:
                    log.error("the queue takes no wakes: what is due waits for the next sweep")  # noqa: TRY400
                    break
        if refused:
            self._urgent_ones(due)
        return sent

    def _urgent_ones(self, due: Sequence[OpenRow]) -> None:
        """Traffic that must go back does not wait for a queue: a few such slots are looked at here."""
        urgent = (key for row in due[:EXAMINED] if (key := self._going_back(row)) is not None)
        for key in itertools.islice(urgent, URGENT):
            try:
                self._look(key)
            except GreenlightError as error:
                log.warning("%s: looked at without a queue: %s", key, error)

    def _going_back(self, row: OpenRow) -> SlotKey | None:
        """The slot, if what moves it has lost and must be undone, or is watched and may have to be."""
        if row.name.startswith("source~"):
            return None
        try:
            key = SlotKey(*parse_slot_id(row.name))
            loaded = self._ledger.load(key)
        except GreenlightError:
            return None
        slot = loaded.state.slot if loaded else None
        p = loaded.state.promotions.get(slot.mover) if loaded and slot and slot.mover is not None else None
        lost = p is not None and p.ending is not None and p.ending.verdict is not Verdict.LIVE
        watched = p is not None and p.step_at is not None
        return key if lost or watched else None

    def _heal(self, now: datetime) -> None:
        """Have the source workspace listed now and then. A process reads the watermark once."""
        if self._heal_at is None:
            try:
                mark = self._sources.watermark(self._source)
            except Unreadable as error:  # every slot is woken all the same
                log.error("%s is not listed: %s %s", self._source, error, MEND_WATERMARK)  # noqa: TRY400
                return
            if mark is None:
                mark = first(self._source, now, self._heal_every, self._origin)
                self._sources.begin(mark)
            elif mark.origin != self._origin:
                mark = first(self._source, now, self._heal_every, self._origin)
                self._sources.advance(mark)
            self._heal_at = mark.due
        if now < self._heal_at:
            return
        try:
            self._wakes.source(self._source)
        except GreenlightError as error:
            log.warning("%s: no wake was queued: %s", self._source, error)
            return
        self._heal_at = now + self._heal_every

    def _one(self, row: OpenRow) -> bool:
        now = self._clock.now()
        if row.sent > SLOWEST:
            raise_alarm(Alarm.STUCK, f"{row.name}: {row.sent} wakes sent, and nobody looked")
        if row.quiet(now) and not self._has_work(row):
            self._index.remove(row)
            return False
        self._wakes.named(row.name)
        self._index.lease(row, now + self._resend * 2 ** min(row.sent, SLOWEST))
        return True

    def _has_work(self, row: OpenRow) -> bool:
        if row.name.startswith("source~"):
            return bool(self._sources.unlooked(row.name.removeprefix("source~")))
        try:
            loaded = self._ledger.slot_row(SlotKey(*parse_slot_id(row.name)))
        except Final:  # unreadable: its row stays, for people to see
            return True
        return loaded is not None and not loaded.state.slot.idle
