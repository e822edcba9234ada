"""What a rollout runs twice, and its cost, read back from the snapshot in words. Pure; see overlap.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from shared.figures import span


def hours_of(told: Mapping[str, Any]) -> float | None:
    """Instance-hours besides those of what serves; None: what serves is not known."""
    if told.get("replaces") and not told.get("serving") and told.get("after_switch"):
        return None
    return sum(float(part["instance_hours"]) for part in _extra(told))


def money_of(told: Mapping[str, Any]) -> float | None:
    """None: for something there is no price."""
    costs = [part.get("cost") for part in _extra(told)]
    if hours_of(told) is None or any(cost is None for cost in costs):
        return None
    return sum(float(cost) for cost in costs if cost is not None)


def said(told: Mapping[str, Any]) -> str:
    """One sentence."""
    mine, theirs = _words(told.get("candidate")), _words(told.get("serving"))
    hourly = told.get("hourly")
    each = f" ({hourly:.2f} {told['currency']} an hour)" if isinstance(hourly, float) else ""
    if not told.get("replaces"):
        return f"{mine}{each}; nothing serves here yet, so nothing runs twice"
    time = timedelta(seconds=float(told.get("before_switch") or 0) + float(told.get("after_switch") or 0))
    beside = f"{mine}{each} beside {theirs or 'what serves now, whose instances are not known,'}"
    if not time:
        return f"{beside} only until the switch is seen"
    hours, money = hours_of(told), money_of(told)
    if hours is None:
        return f"{beside} for {span(time)}"
    amount = f", about {money:.2f} {told['currency']}" if money is not None else ""
    return f"{beside} for {span(time)}: {_hours(hours)} more{amount}"


def _hours(hours: float) -> str:
    text = f"{hours:.1f}".removesuffix(".0")
    return f"{text} instance-hour{'' if text == '1' else 's'}"


def _words(row: object) -> str:
    if not isinstance(row, Mapping):
        return ""
    told = cast("Mapping[str, Any]", row)
    return f"{told.get('instance_count')} × {told.get('instance_type')}"


def _extra(told: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return cast("Sequence[Mapping[str, Any]]", told.get("extra") or ())
