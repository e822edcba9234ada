"""Goal 6: people have approved exactly this, or why not. Pure.

An approval is about a *subject* (digest, target, incumbent). When the subject differs from what the
request showed, the approval lapses and people are asked anew, at most MAX_ASKS times (S4).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import Any

from orchestrator.approval import Decision, Request, RequestState, Subject, Vote
from orchestrator.case import Case, Step
from orchestrator.model import Entry, Promotion, Reason, SlotState, Verdict
from orchestrator.policy import ApprovalPolicy
from orchestrator.votes import required, tally
from orchestrator.world import Change, Setting, Wait

MAX_ASKS = 3


def subject_of(state: SlotState, p: Promotion, setting: Setting) -> Subject:
    """What an approval of this promotion is about, as things are now."""
    serving = state.slot.serving
    return Subject(
        digest=p.digest,
        target=f"{setting.policy.env.workspace.lower()} {setting.policy.endpoint}",
        incumbent=f"{serving.digest} {serving.deployment}" if serving else "",
    )


def granted(case: Case) -> bool:
    """Does the latest request have its quorum, for the subject as it is now?"""
    request = case.state.requests.get(case.p.n)
    return (
        request is not None
        and request.subject == subject_of(case.state, case.p, case.setting)
        and _state(case, case.p, request) is RequestState.GRANTED
    )


def pursue_approval(case: Case) -> Step:
    """Ask, announce, wait, or end: whatever the latest request calls for."""
    p, request = case.p, case.state.requests.get(case.p.n)
    approval = case.setting.policy.env.approval
    if approval is None:
        raise AssertionError("goal `approved` applies only where there is a rule")
    if p.wanted:  # traffic may have moved already: back, rather than wait for people in the middle
        sentence = "what is being done is no longer what was approved"
        return case.finish(Verdict.ERRORED, Reason.LAPSED, sentence)
    if request is None:
        return _ask(case, approval, None, "people are asked")
    state = _state(case, p, request)
    votes = case.state.votes.get(p.n, ())
    if state is RequestState.REFUSED:
        vote = next(v for v in votes if v.decision is Decision.REJECT and v.hash == request.hash)
        return case.finish(Verdict.REJECTED, Reason.REJECTED, _said(vote), actor=vote.approver)
    if state is RequestState.EXPIRED:
        sentence = f"nobody decided within {approval.expires}; ask again with a new promotion"
        return case.finish(Verdict.EXPIRED, Reason.EXPIRED, sentence)
    lapse = _lapse(request.subject, subject_of(case.state, p, case.setting))
    if lapse:
        if p.asks >= MAX_ASKS:
            sentence = f"{lapse}; people were already asked {p.asks} times"
            return case.finish(Verdict.ERRORED, Reason.LAPSED, sentence)
        return _ask(case, approval, replace(request, closed=f"lapsed: {lapse}"), f"asked again: {lapse}")
    newer = _newer_ready(case)
    if newer is not None and case.setting.policy.env.newer_version == "supersede":
        sentence = f"version {newer.registration.version} was registered later and awaits approval"
        return case.finish(Verdict.SUPERSEDED, Reason.SUPERSEDED, sentence)
    return _wait(case, request)


def _wait(case: Case, request: Request) -> Wait:
    """For people; telling.py sees to it that they hear of it."""
    p, votes = case.p, case.state.votes.get(case.p.n, ())
    approvals = len({v.approver for v in votes if v.decision is Decision.APPROVE and v.hash == request.hash})
    needed = required(request.rule, p.registration.author)
    return Wait(request.expires_at, f"{approvals} of {needed} approvals")


def snapshot_of(case: Case, approval: ApprovalPolicy, subject: Subject) -> dict[str, Any]:
    """Everything approvers are shown and bind themselves to."""
    policy, p = case.setting.policy, case.p
    return {
        "model": p.model,
        "version": p.registration.version,
        "env": p.env,
        "subject": asdict(subject),
        "gates": [asdict(g) for g in p.gates],
        "metrics": dict(p.metrics),
        "serving": asdict(case.state.slot.serving)["metrics"] if case.state.slot.serving else None,
        "serving_version": case.state.slot.serving.version if case.state.slot.serving else "",
        "plan": policy.env.rollout.model_dump(mode="json"),
        "deployment": policy.env.deployment.model_dump(mode="json"),
        "rule": asdict(approval.rule()),
    }


def hash_of(snapshot: dict[str, Any]) -> str:
    """The approval hash: SHA-256 over the canonical snapshot."""
    text = json.dumps(snapshot, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _ask(case: Case, approval: ApprovalPolicy, old: Request | None, why: str) -> Change:
    subject = subject_of(case.state, case.p, case.setting)
    snapshot = snapshot_of(case, approval, subject)
    k = case.p.asks + 1
    request = Request(
        n=case.p.n,
        k=k,
        hash=hash_of(snapshot),
        subject=subject,
        snapshot=snapshot,
        rule=approval.rule(),
        asked_at=case.setting.now,
        expires_at=case.setting.after(approval.expires),
    )
    entry = Entry(what="approval.asked", why=why, by="greenlight", at=case.setting.now, n=case.p.n)
    slot = case.state.slot
    return Change(
        slot=replace(slot, mover=None) if slot.mover == case.p.n else slot,  # no lock while people think
        promotions=(replace(case.p, asks=k),),
        requests=(request,) if old is None else (old, request),
        entries=(entry,),
    )


def _state(case: Case, p: Promotion, request: Request) -> RequestState:
    votes = case.state.votes.get(p.n, ())
    return tally(request, votes, case.setting.now, author=p.registration.author)


def _newer_ready(case: Case) -> Promotion | None:
    """A newer promotion whose own request is out."""
    for q in case.state.promotions.values():
        request = case.state.requests.get(q.n)
        if not case.newer(q) or q.ending is not None or request is None:
            continue
        if _state(case, q, request) in (RequestState.OPEN, RequestState.GRANTED):
            return q
    return None


def _lapse(then: Subject, now: Subject) -> str:
    if then.digest != now.digest:
        return "the bytes are no longer those that were shown"
    if then.target != now.target:
        return "the target is no longer the one that was shown"
    return "what serves now is not what was shown" if then.incumbent != now.incumbent else ""


def _said(vote: Vote) -> str:
    who = vote.name or vote.approver
    return f"rejected by {who}: {vote.comment}" if vote.comment else f"rejected by {who}"
