"""What happens without us: the platform goes on, time passes, people answer and order, others promote."""

from __future__ import annotations

from collections.abc import Iterator

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
from tests.core.enumeration.axes_outside import Dep, Health, Kind, Owner, Traffic
from tests.core.enumeration.platform import AT_REST, Node, Outside, Trial, stand, written
from tests.core.enumeration.scenes import WATCHES

OLDER = {
    Stage.DEPLOY_NOW: Stage.DEPLOY_OLD,
    Stage.WROTE_NOW: Stage.WROTE_OLD,
    Stage.BACK_NOW: Stage.BACK_OLD,
    Stage.WATCHED: Stage.BAKED,
    Stage.BAKED: Stage.OVERDUE,
    Stage.ADOPT_WROTE_NOW: Stage.ADOPT_WROTE_OLD,
}


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
