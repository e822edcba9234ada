"""State of the emulated platform: one SQLite file under `<home>/azureml/`, so a restart forgets nothing.

Everything ARM shows is a row of `resources`, addressed by kind, workspace, name and version (a deployment's
name is its endpoint, its version the deployment). `private` holds what is never shown. Calls are short and
synchronous: the emulator is one event loop and the only writer.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL, workspace TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
  body TEXT NOT NULL, private TEXT NOT NULL,
  UNIQUE (kind, workspace, name, version));
CREATE TABLE IF NOT EXISTS operations (
  id TEXT PRIMARY KEY, verb TEXT NOT NULL, workspace TEXT NOT NULL, endpoint TEXT NOT NULL,
  deployment TEXT NOT NULL, arguments TEXT NOT NULL, status TEXT NOT NULL, error TEXT,
  started REAL NOT NULL, ended REAL);
CREATE INDEX IF NOT EXISTS operations_open ON operations (endpoint) WHERE status = 'InProgress';
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, topic TEXT NOT NULL,
  event TEXT NOT NULL, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (seq) WHERE state = 'waiting';
"""


@dataclass
class Record:
    """One resource. `seq` orders by creation."""

    kind: str
    workspace: str
    name: str
    version: str = ""
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    private: dict[str, Any] = field(default_factory=dict[str, Any])
    seq: int = 0

    @property
    def properties(self) -> dict[str, Any]:
        return self.body["properties"]


COLUMNS = "kind, workspace, name, version, body, private, seq"


class Store:
    """Resources by key. Operations and events keep their rows in the same file, through `db`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Jobs look things up from worker threads; everything else happens on the event loop.
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=NORMAL")
        self.db.executescript(SCHEMA)

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; must not be held across an await. Inside another one it simply joins it."""
        if self.db.in_transaction:
            yield
            return
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def get(self, kind: str, workspace: str, name: str, version: str = "") -> Record | None:
        rows = self._select("kind=? AND workspace=? AND name=? AND version=?", kind, workspace, name, version)
        return rows[0] if rows else None

    def list(self, kind: str, workspace: str | None = None, name: str | None = None) -> list[Record]:
        """Oldest first."""
        where, values = ["kind=?"], [kind]
        for column, value in (("workspace", workspace), ("name", name)):
            if value is not None:
                where.append(f"{column}=?")
                values.append(value)
        return self._select(" AND ".join(where), *values)

    def put(self, record: Record) -> None:
        """Insert or replace; the place in the order of creation is kept."""
        self.db.execute(
            "INSERT INTO resources (kind, workspace, name, version, body, private) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT (kind, workspace, name, version)"
            " DO UPDATE SET body=excluded.body, private=excluded.private",
            (
                *(record.kind, record.workspace, record.name, record.version),
                *(json.dumps(record.body), json.dumps(record.private)),
            ),
        )

    def delete(self, kind: str, workspace: str, name: str, version: str | None = None) -> None:
        """Without a version: every version of the name."""
        where, values = "kind=? AND workspace=? AND name=?", [kind, workspace, name]
        if version is not None:
            where, values = where + " AND version=?", [*values, version]
        self.db.execute(f"DELETE FROM resources WHERE {where}", values)  # noqa: S608 - fixed text

    def _select(self, where: str, *values: str) -> list[Record]:
        rows = self.db.execute(
            f"SELECT {COLUMNS} FROM resources WHERE {where} ORDER BY seq",  # noqa: S608 - fixed text
            values,
        )
        return [
            Record(**{**dict(r), "body": json.loads(r["body"]), "private": json.loads(r["private"])})
            for r in rows
        ]
