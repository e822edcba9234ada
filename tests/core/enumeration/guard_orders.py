"""S3, S8 of the guard: what a plan lets a rollout write, and what only an operator's journaled word does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from types import ModuleType

from orchestrator.model import Serving, Slot
from orchestrator.rollout_policy import rollout
from orchestrator.seen import Split
from orchestrator.serving import Orphan, Retirement, Rollback
from orchestrator.world import Action, EndpointSeen, Verb
from tests.core.enumeration.axes import Beside, End, Mover, Place, Scene, Serves, Stage, Votes
from tests.core.enumeration.axes_outside import Dep, Kind, Online, Traffic
from tests.core.enumeration.build import state_of
from tests.core.enumeration.build_slot import serving
from tests.core.enumeration.figures import (
    ANA,
    CANARY,
    CANDIDATE,
    ENDPOINT,
    NOW,
    RETIRED,
    SPLITS,
    STABLE,
    STEPS,
    STRANGER,
    THIS,
)
from tests.core.enumeration.outside import seen

BACK = Split({STABLE: 100})
WORD = {"by": ANA, "name": "Ana", "reason": "because", "at": NOW}


def _endpoint(kind: Kind, traffic: Traffic = Traffic.STABLE) -> EndpointSeen:
    found = seen(Online(kind, Dep.SUCCEEDED, Dep.SUCCEEDED, Dep.SUCCEEDED, traffic))
    assert found is not None
    return found


def about_plans(guard: ModuleType) -> Iterator[str]:
    """S8: a rollout writes the step at which it is, or everything back, and nothing else."""
    plan = rollout(CANARY, first=False)
    for roll, split, kind in product(STEPS, (*SPLITS.values(), BACK), (Kind.SUCCEEDED, Kind.UPDATING)):
        scene = Scene(
            Place.FIRST, Stage.PLANNED, Votes.NOT_ASKED, End.NONE, Mover.THIS, Serves.BLUE, Beside(), roll
        )
        state = state_of(scene)
        action = Action(verb=Verb.WRITE_TRAFFIC, n=THIS, weights=split.weights, mirror=split.mirror)
        said = guard.guard(_endpoint(kind), state.slot, action, state.promotions[THIS], plan) == ""
        if said != (kind is Kind.SUCCEEDED and split in (SPLITS[roll], BACK)):
            yield f"{split} at {roll}"


def about_orders(guard: ModuleType) -> Iterator[str]:
    """S3: what an operator orders is exactly what may be done, and is kept from being tidied away."""
    blue, bare = serving(Serves.BLUE), Slot(model="titanic", env="qa", serving=serving(Serves.BLUE))
    assert blue is not None
    going_back = replace(bare, rollback=Rollback(**WORD, to=_red(blue)))
    for slot, name in product((bare, going_back), (RETIRED, STABLE, CANDIDATE)):
        back = Action(verb=Verb.ROLL_BACK, n=THIS, deployment=name, weights={name: 100})
        ordered = name == RETIRED and slot is going_back
        if (guard.guard(_endpoint(Kind.SUCCEEDED), slot, back) == "") != (ordered or name == STABLE):
            yield f"going back to {name}"
        removal = Action(verb=Verb.REMOVE, n=THIS, deployment=name)
        if (guard.guard(_endpoint(Kind.SUCCEEDED), slot, removal) == "") != (not ordered and name != STABLE):
            yield f"removing {name}"
    yield from _about_retirement(guard, bare)
    yield from _about_orphans(guard, bare)


def _red(blue: Serving) -> Serving:
    return replace(blue, deployment=RETIRED, version="5", target_version="5")


def _about_retirement(guard: ModuleType, bare: Slot) -> Iterator[str]:
    gone = Action(verb=Verb.RETIRE, n=0)
    for kind, said, mover in product(
        (Kind.SUCCEEDED, Kind.FOREIGN), (None, ENDPOINT, "another"), (None, THIS)
    ):
        word = None if said is None else Retirement(**WORD, endpoint=said)
        slot = replace(bare, retirement=word, mover=mover)
        allowed = kind is Kind.SUCCEEDED and said == ENDPOINT and mover is None
        if (guard.guard(_endpoint(kind), slot, gone) == "") != allowed:
            yield f"retiring on {said}, {mover} moving"


def _about_orphans(guard: ModuleType, bare: Slot) -> Iterator[str]:
    endpoint = _endpoint(Kind.SUCCEEDED)
    stranger = replace(endpoint.deployments[CANDIDATE], name=STRANGER, slot="")
    endpoint = replace(endpoint, deployments={**endpoint.deployments, STRANGER: stranger})
    for name in (CANDIDATE, STRANGER):
        slot = replace(bare, orphaned={name: Orphan(since=NOW)})
        removal = Action(verb=Verb.REMOVE, n=THIS, deployment=name)
        if (guard.guard(endpoint, slot, removal) == "") != (name == CANDIDATE):
            yield f"removing the orphan {name}"
