"""Deployments of ours that nothing needs: said with what they cost, and removed after a while. Pure.

A call that arrived hours late leaves one, or a worker that died. Only what carries our mark, has no traffic,
and is named by nothing here counts; it passes the guard like every other deletion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.case import POLL_HELD, POLL_STUCK
from orchestrator.model import Entry, Orphan, SlotState
from orchestrator.seen import DeploymentSeen, EndpointSeen
from orchestrator.traffic import before, guard
from orchestrator.world import Act, Action, Change, Setting, Verb, Wait

POLL_ORPHAN = 3600.0
POLL_GOING = 5.0


def left_over(state: SlotState, endpoint: EndpointSeen | None) -> Mapping[str, DeploymentSeen]:
    """What carries our mark and nothing names; what served before is named while it is kept warm."""
    slot = state.slot
    needed = {slot.serving.deployment if slot.serving else "", *slot.retiring}
    needed |= {slot.rollback.to.deployment if slot.rollback else ""}
    needed |= {p.candidate for p in state.promotions.values()}
    there = endpoint.deployments.values() if endpoint else ()
    ours = {d.name: d for d in there if d.slot == str(slot.key) and d.state != "Deleting"}
    return {name: ours[name] for name in sorted(ours) if name not in needed}


def note_orphans(state: SlotState, endpoint: EndpointSeen | None, setting: Setting) -> Change | None:
    """Write down what is left over now; None: it is written down already."""
    slot, found = state.slot, left_over(state, endpoint)
    if tuple(found) == slot.orphans and set(found) == set(slot.orphaned):
        return None
    orphaned = {name: slot.orphaned.get(name) or _orphan(d, setting) for name, d in found.items()}
    new = {name: o for name, o in orphaned.items() if name not in slot.orphaned}
    entries = [_entry("orphans.seen", _seen(new, setting), setting)] if new else []
    for name, orphan in slot.orphaned.items():
        if name not in found:
            entries.append(_entry("orphans.gone", f"{name} is gone; {_spent(orphan, setting)}", setting))
    if not entries:
        entries = [_entry("orphans.gone", "no deployment is left over any more", setting)]
    return Change(slot=replace(slot, orphans=tuple(found), orphaned=orphaned), entries=tuple(entries))


def remove_orphans(state: SlotState, endpoint: EndpointSeen | None, setting: Setting) -> Act | Wait | None:
    """Delete the first one whose time is over, while what serves is observed alone at 100 % (S3)."""
    slot = state.slot
    if not slot.orphaned or endpoint is None or slot.serving is None:
        return None
    held = setting.paused or slot.hold or (slot.foreign.sentence if slot.foreign else "")
    if held:
        return Wait(setting.after(POLL_HELD), f"{', '.join(slot.orphaned)} kept: {held}")
    name, orphan = min(slot.orphaned.items(), key=lambda pair: (pair[1].since, pair[0]))
    due = removed_at(orphan, setting)
    if due > setting.now:
        return Wait(min(due, setting.after(POLL_ORPHAN)), f"{name} is removed then: nothing needs it")
    deployment = endpoint.deployments.get(name)
    if deployment is None or not (deployment.at_rest and endpoint.at_rest):
        return Wait(setting.again(POLL_GOING, due), f"endpoint {endpoint.name} is not at rest")
    action = Action(verb=Verb.REMOVE, n=slot.serving.n, deployment=name)
    refusal = guard(endpoint, slot, action)
    if refusal or endpoint.split != before(slot):
        why = refusal or f"traffic is {endpoint.split}"
        return Wait(setting.after(POLL_STUCK), f"{name} stays: {why}", person=True)
    return Act(action)


def removed_at(orphan: Orphan, setting: Setting) -> datetime:
    """When its time is over."""
    return orphan.since + timedelta(seconds=setting.policy.env.keep_orphans.total_seconds() / setting.pace)


def _orphan(deployment: DeploymentSeen, setting: Setting) -> Orphan:
    kind, count = deployment.instance_type, deployment.instance_count
    hourly = _cost(kind, count, timedelta(hours=1), setting)
    return Orphan(since=setting.now, instance_type=kind, instance_count=count, hourly=hourly)


def _cost(kind: str, count: int, span: timedelta, setting: Setting) -> str:
    return str(setting.prices.cost(kind, count, span)) if setting.prices is not None and kind else ""


def _seen(new: Mapping[str, Orphan], setting: Setting) -> str:
    said = [f"{name} ({o.hourly} each hour)" if o.hourly else name for name, o in new.items()]
    hours = setting.policy.env.keep_orphans.total_seconds() / 3600
    return f"nothing needs {', '.join(said)}: removed after {hours:g} h"


def _spent(orphan: Orphan, setting: Setting) -> str:
    span = (setting.now - orphan.since) * setting.pace
    return _cost(orphan.instance_type, orphan.instance_count, span, setting) or "what it cost is not known"


def _entry(what: str, why: str, setting: Setting) -> Entry:
    return Entry(what=what, why=why, by="greenlight", at=setting.now)
