"""What was accepted and not understood: kept where operators see it, with the reason, without tokens."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import cast

from orchestrator import rows
from orchestrator.alarms import Alarm, raise_alarm
from shared.errors import Conflict
from shared.store import Insert, Put, Row, StorePort

LONGEST = 30_000
"""Characters of a payload that are kept in the row; the rest is cut, and the row says so."""
LOOK_BACK = 30
_ID = re.compile(r"[0-9]{8}-[0-9a-f]{12}")
_EVENT_GRID, _THROUGH = "eventgrid", "through"
"""Beside the days of letters: no day is called that."""
_REMOVED = "(removed)"
_SECRET = frozenset({"token", "password", "secret", "sig", "key", "authorization"})
_TOKENS = re.compile(
    r"(?i)(eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"  # a JWT
    r"|(?<=[?&])(?:code|sig|token|key|access_token)=[^&\s\"']+"
    r"|bearer\s+[\w.~+/-]+=*"
    r"|/review/[\w.~-]{16,}"
    r"|\"(?:token|password|secret|sig|key|authorization)\"\s*:\s*\"(?!\(removed\)\")[^\"]*\")"
)


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """Something that was accepted and could not be understood, with the reason. Tokens are removed."""

    id: str
    day: str
    reason: str
    source: str
    payload: str
    at: datetime
    replayed: datetime | None = None
    replayable: bool = True
    """Votes are not: what is kept of one proves nothing."""


@dataclass(frozen=True, kw_only=True)
class Through:
    """How far Event Grid's own container was read: all before `at`, and of what came since, `names`."""

    at: datetime
    names: tuple[str, ...] = ()


class DeadLetters:
    """PartitionKey is the day; the id is made from the content, so the same letter twice is one row."""

    def __init__(self, store: StorePort) -> None:
        self._table = store.table("deadletters")

    def add(
        self, source: str, reason: str, payload: object, at: datetime, *, replayable: bool = True
    ) -> DeadLetter:
        text = payload if isinstance(payload, str) else _json(payload)
        letter = _letter(source, reason, payload, at, f"{source} {text}", replayable=replayable)
        self._table.commit(letter.day, [Put(letter.id, rows.columns(letter))])
        _alarm(letter)
        return letter

    def add_once(
        self, source: str, reason: str, payload: object, at: datetime, *, key: str, replayable: bool = True
    ) -> bool:
        """One that was kept elsewhere, called `key` there. False: it is here already, as it was left."""
        letter = _letter(source, reason, payload, at, f"{source} {key}", replayable=replayable)
        try:
            self._table.commit(letter.day, [Insert(letter.id, rows.columns(letter))])
        except Conflict:
            return False
        _alarm(letter)
        return True

    # ---- how far Event Grid's container was read

    def through(self) -> Through | None:
        row = self._table.get(_EVENT_GRID, _THROUGH)
        return None if row is None else rows.value(Through, row.values)

    def record(self, through: Through) -> None:
        self._table.commit(_EVENT_GRID, [Put(_THROUGH, rows.columns(through))])

    # ---- reading

    def listed(self, day: str | None, limit: int, *, now: datetime) -> list[DeadLetter]:
        """Newest first; without a day, the last LOOK_BACK days."""
        days = [day] if day else [f"{now - timedelta(days=back):%Y-%m-%d}" for back in range(LOOK_BACK)]
        found: list[DeadLetter] = []
        for each in days:
            letters = [_read(each, row) for row in self._table.query(each, limit=limit)]
            found += sorted(letters, key=lambda x: x.at, reverse=True)
            if len(found) >= limit:
                break
        return found[:limit]

    def get(self, letter_id: str) -> DeadLetter | None:
        """By id, which begins with its day. None: there is no such letter."""
        if not _ID.fullmatch(letter_id):
            return None
        row = self._table.get(f"{letter_id[:4]}-{letter_id[4:6]}-{letter_id[6:8]}", letter_id)
        return None if row is None else rows.value(DeadLetter, row.values)

    def mark_replayed(self, letter: DeadLetter, now: datetime) -> None:
        self._table.commit(letter.day, [Put(letter.id, rows.columns(replace(letter, replayed=now)))])


def _read(day: str, row: Row) -> DeadLetter:
    """One that cannot be read hides no other, and says so itself."""
    try:
        return rows.value(DeadLetter, row.values)
    except rows.Unreadable as error:
        at = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        reason = f"row {row.key} of table deadletters, partition {day}: {error}"
        return DeadLetter(id=row.key, day=day, reason=reason, source="", payload="", at=at, replayable=False)


def _letter(
    source: str, reason: str, payload: object, at: datetime, key: str, *, replayable: bool
) -> DeadLetter:
    clean = scrubbed(payload if isinstance(payload, str) else _json(_without_tokens(payload)))
    if len(clean) > LONGEST:
        clean = f"{clean[:LONGEST]}… ({len(clean)} characters)"
    digest = hashlib.sha256(key.encode(errors="replace")).hexdigest()[:12]
    return DeadLetter(
        id=f"{at:%Y%m%d}-{digest}",
        day=f"{at:%Y-%m-%d}",
        reason=reason,
        source=source,
        payload=clean,
        at=at,
        replayable=replayable,
    )


def _alarm(letter: DeadLetter) -> None:
    if letter.replayable or letter.source == "eventgrid":  # what else is not is a vote, with its own alarm
        raise_alarm(Alarm.DEAD_LETTER, f"{letter.id} from {letter.source}")


def _json(payload: object) -> str:
    return json.dumps(payload, default=str, ensure_ascii=False)


def _without_tokens(payload: object) -> object:
    """The same with clean texts in it, so that what is left can still be replayed."""
    if isinstance(payload, str):
        return scrubbed(payload)
    if isinstance(payload, list | tuple):
        return [_without_tokens(each) for each in cast("Sequence[object]", payload)]
    if isinstance(payload, Mapping):
        pairs = cast("Mapping[object, object]", payload).items()
        return {k: _REMOVED if str(k).lower() in _SECRET else _without_tokens(v) for k, v in pairs}
    return payload


def scrubbed(text: str) -> str:
    """Without anything that looks like a token, and without characters that a table cannot hold."""
    return _TOKENS.sub(_REMOVED, text).encode("utf-8", errors="replace").decode().replace("\x00", "\ufffd")
