"""Anchors as texts, and journals against them: whatever is done below an anchored head is found."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.anchors import Head, Link, NotAnAnchor, day_of, heads_of, link_of, name_of, written
from orchestrator.comparing import FIX, Kind, Mark, Seen, chained, compare, marked, missing

DAY = date(2026, 1, 5)
NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)
SLOT = "titanic@qa"


def after(days: int) -> date:
    return DAY + timedelta(days=days)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Journal:
    """Rows as hashes, each over the one before: what counts of a journal here."""

    def __init__(self, rows: list[str]) -> None:
        self.rows = rows

    def grown(self, count: int, mark: str = "") -> Journal:
        rows = list(self.rows)
        for _ in range(count):
            rows.append(digest(f"{rows[-1] if rows else ''} {len(rows)} {mark}"))
        return Journal(rows)

    def changed(self, row: int) -> Journal:
        """Rewritten from this row on, the chain recomputed: as long as it was."""
        return Journal(self.rows[: row - 1]).grown(len(self.rows) - row + 1, "changed")

    def cut(self, end: int) -> Journal:
        return Journal(self.rows[:end])

    @property
    def head(self) -> Head:
        return Head(slot=SLOT, seq=len(self.rows), hash=self.rows[-1] if self.rows else "")

    def against(self, marks: tuple[Mark, ...]) -> list[object]:
        wanted = {m.seq for m in marks}
        hashes = {seq: row for seq, row in enumerate(self.rows, 1) if seq in wanted}
        return list(compare(SLOT, marks, hashes, len(self.rows)))


# ---- the text

names = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=20)
heads = st.lists(
    st.builds(Head, slot=names, seq=st.integers(0, 2**31), hash=st.text("0123456789abcdef", max_size=64)),
    max_size=20,
)


@given(heads, st.booleans())
def test_an_anchor_is_read_as_it_was_written(each: list[Head], begins: bool) -> None:
    link = Link(day=DAY, at=NOON, first=DAY)
    link = link if begins else replace(link, before_day=after(-3), before="ab", first=after(-9))

    lines = iter("".join(written(link, each)).split("\n")[:-1])

    assert link_of(lines) == link
    assert list(heads_of(lines)) == each


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[:-1], "its end is missing"),
        (lambda lines: [*lines[:1], *lines[2:]], "it has 1 slots, and says 2"),
        (lambda lines: [*lines, lines[-1]], "it has 2 slots, and says 2"),
        (lambda lines: [lines[0], "{", *lines[2:]], "is not a JSON object"),
        (lambda lines: [lines[0], '{"slot":"a"}', *lines[2:]], "line 2 names no head"),
        (lambda lines: [lines[0].replace('"schema":1', '"schema":2'), *lines[1:]], "it has schema 2"),
        (lambda lines: ["{}", *lines[1:]], "its first line does not say which anchor it is"),
        (lambda lines: [], "is not a JSON object"),
    ],
)
def test_a_text_that_is_no_whole_anchor_is_refused(change, said: str) -> None:
    each = [Head(slot=name, seq=1, hash="a") for name in ("a@qa", "b@qa")]
    whole = "".join(written(Link(day=DAY, at=NOON, first=DAY), each)).splitlines()
    lines = iter(change(whole))

    with pytest.raises(NotAnAnchor, match=said):
        _ = link_of(lines), list(heads_of(lines))


def test_names_are_days_and_nothing_else_is() -> None:
    assert day_of(name_of(DAY)) == DAY
    assert [day_of(n) for n in ("2026-1-5.jsonl", "20260105.jsonl", "2026-01-05.json", "x")] == [None] * 4


# ---- journals

growth = st.lists(st.integers(0, 4), min_size=1, max_size=8)


def anchored(steps: list[int]) -> tuple[Journal, tuple[Mark, ...]]:
    """A journal that grows by so many rows between anchors."""
    journal, marks = Journal([]), ()
    for number, step in enumerate(steps):
        journal = journal.grown(step)
        marks = marked(marks, after(number), journal.head)
    return journal, marks


@given(growth, st.integers(0, 5))
def test_a_journal_that_only_grew_fits(steps: list[int], more: int) -> None:
    journal, marks = anchored(steps)

    assert journal.grown(more).against(marks) == []


@given(growth, st.integers(0, 5), st.data())
def test_a_row_that_was_rewritten_is_found_whoever_recomputed_the_chain(steps, more, data) -> None:
    journal, marks = anchored(steps)
    if not journal.rows:
        return
    row = data.draw(st.integers(1, len(journal.rows)))

    (found,) = journal.grown(more).changed(row).against(marks)

    assert found.kind == "rewritten"
    assert found.rows[0] <= row <= found.rows[1]
    assert (found.after, found.before) == (after(len(steps) - 1), None)


@given(growth, st.data())
def test_a_journal_that_was_cut_is_found(steps, data) -> None:
    journal, marks = anchored(steps)
    if not journal.rows:
        return
    end = data.draw(st.integers(0, len(journal.rows) - 1))

    (found,) = journal.cut(end).against(marks)

    assert found.kind == ("gone" if end == 0 else "cut")
    assert found.rows[0] <= end + 1 <= found.rows[1]


@given(growth, growth, st.integers(1, 3), st.data())
def test_it_is_told_between_which_anchors_it_was_rewritten(first, then, more, data) -> None:
    """Anchors of both sides are there: those before the change do not fit, those after it do."""
    journal, marks = anchored([1, *first])
    row = data.draw(st.integers(1, len(journal.rows)))
    journal = journal.changed(row)
    for number, step in enumerate([more, *then]):
        journal = journal.grown(step)
        marks = marked(marks, after(len(first) + 1 + number), journal.head)

    (found,) = journal.against(marks)

    assert (found.after, found.before) == (after(len(first)), after(len(first) + 1))


def test_rows_that_were_away_for_a_while_are_told_too() -> None:
    journal = Journal([]).grown(5)
    marks = marked((), DAY, journal.head)
    marks = marked(marks, after(1), journal.cut(2).head)

    (found,) = journal.against(marked(marks, after(2), journal.head))

    assert (found.kind, found.rows, found.after) == ("put_back", (3, 5), DAY)


def test_a_journal_at_rest_is_one_mark_however_long() -> None:
    journal, marks = Journal([]).grown(3), ()
    for number in range(400):
        marks = marked(marks, after(number), journal.head)

    assert marks == (Mark(3, journal.rows[-1], DAY, after(399)),)


# ---- the anchors themselves


def chain(days: list[int], first: int = 0) -> list[Seen]:
    seen: list[Seen] = []
    for day in days:
        link = Link(day=after(day), at=NOON, first=after(first))
        if seen:
            link = replace(link, before_day=seen[-1].link.day, before=seen[-1].hash)
        seen.append(Seen(link, digest(repr(link))))
    return seen


def test_a_chain_with_days_off_fits() -> None:
    found, notes = chained(chain([0, 1, 4]), today=after(4), retained=365)

    assert found == []
    assert notes == ["Anchors begin on 2026-01-05: what was changed before is not noticed."]


@given(st.integers(2, 8), st.data())
def test_an_anchor_that_is_gone_or_another_one_is_found(count: int, data) -> None:
    seen = chain(list(range(count)))
    which = data.draw(st.integers(0, count - 2))
    forged = [replace(s, hash="forged") if n == which else s for n, s in enumerate(seen)]
    without = [s for n, s in enumerate(seen) if n != which]

    (removed,), _ = chained(without, today=after(count), retained=365)
    (broken,), _ = chained(forged, today=after(count), retained=365)

    assert (removed.kind, removed.after) == ("removed", after(which))
    assert (broken.kind, broken.after) == ("broken", after(which))


def test_an_anchor_that_was_slipped_in_is_found() -> None:
    seen = chain([0, 2])
    slipped = Seen(replace(seen[1].link, day=after(1)), "other")

    found, _ = chained([seen[0], slipped, seen[1]], today=after(2), retained=365)

    assert [f.kind for f in found] == ["broken"]


def test_anchors_that_are_older_than_retained_may_be_gone() -> None:
    seen = chain([0, 1, 2, 3])[2:]

    young, _ = chained(seen, today=after(10), retained=9)
    old, notes = chained(seen, today=after(11), retained=9)

    assert [f.says for f in young] == ["anchors from 2026-01-06 to 2026-01-06 are not there"]
    assert old == []
    assert "Anchors before 2026-01-07 are kept no longer (9 days are)" in notes[0]


def test_without_any_anchor_it_says_so() -> None:
    assert chained([], today=DAY, retained=365)[1] == [
        "There is no anchor yet: the first sweep of a day writes one."
    ]


def test_days_on_which_the_app_ran_need_an_anchor() -> None:
    busy = dict.fromkeys(map(after, (-1, 0, 1, 3)), "row 1") | {NOON.date(): "row 9"}

    found = missing(busy, [DAY], begun=DAY, now=NOON, retained=365)

    assert [f.after for f in found] == [after(1), after(3), NOON.date()]


def test_the_first_hour_of_a_day_and_days_before_retention_need_none() -> None:
    busy = {NOON.date(): "row 1", DAY: "row 2"}
    early = NOON.replace(hour=0, minute=59)

    assert missing(busy, [], begun=DAY, now=early, retained=3) == []
    assert [f.after for f in missing(busy, [], begun=None, now=NOON, retained=3)] == [NOON.date()]


def test_every_kind_of_finding_says_what_to_do_here_and_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operators.md").read_text()

    assert set(FIX) == set(get_args(Kind))
    assert {kind for kind in FIX if f"\n| `{kind}` |" not in page} == set()
