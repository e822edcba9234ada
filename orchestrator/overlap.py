"""What runs twice while a rollout goes on, and what that costs: shown to whoever approves. Pure.

Until the candidate has all traffic it is the extra one; from then on, while it is watched and the old one is
kept warm, the old one is. What the old one really runs on was observed, not assumed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orchestrator.plan import RolloutPlan
from orchestrator.serving import Instances, Serving

if TYPE_CHECKING:
    from orchestrator.prices import Prices

NO_TIME = timedelta()


def overlap(
    plan: RolloutPlan,
    wanted: Instances,
    serving: Serving | None,
    seen: Instances | None,
    prices: Prices | None,
) -> dict[str, Any]:
    """Of the snapshot. `seen`: what serves, as it was observed; of another deployment it says nothing."""
    before = sum((step.bake for step in plan.steps if step.weight < 100), NO_TIME)
    after = sum((step.bake for step in plan.steps if step.weight >= 100), NO_TIME) + plan.warm
    known = (
        seen if seen is not None and serving is not None and seen.deployment == serving.deployment else None
    )
    parts = [(wanted, before)] + ([(known, after)] if known else [])
    extra = [_part(instances, time, prices) for instances, time in parts if time] if serving else []
    return {
        "candidate": _row(wanted),
        "serving": _row(known) if known else None,
        "replaces": serving is not None,
        "before_switch": before.total_seconds(),
        "after_switch": after.total_seconds(),
        "extra": extra,
        "currency": prices.currency if prices is not None else "",
        "hourly": prices.cost(wanted.type, wanted.count, timedelta(hours=1)).money if prices else None,
    }


def _row(instances: Instances) -> dict[str, Any]:
    return {"instance_type": instances.type, "instance_count": instances.count}


def _part(instances: Instances, time: timedelta, prices: Prices | None) -> dict[str, Any]:
    hours = instances.count * time.total_seconds() / 3600
    cost = prices.cost(instances.type, instances.count, time).money if prices is not None else None
    return {"instance_type": instances.type, "instance_hours": hours, "cost": cost}
