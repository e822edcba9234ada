"""The slots table as values: load a slot, commit a change, read history. Every commit is one transaction
that includes the slot row with If-Match, takes the next journal numbers, and is all or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from orchestrator import rows
from orchestrator.anchors import Head
from orchestrator.approval import Request, Vote
from orchestrator.assembling import assemble
from orchestrator.journal import Audit, JournalRow, append, verify
from orchestrator.model import Claim, Entry, Fact, Promotion, Registration, Slot, SlotKey, SlotState
from orchestrator.world import Change
from shared.errors import Conflict
from shared.names import slot_id, slots_among
from shared.store import Insert, Put, Range, Replace, Row, StorePort, Write

if TYPE_CHECKING:
    from orchestrator.rebuilding import Remains

T = TypeVar("T")
MOST_BACK = 1000
"""Promotions looked through for a version that was promoted before."""
KNOWN = "known"
"""Partition of the `open` table that lists every slot there ever was, for pages that list slots."""


@dataclass(frozen=True)
class Loaded:
    """A slot as read, with the ETag that the next commit must still find."""

    state: SlotState
    etag: str
    """Empty: the slot row does not exist yet."""
    staged: tuple[Change, ...] = ()
    """Decided and part of `state`, but not written yet: the next commit writes them with it."""


class Ledger:
    """Reads and writes slots. `journal_key` MACs the journal."""

    def __init__(self, store: StorePort, journal_key: bytes) -> None:
        self._slots = store.table("slots")
        self._open = store.table("open")
        self._key = journal_key

    # ---- reading

    def load(self, key: SlotKey, *, low: int = 0) -> Loaded | None:
        """The slot with its open promotions, their latest requests and votes, and its pending facts.

        `low`: no promotion below this number is open (a hint from the wake: one query instead of two).
        """
        partition = slot_id(*key)
        ranges = [Range(rows.promotion_key(low), "q")] if low else []
        found = {r.key: r for r in self._slots.query(partition, keys=[rows.SLOT], ranges=ranges)}
        row = found.get(rows.SLOT)
        if row is None:
            return None
        slot = rows.value(Slot, row.values)
        if not low or slot.pending or any(n < low for n in slot.open):
            found |= {r.key: r for r in self._related(partition, slot)}
        return Loaded(assemble(slot, found), row.etag)

    def _related(self, partition: str, slot: Slot) -> Iterable[Row]:
        keys = [rows.fact_key(key) for key in slot.pending]
        spans = [Range(rows.promotion_key(n), rows.promotion_key(n + 1)) for n in slot.open]
        return self._slots.query(partition, keys=keys, ranges=spans) if keys or spans else ()

    def slot_row(self, key: SlotKey) -> Loaded | None:
        """Only the slot row: for intake, which appends facts and needs no more."""
        row = self._slots.get(slot_id(*key), rows.SLOT)
        return None if row is None else Loaded(SlotState(rows.value(Slot, row.values)), row.etag)

    def remains(self, key: SlotKey) -> Remains:
        """What is left of a slot whose row may be gone. Reads the whole partition."""
        from orchestrator.rebuilding import Remains  # nobody else needs what rebuilds

        seq, head, last_n, exists, served = 0, "", 0, False, False
        for row in self._slots.query(slot_id(*key)):
            kind, _, rest = row.key.partition("~")
            if row.key == rows.SLOT:
                exists, served = True, _served(row)
            if kind == "journal":
                seq, head = int(rest), str(row.values.get("hash", ""))
            elif kind == "p":
                last_n = max(last_n, int(rest.partition("~")[0]))
        return Remains(exists=exists, served=served, seq=seq, head=head, last_n=last_n)

    def fact(self, key: SlotKey, fact: str) -> Fact | None:
        row = self._slots.get(slot_id(*key), rows.fact_key(fact))
        return None if row is None else rows.value(Fact, row.values)

    def knows(self, key: SlotKey, registration: Registration) -> bool:
        """Was this very registration accepted before?"""
        at = rows.registration_key(registration.version, registration.created_at)
        return self._slots.get(slot_id(*key), at) is not None

    def slot_keys(self, after: str = "", limit: int = 100) -> tuple[list[SlotKey], str]:
        """Slots by name after the cursor `after`, and the next cursor (empty: no more)."""
        spans = [Range(f"{after}!", "~")]
        names = [r.key for r in self._open.query(KNOWN, ranges=spans, limit=limit + 1)]
        more = names[limit - 1] if len(names) > limit else ""
        return [SlotKey(*found) for found in slots_among(names[:limit])], more

    def promotion(self, key: SlotKey, n: int) -> Promotion | None:
        row = self._slots.get(slot_id(*key), rows.promotion_key(n))
        return None if row is None else rows.value(Promotion, row.values)

    def brought(self, key: SlotKey, registration: Registration) -> Promotion | None:
        """The latest promotion of this very registration that was digested, among the last MOST_BACK."""
        wanted, before = (registration.version, registration.created_at), None
        for _ in range(MOST_BACK // 50):
            found = self.promotions(key, before=before)
            for p in found:
                if p.digest and (p.registration.version, p.registration.created_at) == wanted:
                    return p
            if not found or found[-1].n <= 1:
                return None
            before = found[-1].n
        return None

    def promotions(
        self, key: SlotKey, before: int | None = None, limit: int = 50, unread: list[str] | None = None
    ) -> list[Promotion]:
        """Newest first, ended ones included, with numbers below `before`.

        `unread`: takes what is said of each row that cannot be read; without it, the first one raises.
        """
        loaded = self.slot_row(key)
        if loaded is None:
            return []
        top = min(before or loaded.state.slot.next_n, loaded.state.slot.next_n)
        bottom = max(1, top - limit)
        found = self._slots.query(
            slot_id(*key), ranges=[Range(rows.promotion_key(bottom), rows.promotion_key(top))]
        )
        mine = [r for r in found if r.key.count("~") == 1]
        kept = _each(mine, lambda row: rows.value(Promotion, row.values), unread)
        return sorted(kept, key=lambda p: -p.n)

    def request(self, key: SlotKey, n: int, k: int) -> Request | None:
        row = self._slots.get(slot_id(*key), rows.request_key(n, k))
        return None if row is None else rows.value(Request, row.values)

    def votes(self, key: SlotKey, n: int, k: int) -> tuple[Vote, ...]:
        prefix = f"{rows.request_key(n, k)}~v~"
        found = self._slots.query(slot_id(*key), ranges=[Range(prefix, f"{prefix}~")])
        return tuple(sorted((rows.value(Vote, r.values) for r in found), key=lambda v: v.order))

    def journal(
        self, key: SlotKey, after: int = 0, limit: int = 200, unread: list[str] | None = None
    ) -> list[JournalRow]:
        """Rows after number `after`, in order. `unread`: as for promotions."""
        name = slot_id(*key)
        span = Range(rows.journal_key(after + 1), rows.journal_key(after + 1 + limit))
        found = self._slots.query(name, ranges=[span])
        return list(_each(found, lambda row: rows.journal_row(name, row.key, row.values), unread))

    def verify(self, key: SlotKey) -> Audit | None:
        """Is the journal, from its first row on, the one that the slot's head vouches for? None: no slot."""
        loaded = self.slot_row(key)
        if loaded is None:
            return None
        slot = loaded.state.slot
        unreadable: list[str] = []
        problems = verify(
            slot_id(*key), self.journal_to(key, slot.seq, unreadable), slot.seq, slot.head, self._key
        )
        return Audit(slot.seq, slot.head, (*unreadable, *problems))

    def head(self, key: SlotKey) -> Head:
        """Where the journal ends, also of a slot whose row is of a newer release or cannot be read."""
        row = self._slots.get(slot_id(*key), rows.SLOT)
        seq, head = (row.values.get("seq", 0), row.values.get("head", "")) if row else (0, "")
        return Head(slot=slot_id(*key), seq=seq if isinstance(seq, int) else 0, hash=str(head))

    def journal_to(self, key: SlotKey, last: int, unreadable: list[str]) -> Iterator[JournalRow]:
        """Rows up to `last`: what was appended since the slot row was read is not looked at."""
        name = slot_id(*key)
        found = self._slots.query(name, ranges=[Range(rows.journal_key(1), rows.journal_key(last + 1))])
        return _each(found, lambda row: rows.journal_row(name, row.key, row.values), unreadable)

    # ---- writing

    def append(self, loaded: Loaded, slot: Slot, facts: Sequence[Insert], entries: Sequence[Entry]) -> Loaded:
        """Intake's commit. Raises Conflict when a fact exists already, or the slot has moved."""
        return self._commit(loaded, slot, facts, entries)

    def stage(self, loaded: Loaded, change: Change, *, now: datetime) -> Loaded:
        """Take a change into the state without writing it. Nothing outside may be done before a commit."""
        change = replace(change, promotions=tuple(replace(p, updated_at=now) for p in change.promotions))
        return replace(loaded, state=_applied(loaded.state, change), staged=(*loaded.staged, change))

    def commit(self, loaded: Loaded, change: Change, *, now: datetime, claim: Claim | None = None) -> Loaded:
        """The engine's commit: this change, and all staged before it, in one transaction. Raises Conflict.

        `claim` becomes the slot's claim (None: dropped).
        """
        all_of_it = self.stage(loaded, replace(change, slot=replace(change.slot, claim=claim)), now=now)
        writes: dict[str, Write] = {}
        entries: list[Entry] = []
        for each in all_of_it.staged:  # of a row that changed more than once, the last counts
            writes |= {
                rows.promotion_key(p.n): Put(rows.promotion_key(p.n), rows.columns(p))
                for p in each.promotions
            }
            writes |= {
                rows.request_key(r.n, r.k): Put(rows.request_key(r.n, r.k), rows.columns(r))
                for r in each.requests
            }
            for r in each.registrations:
                key = rows.registration_key(r.version, r.created_at)
                writes[key] = Insert(key, rows.columns(r))
            entries += each.entries
        return self._commit(all_of_it, all_of_it.state.slot, list(writes.values()), entries)

    def _commit(
        self, loaded: Loaded, slot: Slot, writes: Sequence[Write], entries: Sequence[Entry]
    ) -> Loaded:
        name = slot_id(*slot.key)
        journal = append(name, slot.seq, slot.head, entries, self._key)
        if journal:
            slot = replace(slot, seq=journal[-1].seq, head=journal[-1].hash)
        columns = rows.columns(slot)
        first: Write = Replace(rows.SLOT, columns, loaded.etag) if loaded.etag else Insert(rows.SLOT, columns)
        if not loaded.etag:  # before the slot exists: the list of slots is always a superset
            self._open.commit(KNOWN, [Put(name, {"schema": 1})])
        rest = [Insert(rows.journal_key(j.seq), rows.journal_columns(j)) for j in journal]
        try:
            etags = self._slots.commit(name, [first, *writes, *rest])
        except Conflict:
            self._vanished(slot.key, loaded)
            raise
        return Loaded(replace(loaded.state, slot=slot), etags[rows.SLOT])

    def _vanished(self, key: SlotKey, loaded: Loaded) -> None:
        """A first commit lost: against another first commit, or against a journal that outlived its slot?"""
        name = slot_id(*key)
        if loaded.etag or self._slots.get(name, rows.SLOT):
            return
        if self._slots.get(name, rows.journal_key(1)):
            raise rows.CorruptRow(f"{key}: the slot's row is gone, and its journal is still there")


def _each(found: Iterable[Row], read: Callable[[Row], T], unread: list[str] | None) -> Iterator[T]:
    """Rows as values. Those that cannot be read are told, or raise where nobody listens."""
    for row in found:
        try:
            yield read(row)
        except rows.Unreadable as error:
            if unread is None:
                raise
            unread.append(f"row {row.key.rpartition('~')[2].lstrip('0')} cannot be read: {error}")


def _served(row: Row) -> bool:
    """Does a slot row know what serves, or what is on its way? One that cannot be read may: it is left."""
    try:
        slot = rows.value(Slot, row.values)
    except (rows.CorruptRow, rows.NewerSchema):
        return True
    return slot.serving is not None or slot.mover is not None


def fresh(key: SlotKey) -> Loaded:
    """A slot that has no row yet."""
    return Loaded(SlotState(Slot(model=key.model, env=key.env)), "")


def _applied(state: SlotState, change: Change) -> SlotState:
    """The state after a change, without reading it again."""
    slot = change.slot
    open_ = {**state.promotions, **{p.n: p for p in change.promotions}}
    latest = dict(state.requests)
    votes = dict(state.votes)
    for request in change.requests:
        if request.n not in latest or request.k > latest[request.n].k:
            votes[request.n] = ()
        if request.n not in latest or request.k >= latest[request.n].k:
            latest[request.n] = request
    return SlotState(
        slot,
        {n: p for n, p in open_.items() if n in slot.open},
        {n: r for n, r in latest.items() if n in slot.open},
        {n: v for n, v in votes.items() if n in slot.open},
        {key: fact for key, fact in state.facts.items() if key in slot.pending},
    )
