"""What an operator orders at the endpoint: our mark beside weights as they are, weights put back, what served
before back at 100 %, and the whole endpoint deleted.

Each write is one PUT of weights and tags together, after a look; the guard is that of every other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.foreign import unmarked
from orchestrator.model import Promotion, Slot, SlotState
from orchestrator.observe import endpoint_seen, files_intact
from orchestrator.outside import Outside
from orchestrator.recalling import past_seen
from orchestrator.returning import unvouched
from orchestrator.seen import EndpointSeen, Split
from orchestrator.traffic import before, guard, tagged
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
    tags = _tags(endpoint, slot, action, p)
    held(state)
    workspace.write_traffic(policy.endpoint, action.weights, tags, expect=endpoint.weights)
    return Asked()


def roll_back(
    outside: Outside,
    held: Callable[[SlotState], None],
    state: SlotState,
    policy: SlotPolicy,
    action: Action,
) -> Outcome:
    """Verb ROLL_BACK: what served before gets all traffic in one PUT, if its bytes are still vouched for."""
    slot, said = state.slot, state.slot.rollback
    workspace = outside.workspace(policy.env.workspace)
    endpoint = endpoint_seen(workspace, policy.endpoint, state)
    if endpoint is None or said is None:
        return Trouble(retry=True, why=f"endpoint {policy.endpoint} is gone")
    if endpoint.split not in (before(slot), action.split):
        return Trouble(retry=True, why=f"traffic changed by hand to {endpoint.split}")
    past = past_seen(outside, state, said.to.n)
    refusal = guard(endpoint, slot, action)
    if refusal:
        return Trouble(retry=True, why=refusal)
    p = past.promotion
    if policy.env.approval is not None:
        refusal = unvouched(past, said.to)
    if p is None or refusal:
        return Trouble(retry=False, why=refusal or f"the row of #{said.to.n} is gone")
    if not files_intact(outside, workspace, p):
        return Trouble(retry=False, why="its files are no longer those that were digested")
    tags = _tags(endpoint, slot, action, p)
    held(state)
    workspace.write_traffic(policy.endpoint, action.weights, tags, expect=endpoint.weights)
    return Asked()


def retire(
    outside: Outside,
    held: Callable[[SlotState], None],
    state: SlotState,
    policy: SlotPolicy,
    action: Action,
) -> Outcome:
    """Verb RETIRE: the endpoint goes, with everything in it."""
    workspace = outside.workspace(policy.env.workspace)
    endpoint = endpoint_seen(workspace, policy.endpoint, state)
    if endpoint is None:
        return Asked()
    refusal = guard(endpoint, state.slot, action)
    if refusal:
        return Trouble(retry=False, why=refusal)
    held(state)
    workspace.delete_endpoint(policy.endpoint)
    return Asked()


def _tags(endpoint: EndpointSeen, slot: Slot, action: Action, p: Promotion | None) -> dict[str, str]:
    """What others tagged stays."""
    ours = {TAG_SLOT: str(slot.key), TAG_LIVE: action.deployment, TAG_TRAFFIC: tagged(action.split)}
    if p is not None:
        ours[TAG_PROMOTION] = promotion_id(p.model, p.env, p.registration.version, p.n)
    return {**endpoint.tags, **ours}
