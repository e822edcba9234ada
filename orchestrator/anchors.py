"""Anchors: each day the head of every journal is written where nobody can change it. Pure.

An anchor is a text of JSON lines: who it is and which anchor came before it, then a line for each slot by
name, then how many there were. Whoever rewrites a journal below a head that was anchored is found out, also
with the journal key in hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

SCHEMA = 1
SUFFIX = ".jsonl"


class NotAnAnchor(ValueError):
    """The text is no whole anchor that this release can read; says why."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where a journal ended. Number 0: it had no row yet, or the slot's row was gone."""

    slot: str
    seq: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class Link:
    """The first line. `before`: SHA-256 of the anchor of `before_day`; None: this one began the chain."""

    day: date
    at: datetime
    first: date
    before_day: date | None = None
    before: str = ""


def name_of(day: date) -> str:
    """Names sort by day."""
    return f"{day.isoformat()}{SUFFIX}"


def day_of(name: str) -> date | None:
    """Undo `name_of`; None: no anchor is called that."""
    try:
        day = date.fromisoformat(name.removesuffix(SUFFIX))
    except ValueError:
        return None
    return day if name_of(day) == name else None


def written(link: Link, heads: Iterable[Head]) -> Iterator[str]:
    """The lines of an anchor. Heads come sorted by slot."""
    before = {"day": link.before_day.isoformat(), "hash": link.before} if link.before_day else None
    yield _line(
        {
            "schema": SCHEMA,
            "day": link.day.isoformat(),
            "at": link.at.isoformat(),
            "first": link.first.isoformat(),
            "before": before,
        }
    )
    count = 0
    for count, head in enumerate(heads, 1):  # noqa: B007 -- used after the loop
        yield _line({"slot": head.slot, "seq": head.seq, "hash": head.hash})
    yield _line({"slots": count})


def link_of(lines: Iterator[str]) -> Link:
    """Takes the first line. Raises NotAnAnchor."""
    data = _object(next(lines, ""))
    schema = data.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise NotAnAnchor(f"it has schema {schema}; this release reads up to {SCHEMA}: use the newer one")
    try:
        before = cast("Mapping[str, str] | None", data["before"])
        return Link(
            day=date.fromisoformat(data["day"]),
            at=datetime.fromisoformat(data["at"]),
            first=date.fromisoformat(data["first"]),
            before_day=date.fromisoformat(before["day"]) if before else None,
            before=str(before["hash"]) if before else "",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NotAnAnchor("its first line does not say which anchor it is") from error


def heads_of(lines: Iterator[str]) -> Iterator[Head]:
    """What follows the first line. Raises NotAnAnchor at a line that is none, or when the end is missing."""
    for count, line in enumerate(lines):
        data = _object(line)
        if "slots" in data:
            if data["slots"] != count or next(lines, None) is not None:
                raise NotAnAnchor(f"it has {count} slots, and says {data['slots']}")
            return
        try:
            yield Head(slot=str(data["slot"]), seq=int(data["seq"]), hash=str(data["hash"]))
        except (KeyError, TypeError, ValueError) as error:
            raise NotAnAnchor(f"line {count + 2} names no head of a journal") from error
    raise NotAnAnchor("its end is missing")


def _line(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"


def _object(line: str) -> dict[str, Any]:
    try:
        found: object = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NotAnAnchor(f"{line[:60]!r} is not a JSON object")
    return cast("dict[str, Any]", found)
