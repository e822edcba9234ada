"""What is known of a source workspace: its finished runs with their metrics. Healing starts here."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestrator import rows
from shared.errors import Conflict
from shared.names import escape
from shared.store import Delete, Insert, Put, Range, Row, StorePort, Write

_WATERMARK = "watermark"
_TODO = Range("todo~", "todo~~")

MEND_WATERMARK = (
    "Put row `watermark` of table `sources` back from a backup; or delete it: the next sweep begins a new "
    "one, and registrations from then on are found."
)

log = logging.getLogger("greenlight.sources")


@dataclass(frozen=True, kw_only=True)
class SourceRun:
    """A finished run. `looked`: its metrics were read, and models it may have registered looked for."""

    env: str
    run_id: str
    finished_at: datetime
    looked: bool = False
    started_at: datetime | None = None
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, kw_only=True)
class Watermark:
    """How far the registrations of a workspace are known to have been accepted."""

    env: str
    floor: datetime
    """When it was first looked at: what was registered before is none of our business."""
    since: datetime
    """Where the next listing begins."""
    due: datetime
    trouble: str = ""
    """Why the last listing failed; empty: it did not."""
    origin: str = ""
    """The registry that is listed; empty: the workspace."""


class Sources:
    """PartitionKey is the environment; a run still to be looked at has a `todo~` row besides its own."""

    def __init__(self, store: StorePort) -> None:
        self._table = store.table("sources")

    @staticmethod
    def name(env: str) -> str:
        """How the open index and wakes call this source."""
        return f"source~{env}"

    def add_run(self, env: str, run_id: str, finished_at: datetime) -> bool:
        """Insert-if-absent. False: it was known."""
        run = SourceRun(env=env, run_id=run_id, finished_at=finished_at)
        try:
            self._table.commit(
                env, [Insert(_key(run), rows.columns(run)), Put(_todo(run), {"schema": 1, "run_id": run_id})]
            )
        except Conflict:
            return False
        return True

    def unlooked(self, env: str, limit: int = 20) -> list[SourceRun]:
        """Runs that still have to be looked at. History costs nothing: they have rows of their own."""
        return list(self._runs(env, self._table.query(env, ranges=[_TODO], limit=limit)))

    def to_do(self, env: str) -> tuple[list[SourceRun], Watermark | None]:
        """Some of them, and the watermark, in one query. None, too, when that cannot be read."""
        found = list(self._table.query(env, keys=[_WATERMARK], ranges=[_TODO], limit=20))
        runs = list(self._runs(env, (r for r in found if r.key != _WATERMARK)))
        try:
            mark = next((rows.value(Watermark, r.values) for r in found if r.key == _WATERMARK), None)
            return runs, mark or self.watermark(env)
        except rows.Unreadable as error:
            log.error("%s is not listed: %s %s", env, error, MEND_WATERMARK)  # noqa: TRY400 -- see the row
            return runs, None

    def _runs(self, env: str, found: Iterable[Row]) -> Iterator[SourceRun]:
        """One that cannot be read waits where it is, and keeps no other waiting."""
        for row in found:
            try:
                run = self.run(env, str(row.values.get("run_id", "")))
            except rows.Unreadable as error:
                log.error("%s, %s: left alone: %s", env, row.key, error)  # noqa: TRY400 -- see the row
                continue
            if run is not None:
                yield run

    def run(self, env: str, run_id: str) -> SourceRun | None:
        row = self._table.get(env, f"run~{escape(run_id)}")
        return None if row is None else rows.value(SourceRun, row.values)

    def looked(self, run: SourceRun, metrics: Mapping[str, float], started_at: datetime | None) -> None:
        """Record what was read; the run needs no further look."""
        done = replace(run, looked=True, metrics=dict(metrics), started_at=started_at)
        todo = self._table.get(run.env, _todo(run))
        writes: list[Write] = [Put(_key(done), rows.columns(done))]
        with contextlib.suppress(Conflict):  # another worker looked at the same time, and was faster
            self._table.commit(run.env, [*writes, Delete(_todo(run), todo.etag)] if todo else writes)

    # ---- the watermark

    def watermark(self, env: str) -> Watermark | None:
        row = self._table.get(env, _WATERMARK)
        return None if row is None else rows.value(Watermark, row.values)

    def begin(self, mark: Watermark) -> None:
        """At the first start. Whoever is second changes nothing."""
        with contextlib.suppress(Conflict):
            self._table.commit(mark.env, [Insert(_WATERMARK, rows.columns(mark))])

    def advance(self, mark: Watermark) -> None:
        self._table.commit(mark.env, [Put(_WATERMARK, rows.columns(mark))])


def _key(run: SourceRun) -> str:
    return f"run~{escape(run.run_id)}"


def _todo(run: SourceRun) -> str:
    return f"todo~{escape(run.run_id)}"
