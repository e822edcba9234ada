"""An abstract scene -> the rows and the setting that `decide` is given. Parts are built once and shared."""

from __future__ import annotations

from functools import cache

from orchestrator import model as m
from orchestrator.approval import Decision, Request, Vote
from orchestrator.outbox import EVENTS
from orchestrator.policy import (
    EnvironmentPolicy,
    MetricGate,
    ProbePolicy,
    RolloutPolicy,
    SlotPolicy,
)
from orchestrator.world import Setting
from tests.core.enumeration.axes import (
    Mover,
    Newer,
    Pending,
    Place,
    Roll,
    Scene,
    Stage,
    Stopped,
    Votes,
)
from tests.core.enumeration.build_promotion import (
    asked,
    incumbent,
    newer,
    older_one,
    promotion,
    request,
    vote,
)
from tests.core.enumeration.build_rollout import on_its_way
from tests.core.enumeration.build_slot import fact, slot
from tests.core.enumeration.figures import (
    APPROVAL,
    CANARY,
    ENDPOINT,
    FREEZE,
    NEW_DIGEST,
    NEWER,
    NOW,
    OLDER,
    THIS,
    WARM,
    WORKSPACE,
)


def setting_of(scene: Scene) -> Setting:
    """What is decided under."""
    at = scene.beside
    frozen = at.stopped in (Stopped.FREEZING, Stopped.FROZEN)
    queued, paused = at.newer is Newer.READY_QUEUED, at.stopped is Stopped.PAUSED
    return setting(scene.place, queued, paused, frozen, scene.roll is not Roll.ONE)


@cache
def setting(
    place: Place, queued: bool = False, paused: bool = False, frozen: bool = False, canary: bool = False
) -> Setting:
    env = EnvironmentPolicy(
        name="qa",
        workspace=WORKSPACE,
        approval=APPROVAL if place.ruled else None,
        rollout=CANARY if canary else RolloutPolicy(warm=WARM),
        newer_version="queue" if queued else "supersede",
    )
    policy = SlotPolicy(
        env=env,
        probe=ProbePolicy(request="request.json"),
        gates=(MetricGate(metric="auc", min=0.8),),
        endpoint=ENDPOINT,
        first=not place.later,
        next_env="" if place.later else "prod",
    )
    return Setting(
        policy=policy,
        now=NOW,
        channels=("queue",) if place.ruled else ("queue", EVENTS),
        paused="at night" if paused else "",
        freeze=FREEZE if frozen else None,
    )


def state_of(scene: Scene) -> m.SlotState:
    """The rows of the slot."""
    at = scene.beside
    promotions: dict[int, m.Promotion] = {}
    requests: dict[int, Request] = {}
    votes: dict[int, tuple[Vote, ...]] = {}
    if scene.mover is Mover.OTHER:
        promotions[OLDER] = older_one()
    if scene.stage is not Stage.ABSENT:
        serves = bool(scene.serves)
        made = promotion(scene.place, scene.stage, scene.votes, scene.end, serves, at.backoff)
        promotions[THIS] = made if scene.roll is Roll.ONE else on_its_way(made, scene)
        if scene.votes is not Votes.NOT_ASKED:
            requests[THIS], votes[THIS] = asked(scene.votes, serves)
    if at.newer is not Newer.NONE:
        promotions[NEWER] = newer(scene.place, at.newer)
        if scene.place.ruled and at.newer in (Newer.READY, Newer.READY_QUEUED, Newer.GRANTED):
            made = request(NEWER, NEW_DIGEST, incumbent(bool(scene.serves)), told=True)
            requests[NEWER] = made
            votes[NEWER] = (vote(made, Decision.APPROVE),) if at.newer is Newer.GRANTED else ()
    there = at.pending not in (Pending.NONE, Pending.LOST)
    facts = {"fact": fact(scene.place, at.pending)} if there else {}
    return m.SlotState(
        slot(tuple(promotions), scene.serves, scene.mover, at), promotions, requests, votes, facts
    )
