"""What one page or answer shows, read from the ledger in as few reads as it takes."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.journal import JournalRow
from orchestrator.model import Promotion, SlotKey, SlotState
from orchestrator.rows import Unreadable
from orchestrator.views import Asking, id_of
from orchestrator.web.listing import loaded_or_why, possible
from orchestrator.web.ports import Ledger
from shared.errors import Invalid, NotFound
from shared.names import parse_promotion_id

_WINDOW, _WINDOWS = 200, 5


@dataclass(frozen=True)
class Whole:
    """A promotion with everything that belongs to it."""

    key: SlotKey
    promotion: Promotion
    state: SlotState | None
    requests: tuple[Asking, ...]

    @property
    def latest(self) -> Asking | None:
        return self.requests[-1] if self.requests else None


def promotion_of(ledger: Ledger, text: str) -> Whole:
    """By id. Raises NotFound; what is no id at all is just as little to be found."""
    try:
        model, env, version, n = parse_promotion_id(text)
    except Invalid as error:
        raise NotFound(str(error)) from error
    key = possible(SlotKey(model, env))
    state = loaded_or_why(ledger, key)
    p = state.promotions.get(n) if state else None
    p = p or ledger.promotion(key, n)
    if p is None or id_of(p) != text or p.registration.version != version:
        raise NotFound(f"there is no promotion {text[:200]}")
    return Whole(key, p, state, tuple(_requests(ledger, key, p, state)))


def _requests(ledger: Ledger, key: SlotKey, p: Promotion, state: SlotState | None) -> list[Asking]:
    found: list[Asking] = []
    for k in range(1, p.asks + 1):
        latest = state.requests.get(p.n) if state else None
        if state is not None and latest is not None and latest.k == k:
            found.append(Asking(latest, state.votes.get(p.n, ())))
            continue
        request = ledger.request(key, p.n, k)
        if request is not None:
            found.append(Asking(request, ledger.votes(key, p.n, k)))
    return found


def trail(ledger: Ledger, whole: Whole) -> tuple[list[JournalRow], bool]:
    """The promotion's journal rows, oldest first, and whether there may be older ones than were looked at."""
    end = whole.state.slot.seq if whole.state else 0
    found: list[JournalRow] = []
    for _ in range(_WINDOWS):
        after = max(0, end - _WINDOW)
        rows = ledger.journal(whole.key, after, end - after, []) if end else []
        found = [r for r in rows if r.entry.n == whole.promotion.n] + found
        if after == 0 or not rows or rows[0].entry.at < whole.promotion.opened_at:
            return found, False
        end = after
    return found, True


def last_ended(ledger: Ledger, state: SlotState) -> Promotion | None:
    """The newest promotion, if it has ended and is not what serves: why something did not get there."""
    slot, n = state.slot, state.slot.next_n - 1
    if n < 1 or n in slot.open or (slot.serving and slot.serving.n == n):
        return None
    try:
        return ledger.promotion(slot.key, n)
    except Unreadable:  # the slot's own page says so
        return None


def recent(ledger: Ledger, state: SlotState, unread: list[str], limit: int = 50) -> list[JournalRow]:
    """A slot's latest journal rows, newest first. `unread` takes what is said of the others."""
    after = max(0, state.slot.seq - limit)
    return list(reversed(ledger.journal(state.slot.key, after, limit, unread)))
