"""An abstract Azure ML: what our calls do to it, what it does by itself, and what people do besides.

Nobody else writes to it here. A write takes effect at once and is read only later; a call may be carried out
although its answer is lost; and the last call of a worker that died may arrive at any later time.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple, cast

from orchestrator.seen import RunSeen
from orchestrator.world import Action, Look, Sight, Verb
from tests.core.enumeration.ahead import WELL
from tests.core.enumeration.axes import (
    Claim,
    End,
    Mover,
    Newer,
    Outbox,
    Pending,
    Retiring,
    Roll,
    Scene,
    Serves,
    Stage,
    Stopped,
    Votes,
)
from tests.core.enumeration.axes_outside import Dep, Health, Kind, Online, Owner, Target, Traffic
from tests.core.enumeration.figures import CANDIDATE, SPLITS
from tests.core.enumeration.healths import HEALTHS
from tests.core.enumeration.outside import OF_STEPS, OWNERS, TARGETS, seen
from tests.core.enumeration.reading import Part, part_of
from tests.core.enumeration.scenes import WATCHES

OLDER = {
    Stage.DEPLOY_NOW: Stage.DEPLOY_OLD,
    Stage.WROTE_NOW: Stage.WROTE_OLD,
    Stage.BACK_NOW: Stage.BACK_OLD,
    Stage.WATCHED: Stage.BAKED,
    Stage.BAKED: Stage.OVERDUE,
    Stage.ADOPT_WROTE_NOW: Stage.ADOPT_WROTE_OLD,
}
AT_REST = (Kind.SUCCEEDED, Kind.FAILED)


class Trial(Enum):
    """What may go otherwise than well, besides what the platform does by itself."""

    CRASH = auto()
    """Workers die between their claim and its result: the call is made, not made, or made much later."""
    TROUBLE = auto()
    """Calls fail, for a while or for good, or succeed without an answer."""
    ABORT = auto()
    HOLD = auto()
    OTHERS = auto()
    """A newer registration arrives; another promotion moves the slot meanwhile, and may go live."""
    RULE = auto()
    """An approval rule is added while the promotion is on its way."""


class Outside(NamedTuple):
    """Everything outside our own rows."""

    online: Online
    """What is so. While `stale` says so, the traffic is read as it was before."""
    stale: Traffic | None = None
    owner: Owner = Owner.NOBODY
    target: Target = Target.ABSENT
    health: Health = Health.WELL
    """What the metrics say of the step that is watched."""
    late: Traffic | None = None
    """Traffic that a dead worker's call, still under way, will set."""

    @property
    def read(self) -> Online:
        """The endpoint as a look finds it. A write changes the tags together with the weights."""
        return self.online if self.stale is None else self.online._replace(traffic=self.stale)


class Node(NamedTuple):
    """A world: our rows and everything outside."""

    scene: Scene
    outside: Outside


def fact(outside: Outside, look: Look) -> object:
    """What looking finds."""
    match look.sight:
        case Sight.NAME:
            return OWNERS[outside.owner]
        case Sight.ENDPOINT:
            return seen(outside.read)
        case Sight.TARGET:
            return TARGETS[outside.target]
        case Sight.FREE_VERSION:
            return "8"
        case Sight.FROZEN:
            return True
        case Sight.NAMESAKE | Sight.MODEL_FILE | Sight.CAPACITY | Sight.RIGHTS:
            return WELL[look.sight]
        case Sight.RUN:
            return RunSeen({"auc": 0.9})
        case Sight.HEALTH:
            return HEALTHS[outside.health]
        case _:
            raise AssertionError(look)


def told(outside: Outside, part: Part) -> object:
    """What reading this part of the outside tells; see reading.py."""
    look, *more = part
    match cast("Look", look).sight:
        case Sight.ENDPOINT:
            endpoint = seen(outside.read)
            return part_of(endpoint, tuple(more)) if endpoint is not None and more else endpoint is None
        case Sight.NAME:
            return outside.owner
        case Sight.TARGET:
            return outside.target
        case Sight.HEALTH:
            return outside.health
        case _:
            return None  # always the same


# ---- what our calls do ---------------------------------------------------------------------------------


def refuses(outside: Outside, action: Action) -> bool:
    """Would the platform answer no, or not now?"""
    online = outside.online
    match action.verb:
        case Verb.CREATE_ENDPOINT:
            return online.kind is not Kind.ABSENT
        case Verb.DEPLOY:
            return online.kind not in AT_REST or online.candidate is not Dep.ABSENT
        case Verb.WRITE_TRAFFIC:
            return online.kind not in AT_REST or not stand(online, traffic_of(action))
        case Verb.REMOVE:
            given = (Traffic.CANDIDATE, Traffic.MIRROR, Traffic.TENTH)
            has_traffic = action.deployment == CANDIDATE and online.traffic in given
            return online.kind not in AT_REST or has_traffic
        case _:
            return False


def effect(outside: Outside, action: Action) -> Outside:
    """The outside once the call is carried out."""
    online = outside.online
    match action.verb:
        case Verb.CLAIM_NAME:
            return outside._replace(owner=Owner.US)
        case Verb.REGISTER:
            return outside._replace(target=Target.OURS)
        case Verb.CREATE_ENDPOINT:
            return outside._replace(online=Online(Kind.CREATING))
        case Verb.DEPLOY:
            return outside._replace(online=online._replace(candidate=Dep.CREATING))
        case Verb.WRITE_TRAFFIC:
            return written(outside, traffic_of(action))
        case Verb.MARK:
            return written(outside, online.traffic)
        case Verb.RESTORE:
            return written(outside, Traffic.STABLE)
        case Verb.REMOVE if action.deployment == CANDIDATE:
            return outside._replace(online=online._replace(candidate=Dep.DELETING))
        case Verb.REMOVE:
            return outside._replace(online=online._replace(retired=Dep.DELETING))
        case _:
            return outside


def traffic_of(action: Action) -> Traffic:
    """What a traffic write makes of the weights."""
    for traffic, roll in OF_STEPS.items():
        if action.split == SPLITS[roll]:
            return traffic
    return Traffic.CANDIDATE if CANDIDATE in action.weights else Traffic.STABLE


def stand(online: Online, traffic: Traffic) -> bool:
    """Do all that it names stand?"""
    named = {
        Traffic.CANDIDATE: (online.candidate,),
        Traffic.STABLE: (online.stable,),
    }.get(traffic, (online.candidate, online.stable))
    return all(dep is Dep.SUCCEEDED for dep in named)


def written(outside: Outside, traffic: Traffic) -> Outside:
    """Weights and tags are replaced together; for a while both are read as they were."""
    online = outside.online
    stale = outside.stale or (None if traffic is online.traffic else online.traffic)
    online = online._replace(kind=Kind.UPDATING, traffic=traffic, tag_right=True)
    return outside._replace(online=online, stale=stale)


# ---- what happens by itself ----------------------------------------------------------------------------


def moves(node: Node, trials: frozenset[Trial]) -> Iterator[Node]:
    """Every next world that needs no action of ours."""
    for outside in _platform(node.outside):
        yield node._replace(outside=outside)
    if node.scene.stage in WATCHES:
        for health in Health:
            if health is not node.outside.health and Health.WELL in (health, node.outside.health):
                yield node._replace(outside=node.outside._replace(health=health))
    for scene in _people(node.scene, trials):
        yield node._replace(scene=scene)
    if node.outside.stale is None:  # what was written is readable within the time that we wait for it
        later = older(node.scene)
        if later != node.scene:
            yield node._replace(scene=later)
    if Trial.OTHERS in trials:
        yield from _others(node)


def _platform(outside: Outside) -> Iterator[Outside]:
    online = outside.online
    if online.kind is Kind.CREATING:
        yield outside._replace(online=online._replace(kind=Kind.SUCCEEDED))
        yield outside._replace(online=online._replace(kind=Kind.FAILED))
    if online.kind is Kind.UPDATING:
        yield outside._replace(online=online._replace(kind=Kind.SUCCEEDED))
        if outside.stale is not None:  # the write is taken back
            failed = online._replace(kind=Kind.FAILED, traffic=outside.stale)
            yield outside._replace(online=failed, stale=None)
    elif outside.stale is not None:
        yield outside._replace(stale=None)
    if online.candidate is Dep.CREATING:
        yield outside._replace(online=online._replace(candidate=Dep.SUCCEEDED))
        yield outside._replace(online=online._replace(candidate=Dep.FAILED))
    if online.candidate is Dep.DELETING:
        yield outside._replace(online=online._replace(candidate=Dep.ABSENT))
    if online.retired is Dep.DELETING:
        yield outside._replace(online=online._replace(retired=Dep.ABSENT))
    yield from _arrives(outside)


def _arrives(outside: Outside) -> Iterator[Outside]:
    """A call of a worker that died arrives: it is carried out, or refused as any other."""
    if outside.late is None:
        return
    yield outside._replace(late=None)
    online = outside.online
    if online.kind in AT_REST and stand(online, outside.late):
        yield written(outside, outside.late)._replace(late=None)


def _people(scene: Scene, trials: frozenset[Trial]) -> Iterator[Scene]:
    if scene.votes is Votes.OPEN:
        yield scene._replace(votes=Votes.LATE)
    if scene.votes in (Votes.UNTOLD, Votes.OPEN, Votes.LATE):
        for votes in (Votes.QUORUM, Votes.REJECTED, Votes.EXPIRED):
            yield scene._replace(votes=votes)
    commands = []
    if Trial.ABORT in trials and scene.end is End.NONE:
        commands.append(Pending.ABORT)
    if Trial.ABORT in trials and scene.end is End.NONE and scene.votes in (Votes.OPEN, Votes.LATE):
        commands += [Pending.WITHDRAW, Pending.EXTEND]  # at other times they are walked, see scenes.py
    if Trial.HOLD in trials:
        commands.append(Pending.RESUME if scene.beside.stopped is Stopped.HELD else Pending.HOLD)
    if scene.beside.pending is Pending.NONE:
        for command in commands:
            yield scene._replace(beside=scene.beside._replace(pending=command))
    if Trial.RULE in trials and scene.roll is Roll.ONE and not scene.place.ruled and scene.end is End.NONE:
        yield scene._replace(place=type(scene.place)[f"{scene.place.name}_RULED"])


def older(scene: Scene) -> Scene:
    """A while later."""
    at = scene.beside
    claim = Claim.DEAD if at.claim is Claim.LIVE else at.claim
    retiring = Retiring.DUE if at.retiring is Retiring.WARM else at.retiring
    outbox = Outbox.TRIED if at.outbox is Outbox.LATER else at.outbox
    return scene._replace(
        stage=OLDER.get(scene.stage, scene.stage),
        beside=at._replace(claim=claim, retiring=retiring, backoff=False, resting=False, outbox=outbox),
    )


def _others(node: Node) -> Iterator[Node]:
    """A newer registration comes, gets ready or fails its gate; another promotion moves the slot and ends."""
    scene, at = node.scene, node.scene.beside
    following = {Newer.NONE: (Newer.GATING,), Newer.GATING: (Newer.READY, Newer.BELOW_GATE)}
    if scene.place.ruled:
        following[Newer.READY] = (Newer.GRANTED,)
    for newer in following.get(at.newer, ()):
        yield node._replace(scene=scene._replace(beside=at._replace(newer=newer)))
    if scene.mover is not Mover.OTHER:
        return
    yield node._replace(scene=scene._replace(mover=Mover.NONE))
    asked = (
        scene.votes in (Votes.UNTOLD, Votes.OPEN, Votes.LATE, Votes.QUORUM, Votes.ENOUGH)
        and scene.end is End.NONE
    )
    stands = node.outside.online._replace(kind=Kind.SUCCEEDED, stable=Dep.SUCCEEDED, traffic=Traffic.STABLE)
    yield Node(
        scene._replace(mover=Mover.NONE, serves=Serves.BLUE, votes=Votes.LAPSED if asked else scene.votes),
        node.outside._replace(online=stands, stale=None, owner=Owner.US),
    )
