"""Why traffic is what it is: which step, since when, how long it is watched, and what is made of it. Pure."""

from __future__ import annotations

from datetime import datetime

from orchestrator.bound import plan_shown
from orchestrator.explain_waiting import Explanation
from orchestrator.model import Phase, Promotion, SlotState
from orchestrator.plan import RolloutPlan
from orchestrator.seen import Split

_SAID = {
    "healthy": "it goes on when that is over",
    "sick": "it goes back",
    "inconclusive": "the weight is held",
}


def shifting(state: SlotState, p: Promotion, now: datetime) -> Explanation:
    """`Step 2 of 3: v9 50 %, v8 50 %`, and what holds it there."""
    wanted = Split(p.wanted, p.mirror)
    if p.phase is Phase.ROLLING_BACK:
        said = (f"wanted: {wanted}; seen: {Split(p.seen)}",)
        return Explanation("Moving traffic back", said, "It counts only when it is observed.")
    plan = plan_shown(state, p)
    number = min(p.step, len(plan.steps) - 1)
    step = f"Step {number + 1} of {len(plan.steps)}: " if len(plan.steps) > 1 else ""
    if p.step_at is None:
        since = f"asked for at {p.wrote_at:%H:%M} UTC" if p.wrote_at else "about to be written"
        said = (f"wanted: {wanted}, {since}; seen: {Split(p.seen)}",)
        return Explanation(
            f"{step}Moving traffic to {p.candidate}", said, "It counts only when it is observed."
        )
    return Explanation(f"{step}{wanted} since {p.step_at:%H:%M} UTC", _watched(p), _next(plan, number, p))


def _watched(p: Promotion) -> tuple[str, ...]:
    if p.health is None:
        return ("nothing is known of its health yet",)
    vouched = (f"{p.health.vouched} vouches for this step",) if p.health.vouched else ()
    return (f"{p.health.verdict} since {p.health.at:%H:%M} UTC: {p.health.sentence}", *vouched)


def _next(plan: RolloutPlan, number: int, p: Promotion) -> str:
    step = plan.steps[number]
    until = f"It is watched for {step.bake}; " if step.bake else ""
    verdict = _SAID[p.health.verdict] if p.health else "then it is judged"
    following = plan.steps[number + 1] if number + 1 < len(plan.steps) else None
    after = f"Next: {following.weight} %." if following else "Next: Live."
    return f"{until}{verdict}. {after}"
