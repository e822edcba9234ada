"""Adoption: what already serves at the endpoint becomes the slot's baseline, on an operator's word. Pure.

It is a promotion with goals of its own: nothing is deployed and no weight changes; its digest is made, its
name claimed, our mark written beside the weights as they are. No quorum vouches for it: the operator does.
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator.case import POLL_TRAFFIC, READ_BACK, Case, Goal, Step
from orchestrator.commands import Order
from orchestrator.foreign import moving, released, told
from orchestrator.model import (
    Adoption,
    Entry,
    Fact,
    Phase,
    Reason,
    Registration,
    SlotState,
    Verdict,
)
from orchestrator.opening import begun, opened, taken
from orchestrator.seen import Split
from orchestrator.world import TAG_LIVE, TAG_SLOT, Change, EndpointSeen, Setting, TargetSeen, Verb, World


def adopt(state: SlotState, fact: Fact, order: Order, world: World, setting: Setting) -> Change | str:
    """The adoption's promotion, or why there can be none."""
    slot, endpoint = released(state), world.endpoint()
    if moving(slot):
        return moving(slot)
    name = setting.policy.endpoint
    if endpoint is not None and not endpoint.at_rest:
        return f"endpoint {name} is {endpoint.state}: say it again when it is at rest"
    weights = endpoint.weights if endpoint else {}
    if endpoint is None or not weights:
        return _nothing_serves(state, fact, order, setting)
    found = _single(endpoint, str(slot.key), slot.model)
    if isinstance(found, str):
        return found
    deployment, version = found
    target = world.target(version)
    if target is None:
        return f"{deployment} serves {slot.model}:{version}, which is not registered in this workspace"
    adoption = Adoption(by=order.by, name=order.name, reason=order.reason)
    made = replace(
        begun(slot, fact, _registration(fact, target, setting), setting),
        adoption=adoption,
        candidate=deployment,
        target_version=version,
    )
    why = f"{order.who} adopts {deployment} as what serves{order.because}"
    change = opened(slot, fact, made, why, setting)
    return replace(change, slot=replace(change.slot, mover=made.n))


def _nothing_serves(state: SlotState, fact: Fact, order: Order, setting: Setting) -> Change | str:
    slot, name = released(state), setting.policy.endpoint
    if slot.serving is None:
        return f"nothing serves at {name}: there is nothing to adopt"
    why = f"{order.who} adopts that nothing serves at {name}{order.because}"
    entry = Entry(
        what="slot.adopted", why=why, by=order.by, at=setting.now, before=slot.serving.deployment, after=""
    )
    slot = replace(
        taken(slot, fact),
        serving=None,
        previous=None,
        foreign=None,
        retiring={},
        orphans=(),
        orphaned={},
        told=why,
    )
    return Change(slot=slot, entries=(entry,))


def _single(endpoint: EndpointSeen, slot_id: str, model: str) -> tuple[str, str] | str:
    """The one deployment that serves and its model's version, or why it cannot be adopted."""
    owner = endpoint.tags.get(TAG_SLOT, "")
    if owner not in ("", slot_id):
        return f"endpoint {endpoint.name} carries the mark of {owner}"
    if len(endpoint.weights) != 1:
        return f"traffic is {told(endpoint.weights)}: give all of it to one deployment first"
    (name,) = endpoint.weights
    deployment = endpoint.deployments.get(name)
    if deployment is None or deployment.state != "Succeeded" or endpoint.weights[name] != 100:
        return f"{name} is {deployment.state if deployment else 'gone'}: it cannot be what serves"
    if deployment.model is None or deployment.model[0] != model:
        of = f"{deployment.model[0]}:{deployment.model[1]}" if deployment.model else "no registered model"
        return f"{name} serves {of}, not a version of {model}"
    return name, deployment.model[1]


def _registration(fact: Fact, target: TargetSeen, setting: Setting) -> Registration:
    return Registration(
        model=fact.model,
        version=target.version,
        created_at=fact.at,
        uri=target.uri,
        workspace=setting.policy.env.workspace,
    )


# ---- its goals -----------------------------------------------------------------------------------------


def _always(_: Case) -> bool:
    return True


def _as_seen(case: Case) -> bool:
    endpoint = case.world.endpoint()
    deployment = endpoint.deployments.get(case.p.candidate) if endpoint else None
    if endpoint is None or deployment is None or deployment.state != "Succeeded":
        return False
    ours = endpoint.tags.get(TAG_SLOT, "") in ("", case.slot_id)
    return ours and endpoint.weights == {case.p.candidate: 100}


def _changed(case: Case) -> Step:
    sentence = f"the endpoint changed while {case.p.candidate} was being adopted: say it again"
    return case.finish(Verdict.ERRORED, Reason.FOREIGN_CHANGE, sentence)


def _claim(case: Case) -> Step:
    owner = case.world.name_owner()
    if not owner:
        return case.act(Verb.CLAIM_NAME)
    name = case.setting.policy.endpoint
    if owner != case.slot_id:
        sentence = f"endpoint name {name} belongs to slot {owner}"
        return case.finish(Verdict.FAILED, Reason.PREFLIGHT, sentence)
    return case.record(replace(case.p, preflighted=True), "preflight.passed", f"endpoint name {name} is ours")


def _marked(case: Case) -> bool:
    endpoint = case.world.endpoint()
    return (
        endpoint is not None
        and endpoint.state == "Succeeded"
        and endpoint.tags.get(TAG_SLOT) == case.slot_id
        and endpoint.tags.get(TAG_LIVE) == case.p.candidate
    )


def _mark(case: Case) -> Step:
    endpoint, p = case.world.endpoint(), case.p
    if endpoint is None or not endpoint.at_rest:
        return case.wait(POLL_TRAFFIC, f"endpoint {case.setting.policy.endpoint} is not at rest")
    if case.within(p.wrote_at, READ_BACK):
        return case.wait(POLL_TRAFFIC, "our mark is written, and not read back yet")
    wanted = {p.candidate: 100}
    if p.wanted != wanted:
        sentence = f"{p.candidate} keeps 100 %; our mark is written beside it"
        return case.record(replace(p, wanted=wanted, seen=endpoint.weights), "traffic.planned", sentence)
    return case.act(Verb.MARK, deployment=p.candidate, split=Split(wanted))


def _live(case: Case) -> Step:
    p, said = case.p, case.p.adoption
    if said is None:
        raise AssertionError("these goals are an adoption's")
    who = said.name or said.by
    sentence = (
        f"{p.candidate} was adopted as it serves; no approvers were asked, {who} vouches: {said.reason}"
    )
    seen = replace(p, seen=dict(p.wanted), seen_at=case.setting.now)
    return replace(case, p=seen).finish(Verdict.LIVE, Reason.ADOPTED, sentence, actor=said.by)


ADOPTION: tuple[Goal, ...] = (
    Goal(
        "digested",
        Phase.RECEIVED,
        _always,
        lambda c: bool(c.p.digest),
        lambda c: c.act(Verb.DIGEST),
        Reason.NOT_FOUND,
    ),
    Goal("named", Phase.GATING, _always, lambda c: c.p.preflighted, _claim, Reason.PREFLIGHT),
    Goal("as seen", Phase.VERIFYING, _always, _as_seen, _changed, Reason.FOREIGN_CHANGE),
    Goal("marked", Phase.SHIFTING, _always, _marked, _mark, Reason.FOREIGN_CHANGE),
    Goal("live", Phase.SHIFTING, _always, lambda _: False, _live, Reason.ADOPTED),
)
