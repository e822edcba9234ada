"""Which values each fact of the outside can have, in a given scene. Built once, shared by all scenes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

from orchestrator.seen import DeploymentSeen, RunSeen, Split
from orchestrator.traffic import tagged
from orchestrator.world import (
    TAG_LIVE,
    TAG_PROMOTION,
    TAG_SLOT,
    TAG_TRAFFIC,
    EndpointSeen,
    Look,
    Sight,
    SourceSeen,
    TargetSeen,
)
from tests.core.enumeration.ahead import ahead
from tests.core.enumeration.axes import (
    Beside,
    Claim,
    End,
    Mover,
    Note,
    Pending,
    Retiring,
    Roll,
    Scene,
    Stage,
    Stopped,
)
from tests.core.enumeration.axes_outside import Dep, Kind, Online, Owner, Source, Target, Traffic
from tests.core.enumeration.build_promotion import NEWEST
from tests.core.enumeration.figures import (
    CANDIDATE,
    DIGEST,
    ENDPOINT,
    FROZEN,
    RETIRED,
    SERVING,
    SLOT,
    SPLITS,
    STABLE,
    STRANGER,
    THIS,
)
from tests.core.enumeration.healths import HEALTHS

SIT_STILL = (Dep.ABSENT, Dep.CREATING, Dep.SUCCEEDED, Dep.FAILED, Dep.DELETING)
HOLDERS = (Dep.SUCCEEDED, Dep.UPDATING, Dep.FAILED)
"""States of a deployment with traffic: the platform deletes none that has any, and gives new ones none."""
IN_FULL = (
    Beside(),
    Beside(stopped=Stopped.HELD),
    Beside(stopped=Stopped.FROZEN),
    Beside(stopped=Stopped.CHANGED),
    Beside(stopped=Stopped.RESTORE),
    Beside(claim=Claim.DEAD),
)
"""What lies beside a promotion while it is walked with every endpoint."""
KINDS = (Kind.SUCCEEDED, Kind.UPDATING, Kind.FAILED, Kind.FOREIGN)
ALL_KINDS = (*KINDS, Kind.UNMARKED)
"""Nobody's mark differs from another slot's only where an operator's word counts."""

OWNERS = {Owner.NOBODY: "", Owner.US: SLOT, Owner.OTHER: "other@qa"}
TARGETS = {
    Target.ABSENT: None,
    Target.OURS: TargetSeen("7", FROZEN, DIGEST),
    Target.OTHER_BYTES: TargetSeen("7", "azureml://elsewhere", ""),
    Target.OTHER_PLACE: TargetSeen("7", "azureml://elsewhere", DIGEST),
}
SOURCES = {
    Source.ABSENT: SourceSeen(None, known=False),
    Source.NEW: SourceSeen(NEWEST, known=False),
    Source.KNOWN: SourceSeen(NEWEST, known=True),
    Source.ARCHIVED: SourceSeen(NEWEST, known=False, archived=True),
}
OF_STEPS = {Traffic.MIRROR: Roll.MIRROR, Traffic.TENTH: Roll.TENTH}
RUNS = (RunSeen({"auc": 0.9}), RunSeen({"auc": 0.1}), RunSeen({}))
_STATES = {Kind.CREATING: "Creating", Kind.UPDATING: "Updating", Kind.FAILED: "Failed"}
_MARKS = {Kind.FOREIGN: {TAG_SLOT: "other@qa"}, Kind.UNMARKED: dict[str, str]()}
_MODELS = {CANDIDATE: "7", STABLE: "6", RETIRED: "5", STRANGER: "9"}


def possible(scene: Scene, look: Look) -> tuple[object, ...]:
    """Every value that the fact can have in this scene."""
    match look.sight:
        case Sight.SOURCE:
            return tuple(SOURCES.values())
        case Sight.RUN:
            return RUNS
        case Sight.NAME:
            return tuple(OWNERS.values())
        case Sight.ENDPOINT:
            return endpoints(scene)
        case Sight.TARGET:
            return tuple(TARGETS.values())
        case Sight.FREE_VERSION:
            return ("8",)
        case Sight.FROZEN:
            return (True, False)
        case Sight.NAMESAKE | Sight.MODEL_FILE | Sight.CAPACITY | Sight.RIGHTS:
            return ahead(scene, look.sight)
        case Sight.HEALTH:
            return tuple(HEALTHS.values())


def endpoints(scene: Scene) -> tuple[EndpointSeen | None, ...]:
    """The endpoint in every state, for whoever may touch it or judges how it is; else in few.

    What is retired is looked at only while nobody moves the slot; with a promotion open beside it, in few.
    """
    stage, at = scene.stage, scene.beside
    named = stage >= Stage.NAMED
    red = at.retiring in (Retiring.WARM, Retiring.DUE) and scene.mover is not Mover.THIS
    ordered = at.pending in (Pending.ADOPT, Pending.RESTORE) or at.stopped is not Stopped.NO or stage.adopts
    alone = stage is Stage.ABSENT
    watched = stage in (Stage.GATED, Stage.NAMED) and at == Beside(backoff=True)
    touches = (scene.mover is Mover.THIS or scene.end is End.FAILED) and at in IN_FULL
    full = alone or touches or watched
    if scene.roll is not Roll.ONE:
        full = at == Beside() and scene.note in (Note.NONE, Note.HEALTHY)
        return _endpoints(full, named, bool(scene.serves), red, ordered, steps=True)
    return _endpoints(full, named, bool(scene.serves), red, ordered or alone)


@cache
def _endpoints(
    full: bool, named: bool, serves: bool, red: bool, unmarked: bool, steps: bool = False
) -> tuple[EndpointSeen | None, ...]:
    return tuple(seen(online) for online in onlines(full, named, serves, red, unmarked, steps))


def onlines(
    full: bool, named: bool, serves: bool, red: bool, unmarked: bool = False, steps: bool = False
) -> Iterator[Online]:
    """An endpoint that is being created has no deployments. A candidate without a name has none."""
    kinds = ALL_KINDS if unmarked else KINDS
    yield Online(Kind.ABSENT)
    yield Online(Kind.CREATING)
    for traffic in Traffic:
        if (traffic is Traffic.STABLE and not serves) or (traffic is Traffic.RETIRED and not red):
            continue
        if traffic in (Traffic.CANDIDATE, Traffic.SPLIT) and not named:
            continue
        if traffic in OF_STEPS and not (steps and serves):
            continue
        yield from (_in_full if full else _in_few)(kinds, traffic, named, serves, red)


def _in_few(
    kinds: tuple[Kind, ...], traffic: Traffic, named: bool, serves: bool, red: bool
) -> Iterator[Online]:
    if traffic in (Traffic.SPLIT, Traffic.RETIRED) or (serves and traffic is Traffic.NONE):
        return
    stable = Dep.SUCCEEDED if serves else Dep.ABSENT
    candidates = (Dep.ABSENT, Dep.SUCCEEDED) if named else (Dep.ABSENT,)
    if traffic in (Traffic.CANDIDATE, *OF_STEPS):
        candidates = (Dep.SUCCEEDED,)
    for kind, c, retired in product(kinds, candidates, _states_of(False, red)):
        yield Online(kind, c, stable, retired, traffic)


def _in_full(
    kinds: tuple[Kind, ...], traffic: Traffic, named: bool, serves: bool, red: bool
) -> Iterator[Online]:
    candidates = _states_of(traffic in (Traffic.CANDIDATE, Traffic.SPLIT, *OF_STEPS), named)
    stables = _states_of(traffic in (Traffic.STABLE, Traffic.SPLIT, *OF_STEPS), serves)
    retireds = _states_of(traffic is Traffic.RETIRED, red)
    whole = traffic not in (Traffic.NONE, Traffic.SPLIT, Traffic.FOREIGN)  # else the tags say nothing
    for kind, c, s, r, right in product(kinds, candidates, stables, retireds, (True, False)):
        if right or whole:
            yield Online(kind, c, s, r, traffic, right)
        if right and kind is Kind.SUCCEEDED and c is Dep.SUCCEEDED and r is Dep.ABSENT:
            yield Online(kind, c, s, r, traffic, other=True)


def _states_of(holds: bool, known: bool) -> tuple[Dep, ...]:
    if not known:
        return (Dep.ABSENT,)
    return HOLDERS if holds else SIT_STILL


@cache
def seen(online: Online) -> EndpointSeen | None:
    """The endpoint as the shell would read it."""
    if online.kind is Kind.ABSENT:
        return None
    states = {CANDIDATE: online.candidate, STABLE: online.stable, RETIRED: online.retired}
    traffic = split_of(online).weights
    if STRANGER in traffic:
        states[STRANGER] = Dep.SUCCEEDED
    deployments = {
        name: DeploymentSeen(
            name,
            state.name.title(),
            model=("titanic", "9" if online.other and name == CANDIDATE else _MODELS[name]),
            slot="" if name == STRANGER else SLOT,
        )
        for name, state in states.items()
        if state is not Dep.ABSENT
    }
    state, copies = _STATES.get(online.kind, "Succeeded"), split_of(online).mirror
    return EndpointSeen(ENDPOINT, state, traffic, _tags(online), deployments, copies)


def _tags(online: Online) -> dict[str, str]:
    """Our writes set weights, live tag and promotion together; a hand that moves weights leaves the tags."""
    candidate = online.traffic is Traffic.CANDIDATE
    name = CANDIDATE if candidate is online.tag_right else STABLE
    if online.traffic is Traffic.RETIRED and online.tag_right:
        name = RETIRED
    by, said = name, Split({name: 100})
    if online.traffic in OF_STEPS:
        name = STABLE if online.tag_right else CANDIDATE
        by, said = CANDIDATE, split_of(online) if online.tag_right else Split({CANDIDATE: 100})
    numbers = {CANDIDATE: THIS, STABLE: SERVING, RETIRED: 0}
    tags = {
        TAG_LIVE: name,
        TAG_PROMOTION: f"titanic.qa.{_MODELS[by]}.{numbers[by]}",
        TAG_TRAFFIC: tagged(said),
    }
    return tags | _MARKS.get(online.kind, {TAG_SLOT: SLOT})


def split_of(online: Online) -> Split:
    """Who gets how much, and copies of how much."""
    if online.traffic in OF_STEPS:
        return SPLITS[OF_STEPS[online.traffic]]
    return Split(_weights(online))


def _weights(online: Online) -> dict[str, int]:
    match online.traffic:
        case Traffic.NONE:
            return {}
        case Traffic.STABLE:
            return {STABLE: 100}
        case Traffic.CANDIDATE:
            return {CANDIDATE: 100}
        case Traffic.SPLIT:
            return {CANDIDATE: 50, (STRANGER if online.stable is Dep.ABSENT else STABLE): 50}
        case Traffic.RETIRED:
            return {RETIRED: 100}
        case _:
            return {STRANGER: 100}
