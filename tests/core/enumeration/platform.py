"""An abstract Azure ML, what looking at it finds, and what our calls do to it; see meanwhile.py for the rest.

Nobody else writes to it here. A write takes effect at once and is read only later; a call may be carried out
although its answer is lost; and the last call of a worker that died may arrive at any later time.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple, cast

from orchestrator.seen import RunSeen
from orchestrator.world import Action, Look, Sight, Verb
from tests.core.enumeration.ahead import WELL
from tests.core.enumeration.axes import (
    Scene,
)
from tests.core.enumeration.axes_outside import Dep, Health, Kind, Online, Owner, Target, Traffic
from tests.core.enumeration.figures import CANDIDATE, SPLITS
from tests.core.enumeration.healths import HEALTHS
from tests.core.enumeration.outside import OF_STEPS, OWNERS, TARGETS, seen
from tests.core.enumeration.reading import Part, part_of

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
