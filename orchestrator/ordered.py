"""The two traffic writes that an operator orders: our mark beside weights as they are, and weights put back.

Each is one PUT of weights and tags together, after a look; the guard is the same as for every other write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.foreign import told, unmarked
from orchestrator.model import SlotState
from orchestrator.observe import endpoint_seen
from orchestrator.outside import Outside
from orchestrator.traffic import refuse_weights
from orchestrator.world import TAG_LIVE, TAG_PROMOTION, TAG_SLOT, Action, Asked, Outcome, Trouble, Verb
from shared.names import promotion_id

if TYPE_CHECKING:
    from orchestrator.policy import SlotPolicy


def as_ordered(
    outside: Outside,
    held: Callable[[SlotState], None],
    state: SlotState,
    policy: SlotPolicy,
    action: Action,
) -> Outcome:
    """Verb MARK or RESTORE. Weights that are not what the operator was told about stay as they are.

    `held` raises when the claim may not outlive the call.
    """
    slot = state.slot
    workspace = outside.workspace(policy.env.workspace)
    endpoint = endpoint_seen(workspace, policy.endpoint, state)
    if endpoint is None:
        return Trouble(retry=False, why=f"endpoint {policy.endpoint} is gone")
    marking = action.verb is Verb.MARK
    as_told = slot.foreign is not None and endpoint.weights == dict(slot.foreign.traffic)
    if endpoint.weights != dict(action.weights) if marking else not as_told:
        return Trouble(retry=False, why=f"traffic changed once more, to {told(endpoint.weights)}")
    refusal = refuse_weights(
        unmarked(endpoint, slot), action.weights, slot, action.deployment if marking else ""
    )
    if refusal:
        return Trouble(retry=not endpoint.at_rest, why=refusal)
    p = outside.ledger.promotion(slot.key, action.n)
    ours = {TAG_SLOT: str(slot.key), TAG_LIVE: action.deployment}
    if p is not None:
        ours[TAG_PROMOTION] = promotion_id(p.model, p.env, p.registration.version, p.n)
    held(state)
    workspace.write_traffic(
        policy.endpoint, action.weights, {**endpoint.tags, **ours}, expect=endpoint.weights
    )
    return Asked()
