"""The rows of a slot, as found in its partition -> its state."""

from __future__ import annotations

from orchestrator import rows
from orchestrator.approval import Request, Vote
from orchestrator.model import Fact, Promotion, Slot, SlotState
from shared.store import Row


def assemble(slot: Slot, found: dict[str, Row]) -> SlotState:
    """Raises what rows.value raises, and CorruptRow for an open promotion without a row."""
    promotions: dict[int, Promotion] = {}
    requests: dict[int, Request] = {}
    for n in slot.open:
        row = found.get(rows.promotion_key(n))
        if row is None:
            raise rows.CorruptRow(f"{slot.key}: the slot names promotion {n}, but there is no such row")
        promotions[n] = rows.value(Promotion, row.values)
        asked = found.get(rows.request_key(n, promotions[n].asks)) if promotions[n].asks else None
        if asked is not None:
            requests[n] = rows.value(Request, asked.values)
    votes = {
        n: tuple(
            sorted(
                (
                    rows.value(Vote, r.values)
                    for key, r in found.items()
                    if key.startswith(f"{rows.request_key(n, request.k)}~v~")
                ),
                key=lambda v: v.order,
            )
        )
        for n, request in requests.items()
    }
    facts = {
        key: rows.value(Fact, found[rows.fact_key(key)].values)
        for key in slot.pending
        if rows.fact_key(key) in found
    }
    return SlotState(slot, promotions, requests, votes, facts)
