"""What an approval is bound to (S4): the subject, the frozen snapshot, its hash, and what follows. Pure.

People approve a snapshot. Its subject is observed again until the switch; its plan is what is carried out,
whatever the policy says by then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from orchestrator.approval import Request, Rule, Subject
from orchestrator.model import Promotion, SlotState
from orchestrator.overlap import overlap
from orchestrator.serving import Instances
from orchestrator.votes import object_id
from orchestrator.world import Setting

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from orchestrator.gate_policy import Checks
    from orchestrator.plan import RolloutPlan
    from orchestrator.policy import DeploymentPolicy, SlotPolicy


def subject_of(state: SlotState, p: Promotion, setting: Setting) -> Subject:
    """What an approval of this promotion is about, as things are now."""
    serving = state.slot.serving
    return Subject(
        digest=p.digest,
        target=f"{setting.policy.env.workspace.lower()} {setting.policy.endpoint}",
        incumbent=f"{serving.digest} {serving.deployment}" if serving else "",
    )


def lapse(request: Request, now: Subject) -> str:
    """Why an approval on this request counts no more; empty: it is still about what would be done."""
    then = request.subject
    if then.digest != now.digest:
        return "the bytes are no longer those that were shown"
    if then.target != now.target:
        return "the target is no longer the one that was shown"
    if then.incumbent != now.incumbent:
        return "what serves now is not what was shown"
    return "" if hash_of(request.snapshot) == request.hash else "the record of what was shown was changed"


def snapshot_of(
    state: SlotState, p: Promotion, setting: Setting, k: int, rule: Rule, subject: Subject
) -> dict[str, Any]:
    """Everything approvers are shown and bind themselves to. No two requests have the same one."""
    from orchestrator.rollout_policy import rollout

    policy, serving = setting.policy, state.slot.serving
    plan, wanted = rollout(policy.env.rollout, first=serving is None), policy.env.deployment
    mine = Instances(type=wanted.instance_type, count=wanted.instance_count)
    return {
        "promotion": p.n,
        "request": k,
        "asked_at": setting.now.isoformat(),
        "model": p.model,
        "version": p.registration.version,
        "registered_at": p.registration.created_at.isoformat(),
        "author": p.registration.author,
        "run_id": p.registration.run_id,
        "env": p.env,
        "subject": asdict(subject),
        "gates": [asdict(g) for g in p.gates],
        "metrics": dict(p.metrics),
        "serving": asdict(serving)["metrics"] if serving else None,
        "serving_version": serving.version if serving else "",
        "plan": plan_row(plan),
        "deployment": wanted.model_dump(mode="json"),
        "overlap": overlap(plan, mine, serving, p.incumbent, setting.prices),
        "checks": asdict(policy.checks),
        "rule": asdict(rule),
    }


def hash_of(snapshot: Mapping[str, Any]) -> str:
    """The approval hash: SHA-256 over the canonical snapshot."""
    text = json.dumps(snapshot, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def authors_of(p: Promotion) -> tuple[str, ...]:
    """Object ids of who registered the model and who ran its training, where the platform knows them."""
    return tuple(sorted({object_id(p.registration.author), object_id(p.ran_by)} - {""}))


def asked_by(p: Promotion, person: str) -> bool:
    """Does this promotion go back to this person (TENANT/OBJECT-ID)?"""
    return person.lower().rpartition("/")[2] in authors_of(p) or person.lower() == p.requester.lower()


# ---- what was approved is what is done ------------------------------------------------------------------


def deployment_of(state: SlotState, n: int, policy: SlotPolicy) -> DeploymentPolicy:
    """Instances as they were shown to whoever approved; where nobody was asked, as policy says."""
    from orchestrator.policy import DeploymentPolicy

    shown = _shown(state, n, "deployment")
    return DeploymentPolicy.model_validate(shown) if shown else policy.env.deployment


def plan_row(plan: RolloutPlan) -> dict[str, Any]:
    """A plan as it is kept."""
    from orchestrator.rollout_policy import plans

    return plans().dump_python(plan, mode="json")


def plan_of(state: SlotState, n: int, policy: SlotPolicy) -> RolloutPlan:
    """The same for the rollout; where nobody was asked, as policy had it when the slot was taken."""
    from orchestrator.rollout_policy import rollout

    p = state.promotions.get(n)
    if _shown(state, n, "plan") or (p is not None and p.plan):
        return plan_shown(state, p, n)
    return rollout(policy.env.rollout, first=state.slot.serving is None)


def plan_shown(state: SlotState, p: Promotion | None, n: int = 0) -> RolloutPlan:
    """The plan as it was frozen; of one from before plans were, what was done then: all at once."""
    from orchestrator.rollout_policy import plans

    return plans().validate_python(_shown(state, p.n if p else n, "plan") or (p.plan if p else {}))


def checks_of(state: SlotState, n: int, policy: SlotPolicy) -> Checks:
    """The same for what the candidate is measured by."""
    from orchestrator.gate_policy import Checks

    shown = _shown(state, n, "checks")
    known = {f.name: shown[f.name] for f in fields(Checks) if f.name in shown}
    return replace(Checks(), **known) if shown else policy.checks


def _shown(state: SlotState, n: int, part: str) -> Mapping[str, Any]:
    request = state.requests.get(n)
    found: object = request.snapshot.get(part) if request is not None else None
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}


@cache
def spans() -> TypeAdapter[timedelta]:
    """A span as JSON has it: PT2H."""
    from pydantic import TypeAdapter

    return TypeAdapter(timedelta)
