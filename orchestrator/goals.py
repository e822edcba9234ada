"""THE TABLE: the goals of a promotion, in order. For each: the phase while it does not hold, when it
applies, when it holds, and the one step that brings it closer.

A step looks at the world only through `World`, so a row says by its code what it needs to observe.
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator.asking import granted, pursue_approval
from orchestrator.bound import plan_row
from orchestrator.case import POLL_HELD, POLL_TURN, Case, Goal, Step
from orchestrator.deploying import (
    POLL_DEPLOYMENT,
    POLL_ENDPOINT,
    deploy,
    deployed,
)
from orchestrator.gates import FAIL, evaluate
from orchestrator.model import Phase, Promotion, Reason, Verdict, order
from orchestrator.preflight import preflight
from orchestrator.seen import RunSeen
from orchestrator.shifting import deleted, shift, shifted, too_late
from orchestrator.world import Verb


def _always(_: Case) -> bool:
    return True


def _later(case: Case) -> bool:
    return not case.setting.policy.first


# 1a -----------------------------------------------------------------------------------------------------
def _newest(case: Case) -> bool:
    """An event may come late: what was registered before that which serves does not replace it by itself."""
    serving = case.state.slot.serving
    if serving is None or serving.registered_at is None or case.p.retried:
        return True
    return case.p.registration.order >= order(serving.registered_at, serving.version)


def _overtaken(case: Case) -> Step:
    serving = case.state.slot.serving
    sentence = f"version {serving.version if serving else ''}, registered later, serves already"
    return case.finish(Verdict.SUPERSEDED, Reason.SUPERSEDED, sentence)


# 3 ------------------------------------------------------------------------------------------------------
def _unchanged(case: Case) -> Step:
    return case.finish(Verdict.UNCHANGED, Reason.UNCHANGED, "these very bytes already serve in this slot")


# 5 ------------------------------------------------------------------------------------------------------
def _through_gates(p: Promotion) -> bool:
    return p.gated and not any(g.verdict == FAIL for g in p.gates)


def _gates_passed(case: Case) -> bool:
    return _through_gates(case.p)


def _gate(case: Case) -> Step:
    p, policy = case.p, case.setting.policy
    if p.gated:
        failed = "; ".join(g.sentence for g in p.gates if g.verdict == FAIL)
        return case.finish(Verdict.FAILED, Reason.GATE, failed)
    run_id = p.registration.run_id
    run = case.world.run(run_id) if run_id and not p.metrics else RunSeen(p.metrics, p.ran_by)
    metrics = run.metrics
    serving = case.state.slot.serving
    gates = evaluate(policy.gates, metrics, serving.metrics if serving else None)
    said = "; ".join(g.sentence for g in gates) or "no gate is configured"
    p = replace(p, metrics=dict(metrics), ran_by=run.owner, gates=gates, gated=True)
    return case.record(p, "gates.evaluated", said)


# 6 ------------------------------------------------------------------------------------------------------
def _has_rule(case: Case) -> bool:
    return case.setting.policy.env.approval is not None


def _no_rule(case: Case) -> bool:
    return not _has_rule(case)


# 7 ------------------------------------------------------------------------------------------------------
def _moves(case: Case) -> bool:
    return case.state.slot.mover == case.p.n


def _goes_first(case: Case, q: Promotion) -> bool:
    """Is this an older promotion that has its quorum? Whoever it was shown to approved it as the next one."""
    older = q.n != case.p.n and not case.newer(q) and q.ending is None and _has_rule(case)
    return older and granted(replace(case, p=q))


def _take_turn(case: Case) -> Step:
    slot, p = case.state.slot, case.p
    others = case.state.promotions.values()
    newer = [q for q in others if case.newer(q) and _through_gates(q) and q.ending is None]
    if newer and not _has_rule(case) and case.setting.policy.env.newer_version == "supersede":
        sentence = f"version {newer[-1].registration.version} was registered later and is ready"
        return case.finish(Verdict.SUPERSEDED, Reason.SUPERSEDED, sentence)
    if case.held:
        return case.wait(POLL_HELD, case.held)
    if slot.mover is not None:
        return case.wait(POLL_TURN, f"promotion {slot.mover} is moving the slot")
    first = next((q.n for q in others if _goes_first(case, q)), None)
    if first is not None:
        return case.wait(POLL_TURN, f"promotion {first} is older and approved: it goes first")
    if any(due <= case.setting.now for due in slot.retiring.values()):
        return case.wait(POLL_DEPLOYMENT, "the previous deployment is still being removed")
    frozen = case.frozen()
    if frozen is not None:
        return frozen
    if slot.retiring:
        return _end_warm(case)
    planned = p if _has_rule(case) else replace(p, plan=plan_row(case.plan))
    change = case.record(planned, "slot.taken", "this promotion may now move the slot")
    return replace(change, slot=replace(slot, mover=p.n, freeze=None))


def _end_warm(case: Case) -> Step:
    """What is still kept warm makes room, as the plan says: two deployments side by side are enough."""
    slot, now = case.state.slot, case.setting.now
    why = f"{', '.join(slot.retiring)} makes room for this rollout before its warm period is over"
    change = case.record(case.p, "warm.ended", why)
    return replace(change, slot=replace(slot, retiring=dict.fromkeys(slot.retiring, now)))


# 8 ------------------------------------------------------------------------------------------------------
def _registered(case: Case) -> bool:
    p = case.p
    if not p.target_version:
        return False
    target = case.world.target(p.target_version)
    return target is not None and target.digest == p.digest and target.uri == p.frozen


def _register(case: Case) -> Step:
    p = case.p
    if not p.target_version:
        wanted = p.registration.version
        sentence = f"version {wanted} keeps its number in {p.env}"
        return case.record(replace(p, target_version=wanted), "target.chosen", sentence)
    target = case.world.target(p.target_version)
    if target is None:
        return case.act(Verb.REGISTER)
    if p.candidate:  # it may run what was registered when it was deployed: nobody knows any more
        sentence = f"version {p.target_version} in {p.env} is no longer what the candidate was deployed from"
        return case.finish(Verdict.ERRORED, Reason.BYTES_CHANGED, sentence)
    free = case.world.free_version()
    sentence = f"version {p.target_version} is taken in {p.env} by other bytes; using {free}"
    return case.record(replace(p, target_version=free), "target.chosen", sentence)


# 9 ------------------------------------------------------------------------------------------------------
def _endpoint_ready(case: Case) -> bool:
    endpoint = case.world.endpoint()
    return endpoint is not None and endpoint.state == "Succeeded" and not case.foreign(endpoint)


def _endpoint(case: Case) -> Step:
    endpoint = case.world.endpoint()
    if endpoint is None:
        if case.state.slot.serving or case.p.probe:
            return deleted(case, "the endpoint")
        return case.act(Verb.CREATE_ENDPOINT)
    if not endpoint.at_rest:
        late = too_late(case)
        if late:
            sentence = f"endpoint {endpoint.name} is {endpoint.state}, {late}"
            return case.finish(Verdict.ERRORED, Reason.GAVE_UP, sentence)
        return case.wait(POLL_ENDPOINT, f"endpoint {endpoint.name} is {endpoint.state}")
    why = case.foreign(endpoint) or f"endpoint {endpoint.name} is {endpoint.state}"
    return case.finish(Verdict.FAILED, Reason.ENDPOINT, why)


# 11 -----------------------------------------------------------------------------------------------------
def _probed(case: Case) -> bool:
    return case.p.probe is not None and case.p.probe.ok


def _probe(case: Case) -> Step:
    if case.p.probe is None:
        return case.act(Verb.PROBE, deployment=case.p.candidate)
    return case.finish(Verdict.FAILED, case.p.probe.reason, case.p.probe.sentence)


# 13 -----------------------------------------------------------------------------------------------------
def _never(_: Case) -> bool:
    return False


def _live(case: Case) -> Step:
    sentence = f"{case.p.candidate} was observed at 100 %"
    p = replace(case.p, seen=dict(case.p.wanted), seen_at=case.setting.now)
    return replace(case, p=p).finish(Verdict.LIVE, Reason.LIVE, sentence)


def _digest(case: Case) -> Step:
    return case.act(Verb.DIGEST)


def _freeze(case: Case) -> Step:
    return case.act(Verb.FREEZE)


GOALS: tuple[Goal, ...] = (
    Goal("known", Phase.RECEIVED, _always, lambda c: bool(c.p.digest), _digest, Reason.NOT_FOUND),
    Goal("newest", Phase.GATING, _always, _newest, _overtaken, Reason.SUPERSEDED),
    Goal("frozen", Phase.GATING, _later, lambda c: bool(c.p.frozen), _freeze, Reason.BYTES_CHANGED),
    Goal(
        "changed",
        Phase.GATING,
        _always,
        lambda c: c.p.digest != c.p.stable_digest,
        _unchanged,
        Reason.UNCHANGED,
    ),
    Goal("preflight", Phase.GATING, _always, lambda c: c.p.preflighted, preflight, Reason.PREFLIGHT),
    Goal("gated", Phase.GATING, _always, _gates_passed, _gate, Reason.GATE),
    Goal("approved", Phase.AWAITING_APPROVAL, _has_rule, granted, pursue_approval, Reason.LAPSED),
    Goal("turn", Phase.AWAITING_APPROVAL, _has_rule, _moves, _take_turn, Reason.SUPERSEDED),
    Goal("turn", Phase.GATING, _no_rule, _moves, _take_turn, Reason.SUPERSEDED),
    Goal("registered", Phase.REGISTERING, _later, _registered, _register, Reason.REGISTER),
    Goal("endpoint", Phase.DEPLOYING, _always, _endpoint_ready, _endpoint, Reason.ENDPOINT),
    Goal("deployed", Phase.DEPLOYING, _always, deployed, deploy, Reason.DEPLOY),
    Goal("probed", Phase.VERIFYING, _always, _probed, _probe, Reason.PROBE),
    Goal("shifted", Phase.SHIFTING, _always, shifted, shift, Reason.FOREIGN_CHANGE),
    Goal("live", Phase.SHIFTING, _always, _never, _live, Reason.LIVE),
)
