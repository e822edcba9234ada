"""WHICH WORLDS an operator's hand is in: rollback, retirement, promote, and what nothing needs any more.

A walk of its own beside scenes.py: `blue` serves, `red` served before, `grey` is left over. What a promotion
does by itself is walked there; here one only lies in the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from itertools import product
from typing import NamedTuple

from tests.core.enumeration.axes import Place, Serves
from tests.core.enumeration.axes_outside import Dep, Kind

BLUE, RED, GREY = "blue", "red", "grey"
RED_DIGEST = "digest-of-red"


class Hand(Enum):
    """What an operator has said and is under way, or has just said; or what is left over."""

    ROLLING = auto()
    ROLLING_NOW = auto()
    """The write was accepted a moment ago."""
    ROLLING_OLD = auto()
    RETIRING = auto()
    RETIRING_NOW = auto()
    RETIRING_OLD = auto()
    RETIRING_OTHER = auto()
    """Of an endpoint that policy does not name any more."""
    LEFT_YOUNG = auto()
    LEFT_DUE = auto()
    SAYS_ROLLBACK = auto()
    SAYS_ROLLBACK_FIRST = auto()
    """Nothing is known that served before."""
    SAYS_RETIRE = auto()
    SAYS_PROMOTE = auto()

    @property
    def rolling(self) -> bool:
        return self in (Hand.ROLLING, Hand.ROLLING_NOW, Hand.ROLLING_OLD)

    @property
    def retiring(self) -> bool:
        return self in (Hand.RETIRING, Hand.RETIRING_NOW, Hand.RETIRING_OLD, Hand.RETIRING_OTHER)

    @property
    def says(self) -> bool:
        return self.name.startswith("SAYS")


class Stop(Enum):
    NO = auto()
    HELD = auto()
    PAUSED = auto()
    CHANGED = auto()


class Way(Enum):
    """A promotion that lies in the way of a command."""

    NONE = auto()
    DEPLOYS = auto()
    WROTE = auto()
    LOST = auto()
    """It has lost, and is putting back what it changed."""
    WON = auto()
    """It is observed at 100 %, and not closed yet."""
    ADOPTS = auto()
    RETURNS = auto()
    """It is a way back itself."""


class Who(Enum):
    """Who gets the requests."""

    BLUE = auto()
    RED = auto()
    BOTH = auto()
    GREY = auto()
    NOBODY = auto()


class Rows(NamedTuple):
    place: Place
    hand: Hand
    serves: Serves
    stop: Stop = Stop.NO
    way: Way = Way.NONE


class There(NamedTuple):
    """The endpoint. `theirs`: grey carries another slot's mark; `other`: red runs another version."""

    kind: Kind
    who: Who
    red: Dep
    grey: Dep = Dep.ABSENT
    tag: str = BLUE
    other: bool = False
    theirs: bool = False


class Past(Enum):
    """The promotion that brought red."""

    VOUCHED = auto()
    UNVOUCHED = auto()
    OTHER = auto()
    GONE = auto()


class Origin(Enum):
    ABSENT = auto()
    ARCHIVED = auto()
    NEW = auto()
    KNOWN = auto()
    OPEN = auto()
    """The very registration that the promotion in the way is about."""


def rows() -> Iterator[Rows]:
    for place, hand, serves, stop in product(Place, Hand, Serves, Stop):
        if not serves and (hand.rolling or not (hand.retiring or hand.says) or stop is Stop.CHANGED):
            continue  # these are about what serves
        ways = Way if hand.says and serves is not Serves.JUST else (Way.NONE,)
        yield from (Rows(place, hand, serves, stop, way) for way in ways)
