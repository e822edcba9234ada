"""The traffic guard: every weight change and every deletion of ours passes through `guard`. Pure.

There is no flag to skip it. It answers why a write must not happen; empty text means it may.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from orchestrator.model import Promotion, Slot
from orchestrator.plan import MIRROR_MOST, RolloutPlan, RolloutStep
from orchestrator.seen import Split
from orchestrator.world import TAG_SLOT, Action, EndpointSeen, Verb

_NO_COPIES: Mapping[str, int] = MappingProxyType({})


# ---- what a plan means in weights --------------------------------------------------------------------------


def split_of(step: RolloutStep, candidate: str, slot: Slot) -> Split:
    """The weights of one step, beside what serves."""
    stable = slot.serving.deployment if slot.serving else ""
    weights = {candidate: step.weight if stable else 100, stable: 100 - step.weight}
    copies = {candidate: step.mirror} if step.mirror else {}
    return Split({name: weight for name, weight in weights.items() if name and weight}, copies)


def before(slot: Slot) -> Split:
    """How traffic is before a rollout, and after a rollback."""
    return Split({slot.serving.deployment: 100} if slot.serving else {})


def ours(p: Promotion, plan: RolloutPlan, slot: Slot) -> tuple[Split, ...]:
    """Whatever this rollout has written so far; the last one is what it writes now."""
    steps = plan.steps[: p.step + 1] if p.candidate else ()
    return (before(slot), *(split_of(step, p.candidate, slot) for step in steps))


def holder(split: Split, slot: Slot) -> str:
    """Which deployment the tag names: what has all requests, else what served before."""
    whole = [name for name, weight in split.weights.items() if weight == 100]
    return whole[0] if whole else slot.serving.deployment if slot.serving else ""


def tagged(split: Split) -> str:
    """The weights as a tag says them."""
    weights = [f"{name} {weight}" for name, weight in sorted(split.weights.items()) if weight]
    return ", ".join([*weights, *(f"mirror {name} {share}" for name, share in split.mirror.items() if share)])


# ---- the guard ---------------------------------------------------------------------------------------------


def guard(
    endpoint: EndpointSeen,
    slot: Slot,
    action: Action,
    p: Promotion | None = None,
    plan: RolloutPlan | None = None,
) -> str:
    """Why this action must not be done at this endpoint (S2, S3, S8); empty: it may."""
    if action.verb is Verb.REMOVE:
        return refuse_removal(endpoint, action.deployment, slot)
    if action.verb is Verb.RETIRE:
        return refuse_retirement(endpoint, slot)
    candidate = p.candidate if p is not None else ""
    if action.verb is Verb.ROLL_BACK:  # where an operator's journaled word sends it, and nowhere else
        candidate = slot.rollback.to.deployment if slot.rollback else ""
    refusal = refuse_weights(endpoint, action.weights, slot, candidate, action.mirror)
    if refusal or p is None or plan is None:
        return refusal
    written = ours(p, plan, slot)
    if action.split not in (written[0], written[-1]):
        return f"{action.split} is neither step {p.step + 1} of the plan nor the way back"
    return ""


def foreign(endpoint: EndpointSeen, slot: Slot) -> str:
    """Why the endpoint is not ours to touch; empty: it carries our mark."""
    owner = endpoint.tags.get(TAG_SLOT, "")
    if owner == str(slot.key):
        return ""
    whose = f"carries the mark of {owner}" if owner else "was not made by Greenlight"
    return f"endpoint {endpoint.name} exists and {whose}; adopt it or give the slot another name"


def refuse_weights(
    endpoint: EndpointSeen,
    weights: Mapping[str, int],
    slot: Slot,
    candidate: str,
    mirror: Mapping[str, int] = _NO_COPIES,
) -> str:
    """S2: weights sum to 100, name only `Succeeded` deployments, and only the candidate and what serves."""
    if foreign(endpoint, slot):
        return foreign(endpoint, slot)
    if not endpoint.at_rest:
        return f"endpoint {endpoint.name} is {endpoint.state}"
    if sum(weights.values()) != 100 or any(w < 0 for w in weights.values()):
        return f"weights {dict(weights)} do not sum to 100"
    for name, weight in (*weights.items(), *mirror.items()):
        if not weight:
            continue
        deployment = endpoint.deployments.get(name)
        if deployment is None or deployment.state != "Succeeded":
            state = deployment.state if deployment else "missing"
            return f"deployment {name} is {state}, so it may not get traffic"
        if name != candidate and not (slot.serving and name == slot.serving.deployment):
            return f"deployment {name} is neither the candidate nor what serves"
    return _refuse_mirror(mirror, weights)


def _refuse_mirror(mirror: Mapping[str, int], weights: Mapping[str, int]) -> str:
    """What the platform takes: one deployment without requests of its own, at most half."""
    for name, share in mirror.items():
        if len(mirror) > 1 or weights.get(name) or not 0 < share <= MIRROR_MOST:
            return f"copies of {dict(mirror)}: one deployment without traffic, at most {MIRROR_MOST} %"
    return ""


def refuse_removal(endpoint: EndpointSeen, name: str, slot: Slot) -> str:
    """S3: what serves, or gets any traffic, is never deleted."""
    if foreign(endpoint, slot):
        return foreign(endpoint, slot)
    if endpoint.traffic.get(name, 0):
        return f"deployment {name} has {endpoint.traffic[name]} % of the traffic"
    if endpoint.mirror.get(name, 0):
        return f"deployment {name} gets copies of {endpoint.mirror[name]} % of the requests"
    if slot.serving and name == slot.serving.deployment:
        return f"deployment {name} is recorded as serving"
    found = endpoint.deployments.get(name)
    if name in slot.orphaned and found is not None and found.slot != str(slot.key):
        return f"deployment {name} does not carry our mark"
    if slot.rollback and name == slot.rollback.to.deployment:
        return f"deployment {name} is what the slot is being rolled back to"
    return ""


def refuse_retirement(endpoint: EndpointSeen, slot: Slot) -> str:
    """S3: an endpoint is deleted on an operator's journaled word for exactly it, and while nothing moves."""
    if foreign(endpoint, slot):
        return foreign(endpoint, slot)
    if slot.retirement is None or slot.retirement.endpoint.lower() != endpoint.name.lower():
        return f"nobody has retired endpoint {endpoint.name}"
    return f"promotion #{slot.mover} is moving the slot" if slot.mover is not None else ""
