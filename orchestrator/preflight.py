"""Goal 4: before anyone is asked, whatever would stop the rollout later is looked for. Pure.

What only time or a person outside can change (quota, a role) is waited for, and said; the rest ends the
promotion with its reason. What could not be looked at does not stop it: the journal says so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from orchestrator.case import Case, Step
from orchestrator.deploying import POLL_ENDPOINT
from orchestrator.model import Promotion, Reason, Verdict
from orchestrator.serving import Instances
from orchestrator.world import Verb, Wait

POLL_SHORT = 900.0
SHORT_WITHIN = 24 * 3600.0
"""Seconds for which a shortage is waited out: a quota request takes people at Azure a while."""
QUOTA, RIGHTS = "quota", "rights"
"""Keys of `Promotion.asked`: since when something is waited for."""


def preflight(case: Case) -> Step:
    """The first thing in the way, or the record that there is none."""
    return _name(case) or _files(case) or _room(case) or _rights(case) or _passed(case)


def cores_for(instances: int, cores: int) -> int:
    """Of the quota: the platform sets a fifth more instances aside, for upgrades."""
    return (instances * 12 + 9) // 10 * cores


def _name(case: Case) -> Step | None:
    owner, name = case.world.name_owner(), case.setting.policy.endpoint
    if not owner:
        return case.act(Verb.CLAIM_NAME)
    if owner != case.slot_id:
        sentence = (
            f"endpoint name {name} belongs to slot {owner}; give one of them another name in greenlight.yaml"
        )
        return case.finish(Verdict.FAILED, Reason.PREFLIGHT, sentence)
    endpoint = case.world.endpoint()
    if endpoint is None:
        taken = case.world.namesake()
        sentence = (
            f"endpoint name {name} is taken in this region by workspace {taken}: give the slot another one"
        )
        return case.finish(Verdict.FAILED, Reason.PREFLIGHT, sentence) if taken else None
    if not endpoint.at_rest:  # tags may not be readable before
        return case.wait(POLL_ENDPOINT, f"endpoint {name} is {endpoint.state}")
    foreign = case.foreign(endpoint)
    return case.finish(Verdict.FAILED, Reason.PREFLIGHT, foreign) if foreign else None


def _files(case: Case) -> Step | None:
    seen, p = case.world.model_file(case.p.n), case.p
    if seen.problem:
        sentence = f"version {p.registration.version} cannot be loaded: {seen.problem}"
        return case.finish(Verdict.FAILED, Reason.UNLOADABLE, sentence)
    if seen.mismatch and case.setting.policy.checks.signature == "compatible":
        return case.finish(
            Verdict.FAILED, Reason.SIGNATURE, f"clients of what serves are refused: {seen.mismatch}"
        )
    return None


def _room(case: Case) -> Step | None:
    wanted, seen = case.setting.policy.env.deployment, case.world.capacity()
    if not seen.offered:
        similar = f"; it offers {', '.join(seen.similar)}" if seen.similar else ""
        sentence = f"instance type {wanted.instance_type} is not offered in this region{similar}"
        return case.finish(Verdict.FAILED, Reason.INSTANCE_TYPE, sentence)
    needed = cores_for(wanted.instance_count, seen.cores)
    if seen.free is None or seen.free >= needed:
        return None
    sentence = (
        f"{wanted.instance_count} × {wanted.instance_type} beside what serves need {needed} cores of quota, "
        f"upgrades included; {seen.free} of {seen.limit} of {seen.family} are free"
    )
    return _short(case, QUOTA, Reason.QUOTA, sentence)


def _rights(case: Case) -> Step | None:
    seen = case.world.rights()
    if not seen.missing:
        return None
    sentence = f"Greenlight's identity may not do {', '.join(seen.missing)} in the workspace"
    return _short(case, RIGHTS, Reason.RIGHTS, sentence)


def _short(case: Case, key: str, reason: Reason, sentence: str) -> Step:
    """Said once, waited for, given up in the end."""
    p, since = case.p, case.p.asked.get(key)
    if since is None:
        told = replace(p, asked={**p.asked, key: case.setting.now}, trouble=f"{sentence}: a person must help")
        return case.record(told, "person.needed", sentence)
    if not case.within(since, SHORT_WITHIN):
        return case.finish(Verdict.FAILED, reason, f"{sentence}; waited for a day")
    return Wait(case.setting.after(timedelta(seconds=POLL_SHORT)), p.trouble, person=True)


def _passed(case: Case) -> Step:
    p, policy = case.p, case.setting.policy
    capacity, rights, model = case.world.capacity(), case.world.rights(), case.world.model_file(p.n)
    notes = [note for note in (model.note, capacity.note, rights.note) if note]
    said = "; ".join([f"endpoint name {policy.endpoint} is ours, the model can be loaded", *notes])
    return case.record(replace(cleared(p), incumbent=_incumbent(case)), "preflight.passed", said)


def _incumbent(case: Case) -> Instances | None:
    """What serves runs on: whoever approves is told what runs twice."""
    serving, endpoint = case.state.slot.serving, case.world.endpoint()
    seen = endpoint.deployments.get(serving.deployment) if serving and endpoint else None
    if seen is None or not seen.instance_count:
        return None
    return Instances(deployment=seen.name, type=seen.instance_type, count=seen.instance_count)


def cleared(p: Promotion) -> Promotion:
    """Nothing is waited for any more."""
    waited = QUOTA in p.asked or RIGHTS in p.asked
    asked = {key: at for key, at in p.asked.items() if key not in (QUOTA, RIGHTS)}
    return replace(p, preflighted=True, asked=asked, trouble="" if waited else p.trouble)
