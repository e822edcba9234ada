"""Goal 10: the candidate is deployed at 0 %. A deployment that failed is made anew where that can help. Pure.

The failed one is cleared away first, and its name is never used again.
"""

from __future__ import annotations

import re
from dataclasses import replace

from orchestrator.case import Case, Step
from orchestrator.catalogue import classify, deployments
from orchestrator.model import Reason, Verdict
from orchestrator.seen import DeploymentSeen
from orchestrator.world import EndpointSeen, Verb

POLL_ENDPOINT = 5.0
POLL_DEPLOYMENT = 10.0
SCALING = ("Updating", "Scaling")
"""States in which a deployment serves on while the platform works on it."""
NOT_YET = 120.0
"""Seconds within which something just created may still be invisible."""
ENDPOINT_WITHIN, DEPLOYED_WITHIN = 3600.0, 2 * 3600.0
"""Seconds within which an accepted endpoint or deployment must be up: the platform's own limits lie below."""


def deployed(case: Case) -> bool:
    endpoint = case.world.endpoint()
    deployment = endpoint.deployments.get(case.p.candidate) if endpoint else None
    if deployment is None or case.p.failed:
        return False
    scales = case.p.step_at is not None and deployment.state in SCALING
    return deployment.state == "Succeeded" or scales


def deploy(case: Case) -> Step:
    p = case.p
    if not p.candidate:
        slug = re.sub(r"[^a-z0-9]+", "-", p.registration.version.lower())[:12].strip("-")
        name = f"v{slug}-{int(case.setting.now.timestamp())}"
        return case.record(replace(p, candidate=name), "candidate.named", f"the candidate is called {name}")
    endpoint = case.world.endpoint()
    deployment = endpoint.deployments.get(p.candidate) if endpoint else None
    if p.failed:
        return _cleared(case, endpoint, deployment)
    if deployment is None:
        if p.probe:  # it was there: what would be deployed now has answered no probe
            sentence = f"deployment {p.candidate} was deleted by someone else"
            return case.finish(Verdict.ERRORED, Reason.FOREIGN_CHANGE, sentence)
        if case.within(p.deploy_asked_at, NOT_YET):
            return case.wait(POLL_ENDPOINT, f"deployment {p.candidate} was accepted but is not visible yet")
        return case.act(Verb.DEPLOY, deployment=p.candidate)
    if deployment.state in ("Failed", "Canceled"):
        return _died(case, deployment) if p.wanted else _failed(case, deployment)
    if p.probe is None and case.overdue(Verb.DEPLOY, DEPLOYED_WITHIN):
        sentence = f"deployment {p.candidate} is still {deployment.state} after {DEPLOYED_WITHIN / 3600:g} h"
        return case.finish(Verdict.ERRORED, Reason.GAVE_UP, sentence)
    return case.wait(POLL_DEPLOYMENT, f"deployment {p.candidate} is {deployment.state}")


def _died(case: Case, deployment: DeploymentSeen) -> Step:
    """It answered its probe, may have traffic, and is not made anew under the feet of whoever asks it."""
    sentence = f"deployment {deployment.name} became ready, and is {deployment.state} now"
    return case.sickened(f"{sentence}: {deployment.error}" if deployment.error else sentence)


def _failed(case: Case, deployment: DeploymentSeen) -> Step:
    p = case.p
    why = deployment.error or (
        "OperationCanceled" if deployment.state == "Canceled" else "no reason was given"
    )
    sentence = f"deployment {p.candidate} is {deployment.state}: {why}"
    fault, count = classify(why), p.deploys + 1
    most = deployments(fault)
    if most == 1:
        return case.finish(Verdict.FAILED, Reason.DEPLOY, sentence)
    if count >= most:
        return case.finish(Verdict.ERRORED, Reason.GAVE_UP, f"{sentence}; {count} deployments failed")
    said = f"{sentence}. {fault.means}: it is cleared away, then made anew"
    return case.record(replace(p, failed=sentence), "candidate.failed", said)


def _cleared(case: Case, endpoint: EndpointSeen | None, deployment: DeploymentSeen | None) -> Step:
    p = case.p
    if deployment is not None and endpoint is not None:
        if not (deployment.at_rest and endpoint.at_rest):
            return case.wait(POLL_DEPLOYMENT, f"deployment {p.candidate} is {deployment.state}")
        return case.act(Verb.REMOVE, deployment=p.candidate)
    again = case.setting.after(classify(p.failed).pause)
    asked = {verb: at for verb, at in p.asked.items() if verb != Verb.DEPLOY}
    anew = replace(
        p, candidate="", failed="", deploys=p.deploys + 1, operation="", deploy_asked_at=None, asked=asked,
        troubles=p.deploys + 1, trouble=p.failed, not_before=again,
    )  # fmt: skip
    return case.record(anew, "candidate.cleared", f"{p.candidate} is gone; a new one is made after a pause")
