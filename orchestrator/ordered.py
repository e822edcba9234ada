"""The two traffic writes that an operator orders: our mark beside weights as they are, and weights put back.

Each is one PUT of weights and tags together, after a look; the guard is the same as for every other write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.foreign import unmarked
from orchestrator.model import SlotState
from orchestrator.observe import endpoint_seen
from orchestrator.outside import Outside
from orchestrator.seen import Split
from orchestrator.traffic import guard, tagged
from orchestrator.world import (
    TAG_LIVE,
    TAG_PROMOTION,
    TAG_SLOT,
    TAG_TRAFFIC,
    Action,
    Asked,
    Outcome,
    Trouble,
    Verb,
)
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
    noted = slot.foreign
    as_told = noted is not None and endpoint.split == Split(noted.traffic, noted.mirror)
    if endpoint.split != action.split if marking else not as_told:
        return Trouble(retry=False, why=f"traffic changed once more, to {endpoint.split}")
    p = outside.ledger.promotion(slot.key, action.n)
    refusal = guard(unmarked(endpoint, slot), slot, action, p if marking else None)
    if refusal:
        return Trouble(retry=not endpoint.at_rest, why=refusal)
    ours = {TAG_SLOT: str(slot.key), TAG_LIVE: action.deployment, TAG_TRAFFIC: tagged(action.split)}
    if p is not None:
        ours[TAG_PROMOTION] = promotion_id(p.model, p.env, p.registration.version, p.n)
    held(state)
    workspace.write_traffic(
        policy.endpoint, action.weights, {**endpoint.tags, **ours}, expect=endpoint.weights
    )
    return Asked()
