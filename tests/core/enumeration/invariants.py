"""WHICH INVARIANTS: predicates on (world, what is decided in it). No decision breaks one from ANY world.

| file | invariants of design.md |
|---|---|
| about_traffic.py | S1, S2, S4, S8: what may be written to an endpoint's traffic, and to whose endpoint |
| about_baking.py  | S8: what a watched step may lead to |
| about_removal.py | S3: what may be deleted, what is kept warm, when Live is said, what is recorded |
| about_turns.py   | S5: who may move the slot, and what holds no lock; a hold stops whatever is new |
| about_asking.py  | S4: what people answered is heeded, and whatever is newer or lapsed |
| about_order.py   | no step before what it rests on |
| about_preflight.py | nobody is asked for what cannot be done: files, room, rights |
| about_rows.py    | S6, S7: every end has its cause, nothing accepted is lost, no step is empty |
| about_telling.py | whoever was asked hears of it, once, and nothing waits for that |

They are written from the invariants' words: a stage, a vote, a deployment's state is read from the abstract
scene and from the facts that the decision had asked for; never from a goal.
"""

from __future__ import annotations

from tests.core.enumeration import (
    about_asking,
    about_baking,
    about_order,
    about_preflight,
    about_removal,
    about_rows,
    about_telling,
    about_traffic,
    about_turns,
)
from tests.core.enumeration.moment import Invariant, Moment

OF_ACTIONS: tuple[Invariant, ...] = (
    *about_traffic.INVARIANTS,
    *about_removal.OF_ACTIONS,
    *about_turns.OF_ACTIONS,
    *about_order.OF_ACTIONS,
    *about_telling.OF_ACTIONS,
)
OF_CHANGES: tuple[Invariant, ...] = (
    *about_asking.OF_CHANGES,
    *about_baking.OF_CHANGES,
    *about_removal.OF_CHANGES,
    *about_turns.OF_CHANGES,
    *about_order.OF_CHANGES,
    *about_preflight.OF_CHANGES,
    *about_rows.OF_CHANGES,
    *about_telling.OF_CHANGES,
)
OF_EVERYTHING: tuple[Invariant, ...] = (
    *about_asking.OF_EVERYTHING,
    *about_baking.OF_EVERYTHING,
    *about_preflight.OF_EVERYTHING,
    *about_turns.OF_EVERYTHING,
    *about_rows.OF_EVERYTHING,
    *about_telling.OF_EVERYTHING,
)


def broken(m: Moment) -> list[str]:
    """Names of the invariants that do not hold."""
    special = OF_ACTIONS if m.action else OF_CHANGES if m.change else ()
    return [holds.__name__ for holds in (*special, *OF_EVERYTHING) if not holds(m)]
