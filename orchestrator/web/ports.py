"""What the pages and the API need from the product: reading, and one write, a vote."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from orchestrator.approval import Decision, Request, Vote, VoteOutcome
from orchestrator.deadletters import DeadLetter
from orchestrator.journal import Audit, JournalRow
from orchestrator.model import Promotion, SlotKey, SlotState
from shared.identity import Principal


class HasState(Protocol):
    """A slot as it was read."""

    @property
    def state(self) -> SlotState: ...


class Ledger(Protocol):
    """Reads what is stored. Lists come in pages; an empty cursor ends them."""

    def slot_keys(self, after: str = "", limit: int = 100) -> tuple[list[SlotKey], str]: ...

    def load(self, key: SlotKey) -> HasState | None: ...

    def promotions(
        self, key: SlotKey, before: int | None = None, limit: int = 50, unread: list[str] | None = None
    ) -> list[Promotion]:
        """Newest first, the ended ones included. `unread`: takes what is said of rows nobody can read."""
        ...

    def promotion(self, key: SlotKey, n: int) -> Promotion | None: ...

    def request(self, key: SlotKey, n: int, k: int) -> Request | None: ...

    def votes(self, key: SlotKey, n: int, k: int) -> tuple[Vote, ...]: ...

    def journal(
        self, key: SlotKey, after: int = 0, limit: int = 200, unread: list[str] | None = None
    ) -> list[JournalRow]:
        """Oldest first. `unread`: as above."""
        ...

    def verify(self, key: SlotKey) -> Audit | None:
        """None: there is no such slot."""
        ...


class DeadLetters(Protocol):
    """What intake could not understand."""

    def listed(self, day: str | None, limit: int, *, now: datetime) -> list[DeadLetter]:
        """Newest first; `day` is YYYY-MM-DD; without it, the last weeks."""
        ...


class Voting(Protocol):
    """Validates and commits one person's answer within the call."""

    def vote(
        self,
        key: SlotKey,
        n: int,
        k: int,
        *,
        principal: Principal,
        decision: Decision,
        comment: str,
        hash: str,  # noqa: A002 -- the word of the domain
        channel: str,
    ) -> VoteOutcome: ...
