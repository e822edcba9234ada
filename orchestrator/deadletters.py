"""What was accepted and not understood: kept where operators see it, with the reason, without tokens."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator import rows
from orchestrator.alarms import Alarm, raise_alarm
from shared.store import Put, StorePort

LONGEST = 30_000
"""Characters of a payload that are kept in the row; the rest is cut, and the row says so."""
LOOK_BACK = 30
_ID = re.compile(r"[0-9]{8}-[0-9a-f]{12}")
_TOKENS = re.compile(
    r"(?i)(eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"  # a JWT
    r"|(?<=[?&])(?:code|sig|token|key|access_token)=[^&\s\"']+"
    r"|bearer\s+[\w.~+/-]+=*"
    r"|/review/[\w.~-]{16,}"
    r"|\"(?:token|password|secret|sig|key|authorization)\"\s*:\s*\"[^\"]*\")"
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


class DeadLetters:
    """PartitionKey is the day; the id is made from the content, so the same letter twice is one row."""

    def __init__(self, store: StorePort) -> None:
        self._table = store.table("deadletters")

    def add(
        self, source: str, reason: str, payload: object, at: datetime, *, replayable: bool = True
    ) -> DeadLetter:
        text = payload if isinstance(payload, str) else json.dumps(payload, default=str, ensure_ascii=False)
        clean = scrubbed(text)
        if len(clean) > LONGEST:
            clean = f"{clean[:LONGEST]}… ({len(clean)} characters)"
        digest = hashlib.sha256(f"{source} {text}".encode(errors="replace")).hexdigest()[:12]
        letter = DeadLetter(
            id=f"{at:%Y%m%d}-{digest}",
            day=f"{at:%Y-%m-%d}",
            reason=reason,
            source=source,
            payload=clean,
            at=at,
            replayable=replayable,
        )
        self._table.commit(letter.day, [Put(letter.id, rows.columns(letter))])
        if replayable:  # what is not is a vote, and has an alarm of its own
            raise_alarm(Alarm.DEAD_LETTER, f"{letter.id} from {source}")
        return letter

    def listed(self, day: str | None, limit: int, *, now: datetime) -> list[DeadLetter]:
        """Newest first; without a day, the last LOOK_BACK days."""
        days = [day] if day else [f"{now - timedelta(days=back):%Y-%m-%d}" for back in range(LOOK_BACK)]
        found: list[DeadLetter] = []
        for each in days:
            letters = [rows.value(DeadLetter, r.values) for r in self._table.query(each, limit=limit)]
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


def scrubbed(text: str) -> str:
    """Without anything that looks like a token, and without characters that a table cannot hold."""
    return _TOKENS.sub("(removed)", text).encode("utf-8", errors="replace").decode().replace("\x00", "\ufffd")
