"""Values <-> table rows. Columns are flat and readable in Storage Explorer; what is nested is JSON text.

A text column holds 32,768 UTF-16 units at most, so longer JSON continues in `name_2`, `name_3`, ….
Rows carry `schema`; a newer one raises `NewerSchema`: that worker must leave the slot alone.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from orchestrator.journal import JournalRow
from orchestrator.model import SCHEMA, Entry
from shared.errors import Final
from shared.names import escape
from shared.store import Value

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
CHUNK = 30_000
_FLAT = (str, int, float, bool, datetime)


class Unreadable(Final):
    """A row that this release leaves alone, with all of its slot. `fix`: what people can do about it."""

    fix = ""


class NewerSchema(Unreadable):
    """The row was written by a newer release."""

    fix = "Deploy the newer release again: this one changes nothing in the slot."


class CorruptRow(Unreadable):
    """The row cannot be read as what its key says it is."""

    fix = (
        "Put the row back from a backup; or stop the app, delete the slot's row and run `greenlight rebuild`."
    )


@dataclass(frozen=True)
class _Shape:
    adapter: TypeAdapter[Any]
    nested: frozenset[str]
    required: frozenset[str]
    """Fields without a default: written even when empty, or the row could not be read back."""


@cache
def _shape(kind: type) -> _Shape:
    from pydantic import TypeAdapter  # with the first row: a start that only lists functions needs none

    hints = get_type_hints(kind)
    nested = frozenset(f.name for f in fields(kind) if not _is_flat(hints[f.name]))
    required = frozenset(
        f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING
    )
    return _Shape(TypeAdapter(kind), nested, required)


def _is_flat(hint: Any) -> bool:
    if get_origin(hint) in (Union, types.UnionType):
        args: tuple[Any, ...] = get_args(hint)
        return all(_is_flat(arg) for arg in args if arg is not types.NoneType)
    bases: tuple[Any, ...] = getattr(hint, "__mro__", ())
    return hint in _FLAT or StrEnum in bases


def columns(value: Any) -> dict[str, Value]:
    """The row of a frozen value. What is empty and has a default is left out: reading gives it back."""
    shape = _shape(value.__class__)
    row: dict[str, Value] = {"schema": SCHEMA}
    plain = shape.adapter.dump_python(value)
    for name, item in plain.items():
        if name in shape.nested:
            if item or name in shape.required:
                _chunk(row, name, json.dumps(item, default=_jsonable, ensure_ascii=False, sort_keys=True))
        elif item is not None and (item != "" or name in shape.required):
            row[name] = item.value if isinstance(item, StrEnum) else item
    return row


def value(kind: type[T], row: Mapping[str, Value]) -> T:
    """Undo `columns`. Raises NewerSchema or CorruptRow."""
    schema = row.get("schema")
    if not isinstance(schema, int):
        raise CorruptRow("the row has no schema number: it was not written by Greenlight")
    if schema > SCHEMA:
        raise NewerSchema(f"the row has schema {schema}; this release reads up to {SCHEMA}")
    shape = _shape(kind)
    try:
        data = {f.name: _item(row, f.name, shape) for f in fields(kind) if f.name in row}  # type: ignore[arg-type]
        return shape.adapter.validate_python(data)
    except (ValueError, RecursionError) as error:
        raise CorruptRow(f"the row cannot be read as {kind.__name__}: {str(error)[:300]}") from error


def _item(row: Mapping[str, Value], name: str, shape: _Shape) -> Any:
    item = row[name]
    if name not in shape.nested:
        return _plain_time(item) if isinstance(item, datetime) else item
    text, more = str(item), 2
    while f"{name}_{more}" in row:
        text += str(row[f"{name}_{more}"])
        more += 1
    return json.loads(text)


def _chunk(row: dict[str, Value], name: str, text: str) -> None:
    row[name] = text[:CHUNK]
    for number, start in enumerate(range(CHUNK, len(text), CHUNK), 2):
        row[f"{name}_{number}"] = text[start : start + CHUNK]


def _jsonable(item: Any) -> Any:
    if isinstance(item, datetime):
        return item.isoformat()
    raise TypeError(f"{type(item).__name__} in a row")


def _plain_time(at: datetime) -> datetime:
    """The SDK reads a subclass of datetime; comparisons and JSON want the plain one."""
    return datetime.fromisoformat(at.isoformat())


# ---- keys -------------------------------------------------------------------------------------------------

SLOT = "slot"


def fact_key(key: str) -> str:
    return f"in~{escape(key)}"


def registration_key(version: str, created_at: datetime) -> str:
    return f"reg~{escape(version)}~{created_at.strftime('%Y%m%dT%H%M%S%f')}"


def promotion_key(n: int) -> str:
    return f"p~{n:010d}"


def request_key(n: int, k: int) -> str:
    return f"{promotion_key(n)}~r~{k:03d}"


def vote_key(n: int, k: int, approver: str) -> str:
    return f"{request_key(n, k)}~v~{escape(approver)}"


def journal_key(seq: int) -> str:
    return f"journal~{seq:010d}"


def journal_columns(row: JournalRow) -> dict[str, Value]:
    return columns(row.entry) | {"before_hash": row.before, "hash": row.hash, "mac": row.mac}


def journal_row(slot: str, key: str, row: Mapping[str, Value]) -> JournalRow:
    number = key.rpartition("~")[2]
    if not (number.isascii() and number.isdecimal()):
        raise CorruptRow(f"{key[:80]!r} is no key of a journal row: it was not written by Greenlight")
    return JournalRow(
        slot=slot,
        seq=int(number),
        entry=value(Entry, row),
        before=str(row.get("before_hash", "")),
        hash=str(row.get("hash", "")),
        mac=str(row.get("mac", "")),
    )
