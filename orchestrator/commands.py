"""What operators may tell a slot, and who is one. Pure.

A command is a fact like any other: accepted once, for ever, under its key; the engine says what it means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orchestrator.approval import Approver
from orchestrator.votes import entries_of


class Command(StrEnum):
    """Commands to one slot, or to a promotion in it."""

    ABORT = "abort"
    RETRY = "retry"
    HOLD = "hold"
    RESUME = "resume"
    ADOPT = "adopt"
    RESTORE = "restore"
    WITHDRAW = "withdraw"
    EXTEND = "extend"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    RETIRE = "retire"


OF_PROMOTION = frozenset({Command.ABORT, Command.RETRY, Command.WITHDRAW, Command.EXTEND})
OF_ASKER = frozenset({Command.WITHDRAW, Command.EXTEND})
"""May be given by whoever a promotion goes back to, too: who registered, trained, or asked for it."""
NEEDS_REASON = frozenset({Command.HOLD, Command.ADOPT, Command.ROLLBACK, Command.RETIRE})
OF_NO_SLOT_YET = frozenset({Command.ADOPT, Command.PROMOTE})
"""May be given where nothing has happened so far."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One command as it was given."""

    command: Command
    by: str
    """TENANT/OBJECT-ID."""
    name: str = ""
    reason: str = ""
    n: int = 0
    """The promotion that is meant, where one is."""

    @property
    def who(self) -> str:
        return self.name or self.by

    @property
    def because(self) -> str:
        return f": {self.reason}" if self.reason else ""

    def detail(self) -> dict[str, Any]:
        """As it is kept in the fact."""
        return {"command": self.command.value, "name": self.name, "reason": self.reason, "n": self.n}

    @staticmethod
    def of(detail: Mapping[str, Any], by: str) -> Order:
        return Order(
            command=Command(str(detail["command"])),
            by=by,
            name=str(detail.get("name", "")),
            reason=str(detail.get("reason", "")),
            n=int(detail.get("n", 0)),
        )


def may_operate(
    operators: Iterable[Approver], *, person: str, groups: Iterable[str], roles: Iterable[str]
) -> bool:
    """Is this person among the operators? Nobody is where none are named."""
    return bool(entries_of(operators, person=person, groups=groups, roles=roles))
