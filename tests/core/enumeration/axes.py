"""WHICH WORLDS. One promotion is looked at (number 3, candidate `green`), beside what serves (`blue`), what
is being retired (`red`), what a stranger deployed (`grey`), an older promotion (2) and a newer one (4).
"""

from __future__ import annotations

from enum import Enum, IntEnum, auto
from typing import NamedTuple


class Axis(Enum):
    """Values are looked up by the million."""

    __hash__ = object.__hash__


class Place(Axis):
    """Which environment the slot is in."""

    FIRST = auto()
    FIRST_RULED = auto()
    LATER = auto()
    LATER_RULED = auto()

    @property
    def later(self) -> bool:
        return self in (Place.LATER, Place.LATER_RULED)

    @property
    def ruled(self) -> bool:
        """Is there an approval rule?"""
        return self in (Place.FIRST_RULED, Place.LATER_RULED)


class Stage(IntEnum):
    """How far the promotion's own rows are. Only our commits write them, so they are a chain."""

    __hash__ = int.__hash__

    ABSENT = 0
    """There is no such promotion: nothing but the slot's own goals is left."""
    NEW = auto()
    DIGESTED = auto()
    FROZEN = auto()
    SAME_BYTES = auto()
    """Digested (and frozen), and the digest is that of what serves."""
    OVERTAKEN = auto()
    """Digested (and frozen), and what serves was registered later: the event came late."""
    SHORT_NOW = auto()
    """Digested (and frozen), and a person was asked for quota or a role a moment ago."""
    SHORT_OLD = auto()
    """The same, a day ago: it is given up."""
    PREFLIGHTED = auto()
    BELOW_GATE = auto()
    GATED = auto()
    TURN = auto()
    CHOSEN = auto()
    """A version number in the target is chosen."""
    NAMED = auto()
    """The candidate has its name."""
    DEPLOY_NOW = auto()
    DEPLOY_OLD = auto()
    PROBED_BAD = auto()
    PROBED = auto()
    PLANNED = auto()
    """The switch to the candidate is journaled, not written (or written by a worker that died)."""
    WROTE_NOW = auto()
    WROTE_OLD = auto()
    WATCHED = auto()
    """The weights of a canary's step are observed, and its bake is not over."""
    BAKED = auto()
    OVERDUE = auto()
    """The bake is over, and so is the patience for a verdict."""
    BETWEEN = auto()
    """The step before is baked: the weights are still its, nothing is planned."""
    THROUGH = auto()
    """The last step is baked."""
    BACK_PLANNED = auto()
    """A verdict came after the switch was planned: the way back is journaled."""
    BACK_NOW = auto()
    BACK_OLD = auto()
    ADOPT_NEW = auto()
    """The promotion is an adoption: an operator says that what serves, `green`, is the baseline."""
    ADOPT_DIGESTED = auto()
    ADOPT_NAMED = auto()
    ADOPT_PLANNED = auto()
    ADOPT_WROTE_NOW = auto()
    ADOPT_WROTE_OLD = auto()

    @property
    def adopts(self) -> bool:
        return self >= Stage.ADOPT_NEW


class Roll(Axis):
    """What is approved: all at once, unwatched; or a canary, and at which step it is."""

    ONE = auto()
    MIRROR = auto()
    TENTH = auto()
    WHOLE = auto()


class Note(Axis):
    """What was last made of the candidate's health at this step."""

    NONE = auto()
    HEALTHY = auto()
    UNSURE = auto()
    VOUCHED = auto()
    """Nobody can tell, and an operator has vouched for the step."""
    ASKED = auto()
    """Nobody could tell; requests of our own were answered well since."""
    REPLAYED = auto()
    """The same, and it was judged healthy by them."""


class Votes(Axis):
    """The promotion's latest approval request."""

    NOT_ASKED = auto()
    UNTOLD = auto()
    """Asked, and nobody is owed the news yet."""
    OPEN = auto()
    LATE = auto()
    """Open, 90 % of the time is over, and nobody was warned."""
    QUORUM = auto()
    """Enough, since a moment ago: nobody is owed the news yet."""
    ENOUGH = auto()
    REJECTED = auto()
    EXPIRED = auto()
    LAPSED = auto()
    """Enough, but the subject has changed since."""
    LAPSED_LAST = auto()
    """The same, and people were asked as often as they may be."""


class End(Axis):
    """The promotion's verdict, reached but not yet closed. One stands for the eight that are not Live."""

    NONE = auto()
    LIVE = auto()
    FAILED = auto()


class Mover(Axis):
    """Which promotion may move the slot."""

    NONE = auto()
    THIS = auto()
    OTHER = auto()


class Serves(IntEnum):
    """What the slot records as serving."""

    __hash__ = int.__hash__

    NOTHING = 0
    BLUE = 1
    JUST = 2
    """Blue, since a moment ago: the switch to it may still be read as it was before."""


# ---- beside the promotion ------------------------------------------------------------------------------


class Retiring(Axis):
    """An old deployment that is to be deleted."""

    NONE = auto()
    WARM = auto()
    DUE = auto()
    SERVES = auto()
    """Due, but it is what the slot records as serving."""


class Newer(Axis):
    """A promotion of a later registration in the same slot, and what policy says about it."""

    NONE = auto()
    GATING = auto()
    BELOW_GATE = auto()
    READY = auto()
    """Through its gates, and (where there is a rule) its own request is out."""
    GRANTED = auto()
    """Its own request has its quorum, where there is a rule."""
    READY_QUEUED = auto()
    """The same, where policy says `newer_version: queue`."""


class Pending(Axis):
    """A fact that was accepted and not yet looked at."""

    NONE = auto()
    ARRIVAL = auto()
    """An event in the first environment, an offer in a later one."""
    LOST = auto()
    """Its row is gone."""
    ABORT = auto()
    HOLD = auto()
    RESUME = auto()
    RETRY = auto()
    ADOPT = auto()
    RESTORE = auto()
    WITHDRAW = auto()
    EXTEND = auto()
    GIBBERISH = auto()
    """A command that cannot be read."""


class Stopped(Axis):
    """Why nothing new may move."""

    NO = auto()
    HELD = auto()
    PAUSED = auto()
    FREEZING = auto()
    """Policy's freeze is in force, and nothing has waited for its end yet."""
    FROZEN = auto()
    """It is in force, and the slot has said so."""
    CHANGED = auto()
    """Somebody gave `grey` all the traffic, and the slot has noticed."""
    RESTORE = auto()
    """The same, and an operator asked to put traffic back."""
    RESTORE_NOW = auto()
    RESTORE_OLD = auto()
    RESTORE_LATE = auto()
    """Asked for so long ago that it is given up."""


class Claim(Axis):
    """A worker's claim on the slot. DEAD: its lease is over, what it did is unknown."""

    NONE = auto()
    LIVE = auto()
    DEAD = auto()


class Outbox(Axis):
    """What people are still to be told."""

    NONE = auto()
    DUE = auto()
    """How an earlier promotion ended."""
    LATER = auto()
    """The same, and the channel was in trouble: there is a back-off."""
    TRIED = auto()
    """The same, and the back-off is over."""
    ASKING = auto()
    """That the promotion needs an approval: pointless once that is decided."""
    HOPELESS = auto()
    """What was tried as often as it may be."""
    OLD = auto()
    """What nobody wants to know any more."""
    GONE = auto()
    """What is owed to a channel that is not configured any more."""


class Beside(NamedTuple):
    """Everything in the slot's rows besides the promotion."""

    retiring: Retiring = Retiring.NONE
    newer: Newer = Newer.NONE
    pending: Pending = Pending.NONE
    stopped: Stopped = Stopped.NO
    claim: Claim = Claim.NONE
    offering: bool = False
    """Is a version that went live still to be offered to the next environment?"""
    backoff: bool = False
    """Is the promotion not to be touched for a while, after trouble?"""
    resting: bool = False
    """Does the slot's own look rest for a while, after trouble?"""
    outbox: Outbox = Outbox.NONE


class Scene(NamedTuple):
    """One combination of what our own rows can say."""

    place: Place
    stage: Stage
    votes: Votes
    end: End
    mover: Mover
    serves: Serves
    beside: Beside
    roll: Roll = Roll.ONE
    note: Note = Note.NONE
