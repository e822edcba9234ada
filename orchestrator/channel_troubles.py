"""Which channel did not take a notice the last time: a row each, for `/healthz`, which others answer.

A row is written when a second attempt fails, and removed when one succeeds; what works costs nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator import rows
from orchestrator.delivering import BACKOFF_MOST
from shared.clock import Clock
from shared.errors import Forbidden, GreenlightError, Retryable
from shared.names import escape
from shared.store import Delete, Put, StorePort

if TYPE_CHECKING:
    from orchestrator.delivering import Telling
    from orchestrator.outside import Notify  # it leads to Azure ML, and pages may not

_PARTITION = "~channels"
"""Of the table of sources, whose partitions are environments: no name of one has such a character."""
_OLD = timedelta(seconds=2 * BACKOFF_MOST)
"""A channel in trouble is tried at least once an hour while somebody is owed something there."""


@dataclass(frozen=True, kw_only=True)
class ChannelTrouble:
    channel: str
    why: str
    at: datetime


class ChannelTroubles:
    def __init__(self, store: StorePort, clock: Clock, *, pace: float) -> None:
        self._table = store.table("sources")
        self._clock = clock
        self._old = _OLD / pace
        self._failing: set[str] = set()

    def watch(self, channel: str, notify: Notify) -> Notify:
        """The same channel; what becomes of each attempt is noted."""

        def give(telling: Telling) -> None:
            try:
                notify(telling)
            except (Retryable, Forbidden) as error:  # what else is refused is about that one notice
                if telling.notice.to[channel].begun > 1:  # once is a throttled or slow moment
                    self._failing.add(channel)
                    self._note(ChannelTrouble(channel=channel, why=str(error), at=self._clock.now()))
                raise
            if channel in self._failing or telling.notice.to[channel].begun > 1:
                self._failing.discard(channel)
                self._forget(channel)

        return give

    def now(self) -> Iterator[ChannelTrouble]:
        """What cannot be read is not told: it is only ever written anew."""
        since = self._clock.now() - self._old
        with contextlib.suppress(GreenlightError):
            for row in self._table.query(_PARTITION):
                trouble = rows.value(ChannelTrouble, row.values)
                if trouble.at >= since:
                    yield trouble

    def _note(self, trouble: ChannelTrouble) -> None:
        with contextlib.suppress(GreenlightError):  # the notice itself is what matters, and it waits anyway
            self._table.commit(_PARTITION, [Put(escape(trouble.channel), rows.columns(trouble))])

    def _forget(self, channel: str) -> None:
        with contextlib.suppress(GreenlightError):
            row = self._table.get(_PARTITION, escape(channel))
            if row is not None:
                self._table.commit(_PARTITION, [Delete(row.key, row.etag)])
