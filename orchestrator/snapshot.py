"""The frozen snapshot of a request, read back for people: what they saw is what their vote is bound to. Pure.

Pages and cards show these values and not the promotion's, which may have moved on since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any, cast

from orchestrator.bound import spans
from orchestrator.costing import hours_of, money_of, said
from shared.figures import span
from shared.notify.ask import GateRow, MetricRow


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A snapshot in rows and sentences."""

    metrics: tuple[MetricRow, ...]
    gates: tuple[GateRow, ...]
    serving_version: str
    serving_deployment: str
    serving_digest: str
    workspace: str
    endpoint: str
    plan: str
    rollback: str
    cost: str
    extra_hours: float | None
    """Instance-hours that run besides; None: not known."""
    extra_cost: float | None
    currency: str
    checks: str


def shown(snapshot: Mapping[str, Any]) -> Shown:
    subject = _mapping(snapshot, "subject")
    workspace, _, endpoint = str(subject.get("target", "")).partition(" ")
    digest, _, deployment = str(subject.get("incumbent", "")).partition(" ")
    gates = _gates(snapshot)
    return Shown(
        metrics=_metrics(snapshot, gates),
        gates=gates,
        serving_version=str(snapshot.get("serving_version", "")),
        serving_deployment=deployment,
        serving_digest=digest,
        workspace=workspace.rpartition("/")[2],
        endpoint=endpoint,
        plan=_plan(_mapping(snapshot, "plan"), bool(deployment)),
        rollback=_rollback(_mapping(snapshot, "plan"), deployment),
        cost=_cost(snapshot),
        extra_hours=hours_of(_mapping(snapshot, "overlap")) if "overlap" in snapshot else None,
        extra_cost=money_of(_mapping(snapshot, "overlap")) if "overlap" in snapshot else None,
        currency=str(_mapping(snapshot, "overlap").get("currency", "")),
        checks=_checks(_mapping(snapshot, "checks")),
    )


def _metrics(snapshot: Mapping[str, Any], gates: tuple[GateRow, ...]) -> tuple[MetricRow, ...]:
    """Gated metrics first: they are what the decision turns on."""
    ours, theirs = _mapping(snapshot, "metrics"), _mapping(snapshot, "serving")
    names = [*dict.fromkeys(g.name for g in gates if g.name in ours), *sorted(ours)]
    return tuple(
        MetricRow(name=name, candidate=_number(ours.get(name)), serving=_number(theirs.get(name)))
        for name in dict.fromkeys(names)
    )


def _gates(snapshot: Mapping[str, Any]) -> tuple[GateRow, ...]:
    rows = cast("list[Mapping[str, Any]]", snapshot.get("gates") or [])
    return tuple(
        GateRow(
            name=str(row.get("gate", "")),
            verdict=str(row.get("verdict", "")),
            sentence=str(row.get("sentence", "")),
        )
        for row in rows
    )


def _plan(plan: Mapping[str, Any], replaces: bool) -> str:
    if not replaces:
        return "first deployment: probed by name, then it gets all traffic"
    warm, steps = _warm(plan), [_step(step) for step in plan.get("steps") or ()]
    kept = (
        f"kept warm for {span(warm)}, or until the next approved rollout, then removed"
        if warm
        else "removed once the new one is live"
    )
    if len(steps) < 2 and not any(" for " in step for step in steps):
        return (
            f"blue/green: probed by name, then all traffic moves in one write; the old deployment is {kept}"
        )
    watched = "; a candidate that sickens gives everything back in one write"
    return f"probed by name, then {', then '.join(steps)}{watched}; the old deployment is {kept}"


def _step(step: Mapping[str, Any]) -> str:
    bake = spans().validate_python(step.get("bake") or 0)
    share = f"copies of {step['mirror']} %" if step.get("mirror") else f"{step.get('weight')} %"
    return f"{share} for {span(bake)}" if bake else share


def _rollback(plan: Mapping[str, Any], deployment: str) -> str:
    if not deployment:
        return "nothing serves here yet, so there is nothing to go back to; a failed probe means no traffic"
    after = f"within {span(_warm(plan))} after the switch" if _warm(plan) else "until the switch is seen"
    return f"{deployment} keeps its traffic until the candidate has passed its probe, and stays {after}"


def _cost(snapshot: Mapping[str, Any]) -> str:
    """What runs twice, for how long, and what it costs. A request that is older has no such words."""
    told = _mapping(snapshot, "overlap")
    if told:
        return said(told)
    deployment = _mapping(snapshot, "deployment")
    count, kind = deployment.get("instance_count"), deployment.get("instance_type")
    return f"{count} × {kind}" if count and kind else ""


def _checks(told: Mapping[str, Any]) -> str:
    """What the candidate must show before it gets traffic."""
    if not told:
        return ""
    from orchestrator.gate_policy import Checks

    known = {f.name: told[f.name] for f in fields(Checks) if f.name in told}
    return str(replace(Checks(), **known))


def _warm(plan: Mapping[str, Any]) -> timedelta:
    return spans().validate_python(plan.get("warm") or 0)


def _mapping(snapshot: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: object = snapshot.get(name)
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
