"""Lists in pages: filters, limits and opaque cursors over the ledger.

A page looks at a bounded number of slots, so it may come back short or even empty with a cursor:
an empty page without one is the end.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from orchestrator.model import Phase, Promotion, Slot, SlotKey, SlotState, Unread, Verdict
from orchestrator.rows import Unreadable
from orchestrator.web.ports import Ledger
from shared.errors import Invalid, NotFound
from shared.names import slot_id, unescape

_T = TypeVar("_T", bound=StrEnum)

LIMIT, MOST = 50, 200
_SLOTS_A_PAGE = 50
_ENV = re.compile(r"[a-z][a-z0-9]{0,11}")
_LONGEST_KEY = 512


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a list is asked for. Empty: everything."""

    environments: tuple[str, ...]
    """Those of the pipeline, in order."""
    model: str = ""
    env: str = ""
    phase: Phase | None = None
    verdict: Verdict | None = None
    open: bool | None = None

    def takes(self, p: Promotion) -> bool:
        return (
            (self.phase is None or p.phase is self.phase)
            and (self.verdict is None or p.verdict is self.verdict)
            and (self.open is None or p.open is self.open)
        )


@dataclass(frozen=True)
class _Place:
    """Where the next page begins: the slots' own cursor, the slot in hand, promotions before this number."""

    slots: str = ""
    slot: str = ""
    before: int | None = None

    def cursor(self) -> str:
        text = json.dumps([self.slots, self.slot, self.before], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @staticmethod
    def of(cursor: str) -> _Place:
        if not cursor:
            return _Place()
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            found: object = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError, RecursionError) as error:
            raise Invalid("cursor: give back the one that the page before gave") from error
        match found:
            case [str(slots), str(slot), int() | None as before] if slots.isprintable():
                return _Place(slots[:_LONGEST_KEY], slot, before)
            case _:
                raise Invalid("cursor: give back the one that the page before gave")


def filter_of(query: Mapping[str, str], environments: tuple[str, ...]) -> Filter:
    """Raises Invalid, naming the parameter and what it may be."""
    unknown = set(query) - {"model", "env", "phase", "verdict", "open", "limit", "cursor"}
    if unknown:
        raise Invalid(f"unknown parameter {sorted(unknown)[0][:40]!r}")
    return Filter(
        environments=environments,
        model=query.get("model", ""),
        env=query.get("env", ""),
        phase=_one_of(Phase, "phase", query.get("phase", "")),
        verdict=_one_of(Verdict, "verdict", query.get("verdict", "")),
        open=_flag(query.get("open", "")),
    )


def limit_of(query: Mapping[str, str]) -> int:
    text = query.get("limit", "")
    if not text:
        return LIMIT
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= MOST):
        raise Invalid(f"limit: a number from 1 to {MOST}")
    return int(text)


def slots(ledger: Ledger, wanted: Filter, cursor: str, limit: int) -> tuple[list[SlotState], str]:
    """Slots that the filter takes, each loaded, and the next cursor."""
    place = _Place.of(cursor)
    keys, following = _batch(ledger, place, wanted)
    found: list[SlotState] = []
    for key in keys:
        if len(found) == limit:
            return found, _Place(place.slots, slot_id(*key)).cursor()
        state = loaded_or_why(ledger, key)
        if state is not None:
            found.append(state)
    return found, _Place(following).cursor() if following else ""


def loaded_or_why(ledger: Ledger, key: SlotKey) -> SlotState | None:
    """The slot; one whose rows cannot be read hides no other, and says why nothing moves in it."""
    try:
        loaded = ledger.load(key)
    except Unreadable as error:
        return SlotState(Slot(model=key.model, env=key.env), unread=Unread(str(error), error.fix))
    return None if loaded is None else loaded.state


def no_slot(key: SlotKey) -> NotFound:
    """Nothing has happened there yet, or its row is lost: which, nobody can see from here."""
    return NotFound(
        f"there is no slot {key}: nothing was accepted for it yet, "
        "or its row is gone (then `greenlight rebuild`)"
    )


def promotions(
    ledger: Ledger, wanted: Filter, cursor: str, limit: int, unread: list[str]
) -> tuple[list[tuple[Promotion, SlotState | None]], str]:
    """Promotions slot by slot, newest first in each, with the state of their slot.

    `unread` takes what is said of slots and rows that cannot be read: they hide no other.
    """
    place = _Place.of(cursor)
    keys, following = _batch(ledger, place, wanted)
    found: list[tuple[Promotion, SlotState | None]] = []
    for key in keys:
        state = loaded_or_why(ledger, key)
        if state is None or state.unread or state.slot.next_n == 1:
            unread += [f"{key}: {state.unread.why}"] if state and state.unread else []
            continue
        here = slot_id(*key)
        before = place.before if here == place.slot else None
        said: list[str] = []
        for p in _of_slot(ledger, key, state, wanted, before, said):
            if len(found) == limit:
                unread += [f"{key}: {why}" for why in said]
                return found, _Place(place.slots, here, before).cursor()
            found.append((p, state))
            before = p.n
        unread += [f"{key}: {why}" for why in said]
    return found, _Place(following).cursor() if following else ""


def _of_slot(
    ledger: Ledger, key: SlotKey, state: SlotState, wanted: Filter, before: int | None, unread: list[str]
) -> Iterator[Promotion]:
    """Open ones come with the slot, so asking for them costs nothing in history."""
    if wanted.open:
        opened = [state.promotions[n] for n in sorted(state.promotions, reverse=True)]
        yield from (p for p in opened if (before is None or p.n < before) and wanted.takes(p))
        return
    before = before or state.slot.next_n
    while before > 1:
        yield from (p for p in ledger.promotions(key, before, MOST, unread) if wanted.takes(p))
        before -= MOST


def _batch(ledger: Ledger, place: _Place, wanted: Filter) -> tuple[list[SlotKey], str]:
    """The slots this page looks at, from where the last one stopped, and the slots' own next cursor."""
    if wanted.model:
        keys, following = [possible(SlotKey(wanted.model, env)) for env in wanted.environments], ""
    else:
        keys, following = ledger.slot_keys(after=place.slots, limit=_SLOTS_A_PAGE)
    ids = [slot_id(*key) for key in keys]
    start = ids.index(place.slot) if place.slot in ids else 0
    return [key for key in keys[start:] if wanted.env in ("", key.env)], following


def slot_key_of(model: str, env: str) -> SlotKey:
    """From a path: the model's name escaped (as we write it) or plain (as people do). Raises NotFound."""
    try:
        return possible(SlotKey(unescape(model), env))
    except Invalid:
        return possible(SlotKey(model, env))


def possible(key: SlotKey) -> SlotKey:
    """`key`, if there can be such a slot: what is no legal key never reaches the store. Raises NotFound."""
    if not _ENV.fullmatch(key.env) or len(slot_id(*key)) > _LONGEST_KEY:
        raise NotFound("there is no such slot")
    return key


def _flag(text: str) -> bool | None:
    values = {"": None, "true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise Invalid("open: true or false")
    return values[text.lower()]


def _one_of(kind: type[_T], name: str, text: str) -> _T | None:
    if not text:
        return None
    found = next((m for m in kind if m.value.lower() == text.lower()), None)
    if found is None:
        raise Invalid(f"{name}: one of {', '.join(m.value for m in kind)}")
    return found
