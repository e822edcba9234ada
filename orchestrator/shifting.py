"""Goal 12: traffic moves to the candidate along its plan, one write for each step, each observed. Pure.

Each step's weights are journaled, written, read back until they are as planned, then baked (baking.py).
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator.baking import baked, name_of
from orchestrator.case import POLL_TRAFFIC, READ_BACK, Case, Step
from orchestrator.deploying import DEPLOYED_WITHIN, ENDPOINT_WITHIN
from orchestrator.model import Promotion, Reason, Verdict
from orchestrator.seen import Split
from orchestrator.traffic import guard, holder, ours
from orchestrator.world import TAG_LIVE, EndpointSeen, Verb

SHIFTED_WITHIN = 3600.0
"""Seconds within which accepted weights must be observed."""


def shifted(case: Case) -> bool:
    """The last step is observed as planned, and its bake is over."""
    endpoint, p, steps = case.world.endpoint(), case.p, case.plan.steps
    through = p.step >= len(steps) or (p.step == len(steps) - 1 and not steps[-1].bake)
    return endpoint is not None and endpoint.state == "Succeeded" and through and _as_planned(case, endpoint)


def shift(case: Case) -> Step:
    endpoint, p, slot = case.world.endpoint(), case.p, case.state.slot
    if endpoint is None:
        return deleted(case, "the endpoint")
    if too_late(case) and not case.within(p.wrote_at, READ_BACK):
        sentence = f"traffic is {endpoint.split}, {too_late(case)}"
        return case.finish(Verdict.ERRORED, Reason.GAVE_UP, sentence)
    if not endpoint.at_rest:
        return case.wait(POLL_TRAFFIC, f"endpoint {endpoint.name} is {endpoint.state}")
    if _as_planned(case, endpoint):
        return baked(case)
    if case.within(p.wrote_at, READ_BACK):
        return case.wait(POLL_TRAFFIC, f"weights written, {endpoint.split} read back so far")
    written = ours(p, case.plan, slot)
    if endpoint.split not in (written if p.wanted else written[:1]):
        if slot.serving and case.within(slot.serving.since, READ_BACK):
            return case.wait(POLL_TRAFFIC, "what was just switched may still read as before")
        sentence = f"traffic is {endpoint.split}, expected {written[0]}: changed by hand"
        return case.finish(Verdict.ERRORED, Reason.FOREIGN_CHANGE, sentence)
    return _altered(case, endpoint) or _write(case, endpoint, written[-1])


def _as_planned(case: Case, endpoint: EndpointSeen) -> bool:
    """Are weights and tag those that were journaled for this step?"""
    wanted = ours(case.p, case.plan, case.state.slot)[-1]
    tag = holder(wanted, case.state.slot)
    return endpoint.split == wanted == journaled(case.p) and endpoint.tags.get(TAG_LIVE) == tag


def journaled(p: Promotion) -> Split:
    return Split(p.wanted, p.mirror)


def _write(case: Case, endpoint: EndpointSeen, wanted: Split) -> Step:
    p, slot = case.p, case.state.slot
    act = case.act(Verb.WRITE_TRAFFIC, deployment=holder(wanted, slot), split=wanted)
    moving = [d for d in (p.candidate, *before_names(case)) if _works(endpoint, d)]
    if moving:
        return case.wait(POLL_TRAFFIC, f"deployment {moving[0]} is {endpoint.deployments[moving[0]].state}")
    refusal = guard(endpoint, slot, act.action, p, case.plan)
    if refusal:
        return case.finish(Verdict.FAILED, Reason.DEPLOY, refusal)
    was_seen = p.step_at is not None or p.step >= len(case.plan.steps)
    if journaled(p) != wanted or was_seen:
        planned = replace(
            p,
            wanted=dict(wanted.weights),
            mirror=dict(wanted.mirror),
            seen=endpoint.weights,
            step=min(p.step, len(case.plan.steps) - 1),
            step_at=None,
            health=None,
        )
        lost = "; that was seen already, and is not any more" if was_seen else ""
        return case.record(planned, "traffic.planned", f"{name_of(case)}: {wanted}, the tag with it{lost}")
    return act


def before_names(case: Case) -> tuple[str, ...]:
    serving = case.state.slot.serving
    return (serving.deployment,) if serving else ()


def _works(endpoint: EndpointSeen, name: str) -> bool:
    """Does the platform work on it, as it does while it scales?"""
    found = endpoint.deployments.get(name)
    return found is not None and not found.at_rest


def _altered(case: Case, endpoint: EndpointSeen) -> Step | None:
    """Is what would serve no longer what was probed and approved? None: it is (S4)."""
    p = case.p
    candidate, version = endpoint.deployments.get(p.candidate), p.target_version or p.registration.version
    if candidate is None or candidate.model != (p.model, version):
        sentence = f"{p.candidate} does not run {p.model}:{version} any more: changed by hand"
        return case.finish(Verdict.ERRORED, Reason.FOREIGN_CHANGE, sentence)
    if not case.world.files_intact(p.n):
        sentence = "the files are no longer those that were digested"
        return case.finish(Verdict.ERRORED, Reason.BYTES_CHANGED, sentence)
    return None


def too_late(case: Case) -> str:
    """What the platform accepted and has not done for too long; empty: nothing."""
    p = case.p
    if Verb.DEPLOY not in p.asked and case.overdue(Verb.CREATE_ENDPOINT, ENDPOINT_WITHIN):
        return f"and was asked for more than {ENDPOINT_WITHIN / 3600:g} h ago"
    if p.probe is None and case.overdue(Verb.DEPLOY, DEPLOYED_WITHIN):
        return f"and {p.candidate} was asked for more than {DEPLOYED_WITHIN / 3600:g} h ago"
    if case.overdue(Verb.WRITE_TRAFFIC, SHIFTED_WITHIN):
        return f"and the switch to {p.candidate} was accepted more than {SHIFTED_WITHIN / 3600:g} h ago"
    return ""


def deleted(case: Case, what: str) -> Step:
    sentence = f"{what} was deleted by someone else"
    return case.finish(Verdict.ERRORED, Reason.FOREIGN_CHANGE, sentence)
