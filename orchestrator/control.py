"""The global pause: one row beside the open index, read with it, and a row for every time it was changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestrator import rows
from shared.store import Put, Row, StorePort

ROW = "control"
"""RowKey in the partition of the open index: one query brings both."""
_HISTORY = "control"


@dataclass(frozen=True, kw_only=True)
class Control:
    """What holds for every slot. `paused`: why nothing new may move; empty: it may."""

    paused: str = ""
    by: str = ""
    name: str = ""
    at: datetime

    @property
    def sentence(self) -> str:
        return f"{self.paused} ({self.name or self.by})" if self.paused else ""


def paused_in(row: Row | None) -> str:
    """Why everything is paused; empty: it is not. A control row that cannot be read pauses, too."""
    try:
        return rows.value(Control, row.values).sentence if row is not None else ""
    except (rows.NewerSchema, rows.CorruptRow) as error:
        return f"the control row cannot be read: {error}"


class ControlRow:
    """Reads and writes it. The last writer wins: a pause is a person's word, not a count."""

    def __init__(self, store: StorePort, partition: str) -> None:
        self._table = store.table("open")
        self._partition = partition

    def now(self) -> Control | None:
        row = self._table.get(self._partition, ROW)
        return rows.value(Control, row.values) if row is not None else None

    def write(self, control: Control) -> None:
        """First the history, so that no change goes without a row there."""
        columns = rows.columns(control)
        self._table.commit(_HISTORY, [Put(f"{control.at:%Y%m%dT%H%M%S%f}", columns)])
        self._table.commit(self._partition, [Put(ROW, columns)])
