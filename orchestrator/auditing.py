"""Compares every journal with every anchor: reads both, remembers little, changes nothing.

Needs to read tables and blobs, and no key: an auditor's own rights are enough. With the journal key the
rows' MACs are checked, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from orchestrator.anchoring import digest_of, text_lines
from orchestrator.anchors import Link, NotAnAnchor, day_of, heads_of, link_of
from orchestrator.comparing import Finding, Mark, Seen, chained, compare, marked, missing
from orchestrator.journal import JournalRow, verify
from orchestrator.ledger import Ledger
from orchestrator.model import SlotKey
from orchestrator.rows import Unreadable
from shared.clock import Clock
from shared.errors import Conflict, Invalid
from shared.names import parse_slot_id, slot_id
from shared.ports import Blob, ContainerPort

LAST = 2**31 - 2
"""A journal whose slot row is gone is read to its end."""
MOST_PROBLEMS = 20
"""Told of one journal; one edited row is enough to know."""


@dataclass
class Report:
    """What was compared, and what does not fit. No findings: everything does."""

    anchors: list[date] = field(default_factory=list[date])
    slots: int = 0
    rows: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    notes: list[str] = field(default_factory=list[str])


@dataclass
class _Walk:
    """What is remembered of a journal while its rows pass."""

    wanted: frozenset[int]
    hashes: dict[int, str] = field(default_factory=dict[int, str])
    end: int = 0
    rows: int = 0


class Auditing:
    """One comparison. `retained`: days that an anchor must be there."""

    def __init__(
        self, *, ledger: Ledger, container: ContainerPort, clock: Clock, key: bytes | None, retained: int
    ) -> None:
        self._ledger = ledger
        self._container = container
        self._clock = clock
        self._key = key
        self._retained = retained

    def report(self, only: SlotKey | None = None) -> Report:
        """Anchors first, then journals: what is appended meanwhile is in none. Raises retryable errors."""
        found, now = Report(), self._clock.now()
        seen, marks = self._anchors(found)
        found.anchors = [each.link.day for each in seen]
        broken, found.notes = chained(seen, today=now.date(), retained=self._retained)
        found.findings += broken
        busy: dict[date, str] = {}
        names = [slot_id(*only)] if only else sorted({*marks, *(slot_id(*key) for key in self._keys())})
        for name in names:
            self._journal(name, marks.get(name, ()), found, busy)
        begun = min((each.link.first for each in seen), default=None)
        gone = {f.after for f in found.findings if f.kind in ("removed", "unreadable")}
        found.findings += missing(
            {day: entry for day, entry in busy.items() if day not in gone},
            found.anchors,
            begun=begun,
            now=now,
            retained=self._retained,
        )
        return found

    def _anchors(self, found: Report) -> tuple[list[Seen], dict[str, tuple[Mark, ...]]]:
        seen: list[Seen] = []
        marks: dict[str, tuple[Mark, ...]] = {}
        for blob in self._container.list(""):
            try:
                link = self._one(blob, marks)
            except (NotAnAnchor, Conflict) as error:
                says = f"{blob.name} cannot be read as an anchor: {error}"
                found.findings.append(Finding(kind="unreadable", says=says, after=day_of(blob.name)))
                continue
            seen.append(Seen(link, digest_of(self._container, blob)))
        return seen, marks

    def _one(self, blob: Blob, marks: dict[str, tuple[Mark, ...]]) -> Link:
        lines = text_lines(self._container, blob)
        link = link_of(lines)
        if link.day != day_of(blob.name):
            raise NotAnAnchor(f"it says that it is the anchor of {link.day}")
        for head in list(heads_of(lines)):  # whole, or not at all
            marks[head.slot] = marked(marks.get(head.slot, ()), link.day, head)
        return link

    def _keys(self) -> Iterator[SlotKey]:
        after = ""
        while True:
            keys, after = self._ledger.slot_keys(after, 1000)
            yield from keys
            if not after:
                return

    def _journal(self, name: str, marks: tuple[Mark, ...], found: Report, busy: dict[date, str]) -> None:
        try:
            key = SlotKey(*parse_slot_id(name))
        except Invalid:
            says = f"an anchor names {name[:80]!r}, which is no slot"
            found.findings.append(Finding(kind="unreadable", says=says))
            return
        unreadable: list[str] = []
        walk = _Walk(frozenset(m.seq for m in marks))
        last, seq, head = self._end(key, unreadable)
        rows = self._watched(key, self._ledger.journal_to(key, last, unreadable), walk, busy)
        problems = verify(name, rows, seq, head, self._key, ends=last != LAST)
        found.slots, found.rows = found.slots + 1, found.rows + walk.rows
        if last == LAST and walk.rows and not unreadable:
            problems.append("the slot's row is gone, and its journal is still there")
        said = [*unreadable, *problems][:MOST_PROBLEMS]
        found.findings += [Finding(kind="edited", says=says, slot=str(key)) for says in said]
        found.findings += compare(str(key), marks, walk.hashes, walk.end)

    def _end(self, key: SlotKey, unreadable: list[str]) -> tuple[int, int, str]:
        try:
            loaded = self._ledger.slot_row(key)
        except Unreadable as error:
            unreadable.append(f"the slot's row cannot be read: {error}")
            return LAST, 0, ""
        if loaded is None:
            return LAST, 0, ""
        slot = loaded.state.slot
        return slot.seq, slot.seq, slot.head

    def _watched(
        self, key: SlotKey, rows: Iterable[JournalRow], walk: _Walk, busy: dict[date, str]
    ) -> Iterator[JournalRow]:
        for row in rows:
            walk.rows += 1
            walk.end = max(walk.end, row.seq)
            if row.seq in walk.wanted:
                walk.hashes[row.seq] = row.hash
            busy.setdefault(row.entry.at.date(), f"row {row.seq} of {key} says so")
            yield row
