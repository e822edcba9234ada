"""The journal of a slot: rows chained by hash and MACed with a key the tables do not hold. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from orchestrator.model import Entry


@dataclass(frozen=True, kw_only=True)
class JournalRow:
    """One chained entry. `hash` covers the entry, its number, its slot and the hash before it."""

    slot: str
    seq: int
    entry: Entry
    before: str
    hash: str
    mac: str


@dataclass(frozen=True)
class Audit:
    """What a check of a journal found. No problems: every row is as it was written, and none is missing."""

    rows: int
    head: str
    problems: tuple[str, ...]


CANNOT_PROVE = (
    "that no rows were cut off its end together with the slot's own row: compare with a head kept elsewhere",
    "that whoever holds the journal key did not write it anew",
    "that what is said happened: only that nothing was changed since it was written",
)


def append(slot: str, seq: int, head: str, entries: Sequence[Entry], key: bytes) -> tuple[JournalRow, ...]:
    """Rows that continue the chain after (`seq`, `head`)."""
    rows: list[JournalRow] = []
    for entry in entries:
        seq += 1
        digest = _hash(slot, seq, entry, head)
        rows.append(
            JournalRow(slot=slot, seq=seq, entry=entry, before=head, hash=digest, mac=_mac(digest, key))
        )
        head = digest
    return tuple(rows)


def verify(
    slot: str, rows: Iterable[JournalRow], seq: int, head: str, key: bytes | None, *, ends: bool = True
) -> list[str]:
    """Every way in which `rows` (in order, from the first) are not the chain that ends at (`seq`, `head`).

    Without `key`, MACs are not looked at; without `ends`, nor is where the chain ends.
    """
    problems: list[str] = []
    expected, previous = 1, ""
    for row in rows:
        if row.seq != expected:
            problems.append(f"row {expected} is missing; row {row.seq} follows")
        elif row.before != previous:
            problems.append(f"row {row.seq} does not follow row {row.seq - 1}")
        if row.slot != slot or _hash(slot, row.seq, row.entry, row.before) != row.hash:
            problems.append(f"row {row.seq} was edited")
        elif key is not None and not hmac.compare_digest(_mac(row.hash, key), row.mac):
            problems.append(f"row {row.seq} was not written with the journal key")
        expected, previous = row.seq + 1, row.hash
    if ends and (expected - 1, previous) != (seq, head):
        problems.append(f"the slot says the journal ends at row {seq}; the last row found is {expected - 1}")
    return problems


def _hash(slot: str, seq: int, entry: Entry, before: str) -> str:
    data = asdict(entry) | {"at": entry.at.isoformat(timespec="microseconds")}
    text = json.dumps([slot, seq, before, data], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _mac(digest: str, key: bytes) -> str:
    return hmac.new(key, digest.encode(), hashlib.sha256).hexdigest()
