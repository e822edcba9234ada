"""TwinStore and TwinQueues: Azure tables and queues in memory, not laxer than the service."""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from shared.errors import Conflict
from shared.store import Delete, Insert, Merge, Range, Replace, Row, Value, Write
from simulation.twins.clock import TwinClock
from simulation.twins.ordered import Ordered

_ILLEGAL = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")


class TwinTable:
    """Satisfies TablePort."""

    def __init__(self) -> None:
        self.rows: dict[str, Ordered[str, Row]] = {}
        self.calls = 0
        self.etags = itertools.count(1)
        self.lock = threading.Lock()

    def get(self, partition: str, key: str) -> Row | None:
        self.calls += 1
        return self.rows.get(partition, {}).get(key)

    def query(
        self,
        partition: str,
        *,
        keys: Sequence[str] = (),
        ranges: Sequence[Range] = (),
        by: tuple[str, datetime] | None = None,
        limit: int | None = None,
    ) -> Iterator[Row]:
        self.calls += 1
        rows = self.rows.get(partition) or Ordered[str, Row]()
        if keys or ranges:
            named = {key for key in keys if key in rows}
            named.update(key for r in ranges for key in rows.between(r.low, r.high))
            found = [rows[key] for key in sorted(named)]
        else:
            found = [rows[key] for key in rows.ordered()]
        if by is not None:
            found = [r for r in found if isinstance(at := r.values.get(by[0]), datetime) and at <= by[1]]
        return iter(found[:limit])

    def commit(self, partition: str, writes: Sequence[Write]) -> dict[str, str]:
        self.calls += 1
        assert 1 <= len(writes) <= 100, "a transaction has 1 to 100 operations"
        assert len({w.key for w in writes}) == len(writes), "each row at most once"
        with self.lock:
            rows = self.rows.setdefault(partition, Ordered())
            changed: dict[str, Row | None] = {}
            for write in writes:
                _check_key(partition, write.key)
                changed[write.key] = self._applied(rows.get(write.key), write)
            for key, row in changed.items():
                if row is None:
                    del rows[key]
                else:
                    rows[key] = row
            return {key: row.etag for key, row in changed.items() if row is not None}

    def _applied(self, old: Row | None, write: Write) -> Row | None:
        if isinstance(write, Delete):
            if old is None or old.etag != write.etag:
                raise Conflict(f"delete {write.key}")
            return None
        if isinstance(write, Insert) and old is not None:
            raise Conflict(f"{write.key} exists")
        if isinstance(write, Replace) and (old is None or old.etag != write.etag):
            raise Conflict(f"replace {write.key}")
        kept = dict(old.values) if isinstance(write, Merge) and old is not None else {}
        return Row(write.key, kept | _checked(write.values), f"W/{next(self.etags)}")


@cache
def _column(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z_]\w{0,254}", name) is not None


def _check_key(partition: str, key: str) -> None:
    for text in (partition, key):
        assert not _ILLEGAL.search(text), f"illegal key {text!r}"
        assert len(text) <= 512, f"key too long: {len(text)}"


def _checked(values: Mapping[str, Value]) -> dict[str, Value]:
    assert len(values) <= 252, "too many columns"
    for name, value in values.items():
        assert _column(name), f"illegal column {name!r}"
        assert isinstance(value, (str, int, float, bool, datetime)), f"{name}: {type(value).__name__}"
        if isinstance(value, str):
            assert len(value.encode("utf-16-le")) <= 65536, f"{name} is too long"
        if isinstance(value, int) and not isinstance(value, bool):
            assert -(2**31) <= value < 2**31, f"{name} does not fit Int32"
        if isinstance(value, datetime):
            assert value.tzinfo is not None, f"{name} has no time zone"
    return dict(values)


class TwinStore:
    """Satisfies StorePort."""

    def __init__(self) -> None:
        self.tables: dict[str, TwinTable] = {}

    def table(self, name: str) -> TwinTable:
        return self.tables.setdefault(name, TwinTable())

    @property
    def calls(self) -> int:
        return sum(table.calls for table in self.tables.values())


class TwinQueues:
    """Satisfies QueuePort. `take` returns what is visible by the clock, oldest first."""

    def __init__(self, clock: TwinClock) -> None:
        self._clock = clock
        self.messages: dict[str, list[tuple[datetime, str]]] = {}
        self.sent = 0

    def send(self, queue: str, text: str, *, delay: float = 0.0) -> None:
        assert len(text.encode()) <= 64 * 1024, "a message has at most 64 KiB"
        visible = self._clock.now() + timedelta(seconds=max(0, -int(-delay // 1)))
        self.messages.setdefault(queue, []).append((visible, text))
        self.sent += 1

    def check(self, queue: str) -> None:
        """It always answers."""

    def take(self, queue: str) -> list[str]:
        now, waiting = self._clock.now(), self.messages.get(queue, [])
        ready = sorted(m for m in waiting if m[0] <= now)
        self.messages[queue] = [m for m in waiting if m[0] > now]
        return [text for _, text in ready]

    def next_visible(self, queue: str) -> datetime | None:
        return min((visible for visible, _ in self.messages.get(queue, [])), default=None)

    def parsed(self, queue: str) -> list[dict[str, Any]]:
        return [json.loads(text) for _, text in self.messages.get(queue, [])]
