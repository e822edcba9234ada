"""A slot's own rows -> JSON-able dicts; see views.py. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.model import Foreign, Serving, Slot, SlotKey
from shared.names import promotion_id, slot_id

if TYPE_CHECKING:
    from orchestrator.planning import Planned

View = dict[str, Any]


def time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


def metrics_view(metrics: Mapping[str, float]) -> View:
    """JSON knows no NaN: what is no number is null."""
    return {name: value if math.isfinite(value) else None for name, value in sorted(metrics.items())}


def serving_view(s: Serving | None, key: SlotKey) -> View | None:
    if s is None:
        return None
    return {
        "version": s.version,
        "target_version": s.target_version,
        "deployment": s.deployment,
        "digest": s.digest,
        "since": time(s.since),
        "promotion": promotion_id(key.model, key.env, s.version, s.n),
        "metrics": metrics_view(s.metrics),
    }


def foreign_view(foreign: Foreign | None) -> View | None:
    if foreign is None:
        return None
    return {
        "sentence": foreign.sentence,
        "seen": dict(foreign.traffic),
        "at": time(foreign.at),
        "restoring": bool(foreign.restore),
    }


def ordered_view(slot: Slot) -> View:
    """What `rollback` would bring back, what an operator has ordered, and what is left over."""
    back, gone = slot.rollback, slot.retirement
    return {
        "previous": serving_view(slot.previous, slot.key),
        "rolling_back": {"to": back.to.version, "by": back.by, "reason": back.reason, "at": time(back.at)}
        if back
        else None,
        "retirement": {"endpoint": gone.endpoint, "by": gone.by, "reason": gone.reason, "at": time(gone.at)}
        if gone
        else None,
        "orphaned": [
            {
                "deployment": name,
                "since": time(orphan.since),
                "instance_type": orphan.instance_type or None,
                "instance_count": orphan.instance_count or None,
                "hourly": orphan.hourly or None,
            }
            for name, orphan in slot.orphaned.items()
        ],
    }


def planned_view(planned: Planned) -> View:
    changes = planned.changes
    return {
        "changed": changes.any,
        "errors": list(planned.errors),
        "pipeline": list(changes.pipeline),
        "slots": [
            {"slot": slot_id(*c.slot), "change": c.change, "says": list(c.says), "lapses": list(c.lapses)}
            for c in changes.slots
        ],
        "looked_at": planned.looked_at,
        "unreadable": list(planned.unreadable),
        "cut": planned.cut,
    }
