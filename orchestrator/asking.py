"""Goal 6: people have approved exactly this, or why not. Pure.

An approval is about a *subject* (digest, target, incumbent; see bound.py). When the subject differs from what
the request showed, the approval lapses and people are asked anew, at most MAX_ASKS times (S4).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.approval import Decision, Request, RequestState, Vote
from orchestrator.bound import authors_of, hash_of, lapse, snapshot_of, subject_of
from orchestrator.case import Case, Step
from orchestrator.model import Entry, Promotion, Reason, Verdict
from orchestrator.reminding import following
from orchestrator.votes import counted, required, tally, unreachable, waited_for
from orchestrator.world import Change, Wait

if TYPE_CHECKING:
    from orchestrator.policy import ApprovalPolicy

MAX_ASKS = 3


def granted(case: Case) -> bool:
    """Does the latest request have its quorum, for the subject as it is now?"""
    request = case.state.requests.get(case.p.n)
    return request is not None and _state(case, case.p, request) is RequestState.GRANTED and not _lapse(case)


def pursue_approval(case: Case) -> Step:
    """Ask, announce, wait, or end: whatever the latest request calls for."""
    p, request = case.p, case.state.requests.get(case.p.n)
    approval = case.setting.policy.env.approval
    if approval is None:
        raise AssertionError("goal `approved` applies only where there is a rule")
    if p.wanted:  # traffic may have moved already: back, rather than wait for people in the middle
        sentence = f"{_lapse(case) or 'nobody has approved it'}: it is not what was approved any more"
        return case.finish(Verdict.ERRORED, Reason.LAPSED, sentence)
    if request is None:
        return _ask(case, approval, None, "people are asked")
    state = _state(case, p, request)
    if state is RequestState.REFUSED:
        votes = counted(request, case.state.votes.get(p.n, ()))
        vote = next(v for v in votes if v.decision is Decision.REJECT)
        return case.finish(Verdict.REJECTED, Reason.REJECTED, _said(vote), actor=vote.approver)
    if state is RequestState.EXPIRED:
        sentence = f"nobody decided until {request.expires_at:%Y-%m-%d %H:%M} UTC; ask again with `retry`"
        return case.finish(Verdict.EXPIRED, Reason.EXPIRED, sentence)
    newer = _newer_ready(case)  # before people are asked anew: they would be asked in vain
    if newer is not None and case.setting.policy.env.newer_version == "supersede":
        sentence = f"version {newer.registration.version} was registered later and awaits approval"
        return case.finish(Verdict.SUPERSEDED, Reason.SUPERSEDED, sentence)
    why = _lapse(case)
    if not why:
        return _wait(case, request)
    if p.asks >= MAX_ASKS:
        return case.finish(Verdict.ERRORED, Reason.LAPSED, f"{why}; people were already asked {p.asks} times")
    return _ask(case, approval, replace(request, closed=f"lapsed: {why}"), f"asked again: {why}")


def reminded_every(case: Case, request: Request) -> timedelta:
    """How often, as fast as this product's time runs."""
    return timedelta(seconds=request.rule.remind / case.setting.pace)


def _wait(case: Case, request: Request) -> Wait:
    """For people; telling.py sees to it that they hear of it."""
    votes = counted(request, case.state.votes.get(case.p.n, ()))
    approvals = [v for v in votes if v.decision is Decision.APPROVE]
    needed = required(request.rule, case.p.registration.author)
    musts = "".join(f", {name} among them" for name in waited_for(request.rule, approvals))
    until = following(request, case.setting.now, reminded_every(case, request))
    return Wait(until, f"{len(approvals)} of {needed} approvals{musts}")


def _ask(case: Case, approval: ApprovalPolicy, old: Request | None, why: str) -> Change:
    p, k = case.p, case.p.asks + 1
    subject = subject_of(case.state, p, case.setting)
    rule = approval.rule(authors=authors_of(p), requester=p.requester)
    snapshot = snapshot_of(case.state, case.p, case.setting, k, rule, subject)
    request = Request(
        n=p.n,
        k=k,
        hash=hash_of(snapshot),
        subject=subject,
        snapshot=snapshot,
        rule=rule,
        asked_at=case.setting.now,
        expires_at=case.setting.after(approval.expires),
    )
    hopeless = unreachable(rule, p.registration.author)
    sentence = f"{why}, but nobody can grant it: {hopeless}" if hopeless else why
    entry = Entry(what="approval.asked", why=sentence, by="greenlight", at=case.setting.now, n=p.n)
    slot = case.state.slot
    return Change(
        slot=replace(slot, mover=None) if slot.mover == p.n else slot,  # no lock while people think
        promotions=(replace(p, asks=k),),
        requests=(request,) if old is None else (old, request),
        entries=(entry,),
    )


def _lapse(case: Case) -> str:
    """Why the latest request is no longer about what would be done; empty: it is, or there is none."""
    request = case.state.requests.get(case.p.n)
    return lapse(request, subject_of(case.state, case.p, case.setting)) if request is not None else ""


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


def _said(vote: Vote) -> str:
    who = vote.name or vote.approver
    return f"rejected by {who}: {vote.comment}" if vote.comment else f"rejected by {who}"
