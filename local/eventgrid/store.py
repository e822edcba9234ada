"""Deliveries that are owed, on disk: a row for each event and subscription, until done or given up."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.eventgrid.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY, subscription TEXT NOT NULL, schema TEXT NOT NULL, event TEXT NOT NULL,
  published REAL NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  outcome TEXT NOT NULL DEFAULT '', attempted REAL NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
  fault INTEGER
);
CREATE INDEX IF NOT EXISTS by_due ON deliveries (due);
"""


@dataclass
class Delivery:
    """`reason` is set once it has been given up and is waiting to be written as a dead letter.

    `fault` is the status that the first attempt is told to have got (see local/faults.py).
    """

    id: int
    subscription: str
    event: Event
    published: float
    due: float
    attempts: int = 0
    outcome: str = ""
    attempted: float = 0.0
    reason: str = ""
    fault: int | None = None


class Store:
    """SQLite with a write-ahead log: a commit survives the death of the process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def add(self, deliveries: Iterable[Delivery]) -> None:
        """All or none."""
        rows = [
            (d.subscription, d.event.schema, json.dumps(d.event.body), d.published, d.due, d.fault)
            for d in deliveries
        ]
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(
            "INSERT INTO deliveries (subscription, schema, event, published, due, fault)"
            " VALUES (?,?,?,?,?,?)",
            rows,
        )
        self._db.execute("COMMIT")

    def due(self, now: float, busy: set[int], most: int) -> list[Delivery]:
        """The longest due first, without those that are on their way."""
        others = ",".join(map(str, busy))  # our own row numbers
        query = f"SELECT * FROM deliveries WHERE due <= ? AND id NOT IN ({others}) ORDER BY due, id LIMIT ?"  # noqa: S608
        return [_delivery(row) for row in self._db.execute(query, (now, most))]

    def next_due(self, busy: set[int]) -> float | None:
        found = self._db.execute("SELECT id, due FROM deliveries ORDER BY due LIMIT ?", (len(busy) + 1,))
        return next((due for id_, due in found if id_ not in busy), None)

    def save(self, delivery: Delivery) -> None:
        self._db.execute(
            "UPDATE deliveries SET due=?, attempts=?, outcome=?, attempted=?, reason=?, fault=? WHERE id=?",
            (
                delivery.due,
                delivery.attempts,
                delivery.outcome,
                delivery.attempted,
                delivery.reason,
                delivery.fault,
                delivery.id,
            ),
        )

    def remove(self, delivery: Delivery) -> None:
        self._db.execute("DELETE FROM deliveries WHERE id=?", (delivery.id,))

    def drop_subscription(self, name: str) -> None:
        self._db.execute("DELETE FROM deliveries WHERE subscription=?", (name,))

    def release(self, name: str, now: float) -> None:
        """The subscription's endpoint is ready: what waited for it is due."""
        self._db.execute("UPDATE deliveries SET due=? WHERE subscription=? AND attempts=0", (now, name))

    def pending(self) -> list[Delivery]:
        return [_delivery(row) for row in self._db.execute("SELECT * FROM deliveries ORDER BY due, id")]

    def close(self) -> None:
        self._db.close()


def _delivery(row: tuple[Any, ...]) -> Delivery:
    id_, subscription, schema, body, published, due, attempts, outcome, attempted, reason, fault = row
    event = Event(json.loads(body), schema)
    return Delivery(id_, subscription, event, published, due, attempts, outcome, attempted, reason, fault)
