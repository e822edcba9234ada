"""Goal 12: traffic moves to the candidate, in one write, and is observed there. Pure."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.case import POLL_TRAFFIC, READ_BACK, Case, Step
from orchestrator.deploying import DEPLOYED_WITHIN, ENDPOINT_WITHIN
from orchestrator.model import Reason, Verdict
from orchestrator.traffic import refuse_weights
from orchestrator.world import TAG_LIVE, EndpointSeen, Verb

SHIFTED_WITHIN = 3600.0
"""Seconds within which accepted weights must be observed."""


def shifted(case: Case) -> bool:
    endpoint, p = case.world.endpoint(), case.p
    return (
        endpoint is not None
        and endpoint.state == "Succeeded"
        and endpoint.weights == {p.candidate: 100}
        and endpoint.tags.get(TAG_LIVE) == p.candidate
        and bool(p.wanted)
    )


def shift(case: Case) -> Step:
    endpoint, p, slot = case.world.endpoint(), case.p, case.state.slot
    if endpoint is None:
        return deleted(case, "the endpoint")
    if too_late(case) and not case.within(p.wrote_at, READ_BACK):
        sentence = f"traffic is {endpoint.weights or 'nobody'}, {too_late(case)}"
        return case.finish(Verdict.ERRORED, Reason.GAVE_UP, sentence)
    if not endpoint.at_rest:
        return case.wait(POLL_TRAFFIC, f"endpoint {endpoint.name} is {endpoint.state}")
    if case.within(p.wrote_at, READ_BACK):
        return case.wait(POLL_TRAFFIC, f"weights written, {endpoint.weights or 'none'} read back so far")
    incumbent = {slot.serving.deployment: 100} if slot.serving else {}
    wanted = {p.candidate: 100}
    ours = endpoint.weights == wanted == p.wanted
    if endpoint.weights != incumbent and not ours:
        if slot.serving and case.within(slot.serving.since, READ_BACK):
            return case.wait(POLL_TRAFFIC, "what was just switched may still read as before")
        sentence = (
            f"traffic is {endpoint.weights or 'nobody'}, expected {incumbent or 'nobody'}: changed by hand"
        )
        return case.finish(Verdict.ERRORED, Reason.FOREIGN_CHANGE, sentence)
    altered = _altered(case, endpoint)
    if altered is not None:
        return altered
    refusal = refuse_weights(endpoint, wanted, slot, p.candidate)
    if refusal:
        return case.finish(Verdict.FAILED, Reason.DEPLOY, refusal)
    if p.wanted != wanted:
        sentence = f"{p.candidate} is to get 100 %, the tag with it"
        return case.record(replace(p, wanted=wanted, seen=endpoint.weights), "traffic.planned", sentence)
    return case.act(Verb.WRITE_TRAFFIC, deployment=p.candidate, weights=wanted)


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
