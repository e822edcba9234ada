"""What is known of a version or a promotion from before: the looks of whoever goes back or asks for one."""

from __future__ import annotations

from orchestrator.approval import RequestState
from orchestrator.model import Registration, SlotKey, SlotState
from orchestrator.outside import Outside
from orchestrator.seen import OriginSeen, PastSeen
from orchestrator.votes import tally
from orchestrator.world import Look, Sight
from shared.ports import ModelVersion


def recalled(outside: Outside, state: SlotState, look: Look) -> OriginSeen | PastSeen:
    """Sight ORIGIN or PAST."""
    if look.sight is Sight.ORIGIN:
        return origin_seen(outside, state, look.arg)
    return past_seen(outside, state, int(look.arg))


def registration_of(model: ModelVersion, workspace: str) -> Registration:
    """What the product keeps of a registered version. The run id is looked for where training puts it."""
    run_id = model.tags.get("run_id") or model.properties.get("run_id") or model.job_name or ""
    return Registration(
        model=model.name,
        version=model.version,
        created_at=model.created_at,
        uri=model.uri,
        workspace=workspace,
        author=model.created_by,
        run_id=run_id,
        type=model.type,
        tags=dict(model.tags),
        properties=dict(model.properties),
    )


def origin_seen(outside: Outside, state: SlotState, version: str) -> OriginSeen:
    """A version in the first environment's workspace, whichever slot asks."""
    source, model = outside.policy.source, state.slot.model
    workspace = outside.workspace(source.workspace)
    found = workspace.model(model, version)
    if found is None:
        return OriginSeen(None)
    registration = registration_of(found, str(workspace.id))
    first = outside.ledger.brought(SlotKey(model, source.name), registration)
    return OriginSeen(
        registration,
        outside.ledger.knows(state.slot.key, registration),
        found.archived,
        first.digest if first else "",
        first.size if first else 0,
    )


def past_seen(outside: Outside, state: SlotState, n: int) -> PastSeen:
    """A promotion of this slot, and who vouches for its bytes here: a quorum, or whoever adopted them."""
    p = outside.ledger.promotion(state.slot.key, n)
    if p is None:
        return PastSeen(None)
    if p.adoption is not None:
        return PastSeen(p, f"adopted by {p.adoption.name or p.adoption.by}")
    if p.rollback is not None:  # it brought back what another one was approved for
        return PastSeen(p, past_seen(outside, state, p.rollback.to.n).vouched)
    for k in range(p.asks, 0, -1):
        request = outside.ledger.request(state.slot.key, n, k)
        votes = outside.ledger.votes(state.slot.key, n, k)
        if request is None or request.subject.digest != p.digest:
            continue
        if (
            tally(request, votes, p.ended_at or p.updated_at, author=p.registration.author)
            is RequestState.GRANTED
        ):
            return PastSeen(p, f"request {k} of #{n}")
    return PastSeen(p)
