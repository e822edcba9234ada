"""Journals as they are against anchors as they were: every way in which the two do not fit. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from orchestrator.anchors import Head, Link

SLACK = timedelta(hours=1)
"""How long after midnight the day's first anchor may be on its way."""

Kind = Literal["rewritten", "cut", "gone", "put_back", "missing", "removed", "broken", "unreadable", "edited"]

_OF_JOURNAL = "Hold the slot, keep the tables as they are, and find out who could write them in that time"
FIX: Mapping[Kind, str] = {
    "rewritten": f"{_OF_JOURNAL}; compare those rows with a backup, the log and the events of those days.",
    "cut": f"{_OF_JOURNAL}; a backup of the tables that was put back is the harmless explanation.",
    "gone": f"{_OF_JOURNAL}; lost tables that were rebuilt are the harmless explanation.",
    "put_back": "Find out who could write the tables on those days: rows were away, and are there again.",
    "missing": (
        "Look for `anchors` in the log of that day and among the dead letters; the next anchor covers the "
        "same rows, so only the time of a change is known less well."
    ),
    "removed": "Find out who could delete from the container, and restore it: deleted blobs stay a while.",
    "broken": "Find out who could write the container `anchors`; trust those whose chain fits.",
    "unreadable": "Read it by hand; what it says is not compared. A newer release may have written it.",
    "edited": "See `greenlight verify SLOT`, and who could write the table `slots`.",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that does not fit. It happened after the anchor of `after` and before that of `before`."""

    kind: Kind
    says: str
    slot: str = ""
    rows: tuple[int, int] | None = None
    """The first row that was changed is one of these."""
    after: date | None = None
    before: date | None = None

    @property
    def fix(self) -> str:
        return FIX[self.kind]


@dataclass(frozen=True)
class Mark:
    """One head, and the days of the anchors that said so, one after the other."""

    seq: int
    hash: str
    first: date
    last: date


@dataclass(frozen=True)
class Seen:
    """An anchor as it is in the container. `hash`: SHA-256 of its bytes."""

    link: Link
    hash: str


def marked(marks: tuple[Mark, ...], day: date, head: Head) -> tuple[Mark, ...]:
    """The marks of a slot with one more anchor, a later one. A journal that rests adds nothing."""
    if marks and (marks[-1].seq, marks[-1].hash) == (head.seq, head.hash):
        return (*marks[:-1], replace(marks[-1], last=day))
    return (*marks, Mark(head.seq, head.hash, day, day))


def compare(slot: str, marks: Sequence[Mark], hashes: Mapping[int, str], end: int) -> list[Finding]:
    """The journal of a slot against its marks. `hashes`: of the rows that marks name; `end`: its last row."""
    fits = [m.seq == 0 or hashes.get(m.seq) == m.hash for m in marks]
    wrong = [m for m, ok in zip(marks, fits, strict=True) if not ok]
    if not wrong:
        return _put_back(slot, marks)
    lowest = min(wrong, key=lambda m: m.seq)
    good = [m for m, ok in zip(marks, fits, strict=True) if ok]
    low = 1 + max((m.seq for m in good if m.seq < lowest.seq), default=0)
    after = max(m.last for m in wrong)
    before = min((m.first for m in good if m.first > after and m.seq), default=None)
    span = f"after the anchor of {after}" + (f" and before that of {before}" if before else "")
    said = f"on {lowest.first} the journal had a row {lowest.seq}"
    kind: Kind
    if end == 0:
        kind, says = "gone", f"no row of its journal is left; {said}. It went {span}"
    elif lowest.seq > end:
        kind, says = "cut", f"it ends at row {end} now; {said}. It was cut {span}"
    else:
        where = f"row {low}" if low == lowest.seq else f"a row from {low} to {lowest.seq}"
        kind, says = "rewritten", f"{where} is not what was anchored on {lowest.first}. It was changed {span}"
    return [Finding(kind=kind, says=says, slot=slot, rows=(low, lowest.seq), after=after, before=before)]


def _put_back(slot: str, marks: Sequence[Mark]) -> list[Finding]:
    return [
        Finding(
            kind="put_back",
            says=f"it had a row {one.seq} on {one.last}, ended at row {two.seq} on {two.first}, fits again",
            slot=slot,
            rows=(two.seq + 1, one.seq),
            after=one.last,
        )
        for one, two in itertools.pairwise(marks)
        if two.seq < one.seq
    ]


def chained(seen: Sequence[Seen], *, today: date, retained: int) -> tuple[list[Finding], list[str]]:
    """Is each anchor, by day, the one that the next one names? And notes, about what is no fault."""
    if not seen:
        return [], ["There is no anchor yet: the first sweep of a day writes one."]
    found = [f for one, two in itertools.pairwise(seen) for f in _linked(one, two)]
    oldest, kept = seen[0].link, today - timedelta(days=retained)
    if oldest.before_day is None:
        return found, [f"Anchors begin on {oldest.day}: what was changed before is not noticed."]
    if oldest.before_day >= kept:
        says = f"anchors from {max(oldest.first, kept)} to {oldest.before_day} are not there"
        return [Finding(kind="removed", says=says, after=oldest.before_day), *found], []
    return found, [
        f"Anchors before {oldest.day} are kept no longer ({retained} days are). Every later one covers the "
        "same rows; only when an older change was made can no longer be told."
    ]


def _linked(one: Seen, two: Seen) -> list[Finding]:
    named, there = two.link.before_day, one.link.day
    if named == there:
        if two.link.before == one.hash:
            return []
        says = f"the anchor of {there} is not the one that the anchor of {two.link.day} names"
        return [Finding(kind="broken", says=says, after=there)]
    if named is not None and named > there:
        says = f"the anchor of {named} is not there; that of {two.link.day} names it"
        return [Finding(kind="removed", says=says, after=named, before=None)]
    says = f"the anchor of {two.link.day} does not know that of {there}, which was written afterwards"
    return [Finding(kind="broken", says=says, after=there)]


def missing(
    busy: Mapping[date, str], days: Iterable[date], *, begun: date | None, now: datetime, retained: int
) -> list[Finding]:
    """Days on which the app ran, as journals say, and wrote no anchor. `busy`: day -> an entry of it."""
    there, today = set(days), now.date()
    since = max(begun, today - timedelta(days=retained)) if begun else today - timedelta(days=retained)
    until = (now - SLACK).date()
    return [
        Finding(kind="missing", says=f"the app ran on {day} ({busy[day]}), and there is no anchor", after=day)
        for day in sorted(busy)
        if since <= day <= until and day not in there
    ]
