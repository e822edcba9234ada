"""Which combinations of rows are walked. `whole` says which cannot be, `beside` what is walked with them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

from tests.core.enumeration.axes import (
    Beside,
    Claim,
    End,
    Mover,
    Newer,
    Note,
    Outbox,
    Pending,
    Place,
    Retiring,
    Roll,
    Scene,
    Serves,
    Stage,
    Stopped,
    Votes,
)
from tests.core.enumeration.figures import STEPS

RELEASABLE = (Stage.CHOSEN, Stage.NAMED, Stage.DEPLOY_NOW, Stage.DEPLOY_OLD, Stage.PROBED_BAD, Stage.PROBED)
"""Stages of a promotion that moved the slot and gave it back, because its approval lapsed."""
SWITCHED = (Stage.PLANNED, Stage.WROTE_NOW, Stage.WROTE_OLD)
BACK = (Stage.BACK_PLANNED, Stage.BACK_NOW, Stage.BACK_OLD)
WATCHES = (Stage.WATCHED, Stage.BAKED, Stage.OVERDUE)
SHORT = (Stage.SHORT_NOW, Stage.SHORT_OLD)
MARKED = (Stage.ADOPT_PLANNED, Stage.ADOPT_WROTE_NOW, Stage.ADOPT_WROTE_OLD)
GRANTED_ONCE = (Votes.ENOUGH, Votes.LAPSED, Votes.LAPSED_LAST)


def scenes(place: Place) -> Iterator[Scene]:
    """Every combination that is walked in this environment."""
    for stage, votes, end, mover, serves in product(Stage, Votes, End, Mover, Serves):
        if not whole(place, stage, votes, end, mover, serves):
            continue
        for at in beside(stage, end):
            if serves or (Retiring.SERVES is not at.retiring and at.stopped not in NEED_STABLE):
                yield Scene(place, stage, votes, end, mover, serves, at)
    yield from rollouts(place)


def rollouts(place: Place) -> Iterator[Scene]:
    """A canary on its way. Where it is, and who was asked, is walked with the other plan."""
    asked = (Votes.ENOUGH, Votes.LAPSED) if place.ruled else (Votes.NOT_ASKED,)
    for stage, roll, end, serves in product(Stage, STEPS, End, (Serves.NOTHING, Serves.BLUE)):
        for note in Note:
            scene = Scene(place, stage, asked[0], end, Mover.THIS, serves, Beside(), roll, note)
            if not rolls(scene):
                continue
            yield from (scene._replace(beside=at) for at in beside_rollout(note))
            if end is End.NONE and note is Note.NONE:
                yield from (scene._replace(votes=votes) for votes in asked[1:])


def simple_scenes(place: Place) -> Iterator[Scene]:
    """The same with nothing beside the promotion: the fast subset."""
    return (scene for scene in scenes(place) if scene.beside == Beside())


def rolls(scene: Scene) -> bool:
    """Can a canary be like this, and is it walked?"""
    stage, roll, serves = scene.stage, scene.roll, bool(scene.serves)
    if scene.place not in (Place.FIRST, Place.LATER_RULED) or not Stage.PROBED <= stage <= Stage.BACK_OLD:
        return False
    if not serves and (roll is not Roll.WHOLE or stage in (Stage.BETWEEN, *BACK)):
        return False  # a first deployment has one step, and nothing to go back to
    if stage is Stage.PROBED and serves and roll is not Roll.MIRROR:
        return False
    if (stage is Stage.BETWEEN and roll is Roll.MIRROR) or (
        stage is Stage.THROUGH and roll is not Roll.WHOLE
    ):
        return False
    if scene.note is not Note.NONE and stage not in WATCHES:
        return False
    if scene.end is End.LIVE:
        return stage is Stage.THROUGH
    return scene.end is End.FAILED or stage not in BACK


# ---- what the promotion's own rows can say --------------------------------------------------------------


def whole(place: Place, stage: Stage, votes: Votes, end: End, mover: Mover, serves: Serves) -> bool:
    """Can the rows be like this? Only our own commits write them."""
    if stage in (*WATCHES, Stage.BETWEEN, Stage.THROUGH):
        return False  # see rollouts
    if stage is Stage.ABSENT:
        return votes is Votes.NOT_ASKED and end is End.NONE and mover is not Mover.THIS
    return (
        _stage_exists(place, stage, serves)
        and _votes_fit(place, stage, votes, end, mover)
        and _end_fits(stage, end, mover)
        and _mover_fits(place, stage, end, mover)
    )


def _stage_exists(place: Place, stage: Stage, serves: Serves) -> bool:
    if serves is Serves.JUST:
        return False  # only the slot's own look asks since when
    if stage is Stage.NEW:
        return not place.later  # an offer brings the digest with it
    if stage in (Stage.FROZEN, Stage.CHOSEN):
        return place.later  # the first environment deploys in place
    return bool(serves) or stage not in (Stage.SAME_BYTES, Stage.OVERTAKEN, *BACK)  # of what serves


def _votes_fit(place: Place, stage: Stage, votes: Votes, end: End, mover: Mover) -> bool:
    if not place.ruled or stage < Stage.GATED or stage.adopts:
        return votes is Votes.NOT_ASKED  # nobody is asked without a rule, before the gates, or by an adoption
    if end is not End.NONE:
        withdrawn = votes is Votes.LATE and end is End.FAILED and stage is Stage.GATED
        return (
            votes is Votes.ENOUGH or withdrawn
        )  # a verdict closes the request: its votes are no longer read
    if mover is Mover.THIS:  # votes after the quorum are refused; asking anew gives the slot back; and a
        return votes in (*GRANTED_ONCE, Votes.NOT_ASKED)  # rule may be added while the slot is moved
    return True


def _end_fits(stage: Stage, end: End, mover: Mover) -> bool:
    if end is End.LIVE:
        return mover is Mover.THIS and stage in (*SWITCHED, *MARKED)
    return end is End.FAILED or stage not in BACK  # the way back begins with a verdict


def _mover_fits(place: Place, stage: Stage, end: End, mover: Mover) -> bool:
    if stage < Stage.TURN:
        return mover is not Mover.THIS
    if mover is Mover.THIS or (end is End.FAILED and stage >= Stage.NAMED and not stage.adopts):
        return True  # an operator's command may take the slot from a promotion that has lost
    return place.ruled and stage in RELEASABLE  # and a lapsed approval gives it back, before traffic moves


# ---- what is walked beside it -----------------------------------------------------------------------------

NEED_STABLE = (
    Stopped.CHANGED,
    Stopped.RESTORE,
    Stopped.RESTORE_NOW,
    Stopped.RESTORE_OLD,
    Stopped.RESTORE_LATE,
)
"""These compare with what serves."""


def beside(stage: Stage, end: End) -> tuple[Beside, ...]:
    """Nothing; or one thing at a time; or, where nothing of the promotion's has effect, all together."""
    if stage is Stage.ABSENT:
        return _absent()
    if stage.adopts or end is not End.NONE or stage >= Stage.TURN or stage in SHORT:
        return _one_at_a_time()
    return _all_together()


@cache
def beside_rollout(note: Note) -> tuple[Beside, ...]:
    """What stops a rollout, ends it, or comes beside it."""
    if note is not Note.NONE:
        return (Beside(), Beside(stopped=Stopped.HELD))
    return (
        Beside(),
        *(Beside(stopped=s) for s in (Stopped.HELD, Stopped.FROZEN)),
        *(Beside(pending=p) for p in (Pending.ABORT, Pending.HOLD, Pending.RESUME)),
        *(Beside(claim=c) for c in (Claim.LIVE, Claim.DEAD)),
        *(Beside(backoff=True), Beside(newer=Newer.READY), Beside(outbox=Outbox.DUE)),
    )


@cache
def _absent() -> tuple[Beside, ...]:
    """Without a promotion there is no newer one either (it would be the one looked at), nor back-off."""
    slot = [Beside(r, stopped=s, claim=c) for r, s, c in product(Retiring, Stopped, Claim)]
    return (
        *slot,
        *(b for b in _one_at_a_time() if b not in slot and b.newer is Newer.NONE and not b.backoff),
    )


@cache
def _one_at_a_time() -> tuple[Beside, ...]:
    """Whoever moves the slot, or has a verdict, steps first, and ends the decision unless it waits; so of
    what lies beside it no two are read together. What it does not read at all is walked in one value.
    """
    return (
        Beside(),
        *(Beside(retiring=r) for r in (Retiring.WARM, Retiring.DUE)),
        Beside(newer=Newer.READY),
        *(Beside(pending=p) for p in Pending if p is not Pending.NONE),
        *(Beside(stopped=s) for s in (Stopped.HELD, Stopped.CHANGED, Stopped.RESTORE)),
        *(Beside(stopped=s) for s in (Stopped.FREEZING, Stopped.FROZEN)),
        *(Beside(claim=c) for c in (Claim.LIVE, Claim.DEAD)),
        *(Beside(stopped=Stopped.HELD, claim=Claim.DEAD), Beside(stopped=Stopped.HELD, backoff=True)),
        *(Beside(offering=True), Beside(backoff=True), Beside(resting=True)),
        *(Beside(outbox=o) for o in Outbox if o is not Outbox.NONE),
    )


@cache
def _all_together() -> tuple[Beside, ...]:
    """Before its turn a promotion touches nothing, so few endpoints are enough, and all this fits in."""
    stops = (Stopped.NO, Stopped.HELD, Stopped.CHANGED)
    slot = [
        Beside(r, n, stopped=s, claim=c, backoff=b)
        for r, n, s, c, b in product(Retiring, Newer, stops, Claim, (False, True))
    ]
    facts = product(Pending, Stopped, (False, True), (False, True))
    rest = [Beside(pending=p, stopped=s, offering=o, resting=r) for p, s, o, r in facts]
    owed = product((Newer.NONE, Newer.READY), (False, True), Claim, Outbox)
    rest += [Beside(newer=n, backoff=b, claim=c, outbox=o) for n, b, c, o in owed]
    return (*slot, *(b for b in rest if b not in slot))
