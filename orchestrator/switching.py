"""A rollout's traffic write: under the claim, one more look at everything that was approved, then one PUT."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.bound import plan_of
from orchestrator.model import Promotion, SlotState
from orchestrator.observe import endpoint_seen, files_intact, target_seen
from orchestrator.outside import Outside
from orchestrator.traffic import guard, ours, tagged
from orchestrator.world import (
    TAG_LIVE,
    TAG_PROMOTION,
    TAG_SLOT,
    TAG_TRAFFIC,
    Action,
    Asked,
    EndpointSeen,
    Outcome,
    Trouble,
)
from shared.names import promotion_id

if TYPE_CHECKING:
    from orchestrator.policy import SlotPolicy


def switch(
    outside: Outside,
    held: Callable[[SlotState], None],
    state: SlotState,
    policy: SlotPolicy,
    action: Action,
) -> Outcome:
    """Weights and tag in one PUT, from the journaled decision; the world is read just before it.

    `held` raises when the claim may not outlive the call.
    """
    p = state.promotions[action.n]
    workspace = outside.workspace(policy.env.workspace)
    endpoint = endpoint_seen(workspace, policy.endpoint, state)
    if endpoint is None:
        return Trouble(retry=True, why=f"endpoint {policy.endpoint} is gone")
    plan = plan_of(state, p.n, policy)
    if endpoint.split not in ours(p, plan, state.slot):
        return Trouble(retry=True, why=f"traffic changed by hand to {endpoint.split}")
    refusal = guard(endpoint, state.slot, action, p, plan)
    if not refusal and (p.candidate in action.weights or p.candidate in action.mirror):
        refusal = _not_as_approved(outside, p, policy, endpoint)
    if refusal:
        return Trouble(retry=True, why=refusal)
    mine = {
        TAG_SLOT: str(state.slot.key),
        TAG_LIVE: action.deployment,
        TAG_TRAFFIC: tagged(action.split),
        TAG_PROMOTION: promotion_id(p.model, p.env, p.registration.version, p.n),
    }
    tags = {**endpoint.tags, **mine}  # what others tagged stays
    held(state)
    workspace.write_traffic(
        policy.endpoint, action.weights, tags, mirror=action.mirror, expect=endpoint.weights
    )
    return Asked()


def _not_as_approved(outside: Outside, p: Promotion, policy: SlotPolicy, endpoint: EndpointSeen) -> str:
    """Why the candidate may not get more traffic; empty: bytes, version and deployment are as they were.

    The decision was made on an earlier look; the next one finds the difference, and says what it means.
    """
    workspace = outside.workspace(policy.env.workspace)
    version = p.target_version or p.registration.version
    deployment = endpoint.deployments.get(p.candidate)
    if deployment is None or deployment.model != (p.model, version):
        return f"{p.candidate} does not run {p.model}:{version} any more"
    if p.frozen or not (policy.first or p.rollback):
        target = target_seen(workspace, p.model, version)
        if target is None or (target.digest, target.uri) != (p.digest, p.frozen):
            return f"{p.model}:{version} is no longer registered from the frozen copy"
    if not files_intact(outside, workspace, p):
        return "the files are no longer those that were digested"
    return ""
