"""The walk over an operator's orders: all that can be decided, each with the facts that were asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from orchestrator import decide as core
from orchestrator import model as m
from orchestrator.world import Act, Change, Decided, Sight, Unseen, World
from tests.core.enumeration.axes_by_hand import (
    Rows,
    Stop,
    There,
)
from tests.core.enumeration.build import setting
from tests.core.enumeration.worlds_by_hand import possible, state_of


class Seen(NamedTuple):
    """One decision, and everything it rests on."""

    rows: Rows
    state: m.SlotState
    facts: Mapping[Sight, object]
    decided: Decided

    @property
    def act(self) -> Act | None:
        return self.decided if isinstance(self.decided, Act) else None

    @property
    def change(self) -> Change | None:
        return self.decided if isinstance(self.decided, Change) else None

    @property
    def there(self) -> There | None:
        found = self.facts.get(Sight.ENDPOINT)
        return found if isinstance(found, There) else None


def walk(row: Rows) -> Iterator[Seen]:
    """Everything that can be decided, each with the facts that were asked for."""
    yield from _walk(row, state_of(row), World(), {})


def _walk(row: Rows, state: m.SlotState, world: World, facts: Mapping[Sight, object]) -> Iterator[Seen]:
    under = setting(row.place, paused=row.stop is Stop.PAUSED)
    try:
        decided = core.decide(state, world, under)
    except Unseen as unseen:
        for told, fact in possible(row, unseen.look):
            yield from _walk(row, state, world.seen(unseen.look, fact), {**facts, unseen.look.sight: told})
        return
    yield Seen(row, state, facts, decided)
