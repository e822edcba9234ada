"""The open index: which slots (and source workspaces) have work, and when each is due.

Always a superset of the truth. Write order, so that a crash between any two writes loses nothing:
- intake stamps `touched` (and pulls `due` to now) *before* it commits, and commits within COMMIT_WITHIN;
- nobody moves `due` later, and nobody removes the row, unless `touched` is older than QUIET, and then only
  with If-Match: what was accepted meanwhile has a newer stamp;
- the engine moves `due` later only after its commit; the sweep alone removes rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from orchestrator.control import ROW, paused_in
from shared.errors import Conflict
from shared.store import Delete, Merge, Replace, Row, StorePort, Value

PARTITION = "open"
COMMIT_WITHIN = timedelta(seconds=60)
QUIET = timedelta(minutes=2)
GRACE = timedelta(seconds=30)
"""How long after a queued wake should have run the sweep steps in. Shorter than a claim: where a wake runs
in time, the slot is due again before the claim is over, and its due time need not be lowered first. Where one
runs early, or for a row that the sweep has leased for longer, a worker that dies is made up for by the end of
that lease (16 minutes at most) or by its own message, which comes back after ten.
"""
LONGEST_WAKE = timedelta(minutes=15)
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class OpenRow:
    """One line of the index. `wake`: when the wake that is already queued becomes visible."""

    name: str
    due: datetime
    touched: datetime
    wake: datetime
    etag: str
    sent: int = 0
    """Wakes that the sweep sent since anybody last looked at the slot."""
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])
    """As read: what a newer release keeps in the row stays in it."""

    def quiet(self, now: datetime) -> bool:
        return now - self.touched > QUIET


class OpenIndex:
    """The only writer of the `open` partition."""

    def __init__(self, store: StorePort, *, grace: timedelta = GRACE) -> None:
        self._table = store.table("open")
        self._grace = grace

    def touch(self, name: str, now: datetime) -> None:
        """Before something is accepted: from now on the sweep will find `name`."""
        self._table.commit(PARTITION, [Merge(name, {"schema": 1, "touched": now, "due": now, "sent": 0})])

    def get(self, name: str) -> OpenRow | None:
        row = self._table.get(PARTITION, name)
        return None if row is None else _open_row(row)

    def look(self, name: str) -> tuple[OpenRow | None, str]:
        """The row, and why everything is paused (empty: it is not), in one query."""
        found = {r.key: r for r in self._table.query(PARTITION, keys=[name, ROW])}
        return (_open_row(found[name]) if name in found else None), paused_in(found.get(ROW))

    def due(self, now: datetime, limit: int) -> list[OpenRow]:
        return [_open_row(r) for r in self._table.query(PARTITION, by=("due", now), limit=limit)]

    def plan(
        self, row: OpenRow | None, name: str, *, until: datetime, wake: datetime | None, now: datetime
    ) -> None:
        """After the engine's last commit: `wake` is queued (None: none is), the next look is due at `until`.

        Losing against a newer stamp is fine: whoever stamped sends its own wake.
        """
        due = until if wake is None else wake + self._grace
        if row is None:
            self._table.commit(PARTITION, [Merge(name, {"schema": 1, "due": due, "wake": wake or _NEVER})])
            return
        if due > row.due and not row.quiet(now):
            due = row.due
        self._replace(row, {"due": due, "wake": wake or _NEVER, "sent": 0})

    def lease(self, row: OpenRow, until: datetime) -> bool:
        """The sweep has sent a wake: nobody repeats it before `until`. False: someone was faster."""
        return self._replace(row, {"due": until, "wake": row.wake, "sent": row.sent + 1})

    def remove(self, row: OpenRow) -> bool:
        """False: something was accepted meanwhile, and the row stays."""
        try:
            self._table.commit(PARTITION, [Delete(row.name, row.etag)])
        except Conflict:
            return False
        return True

    def _replace(self, row: OpenRow, changes: Mapping[str, Value]) -> bool:
        values: dict[str, Value] = {"schema": 1, "touched": row.touched, **row.values, **changes}
        try:
            self._table.commit(PARTITION, [Replace(row.name, values, row.etag)])
        except Conflict:
            return False
        return True


def _open_row(row: Row) -> OpenRow:
    def at(column: str) -> datetime:
        value = row.values.get(column)
        return value if isinstance(value, datetime) else _NEVER

    sent = row.values.get("sent")
    times = (at("due"), at("touched"), at("wake"))
    return OpenRow(row.key, *times, row.etag, sent if isinstance(sent, int) else 0, row.values)
