"""Stored values -> JSON-able dicts: one shape for the API, the pages and the CLI. Pure.

Times are ISO 8601 in UTC; what is not known yet is null; ids are those of shared/names.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from orchestrator.approval import Decision, Request, RequestState, Rule, Vote
from orchestrator.explain import Explanation, explain, explain_slot
from orchestrator.journal import JournalRow
from orchestrator.model import (
    GateResult,
    Promotion,
    Reason,
    Registration,
    SlotKey,
    SlotState,
    Verdict,
)
from orchestrator.slot_views import View as View
from orchestrator.slot_views import foreign_view, ordered_view, serving_view
from orchestrator.slot_views import metrics_view as metrics_view
from orchestrator.slot_views import time as time
from orchestrator.votes import author_known, counted, required, tally
from shared.names import promotion_id, slot_id

_COMMIT = ("commit", "git_commit", "mlflow.source.git.commit", "azureml.git.commit")
_DATA = ("data_version", "data", "dataset_version")
TONES: dict[Verdict, str] = {
    Verdict.LIVE: "good",
    Verdict.REJECTED: "bad",
    Verdict.FAILED: "bad",
    Verdict.ERRORED: "bad",
    Verdict.ROLLED_BACK: "bad",
    Verdict.ABORTED: "bad",
    Verdict.EXPIRED: "neutral",
    Verdict.SUPERSEDED: "neutral",
    Verdict.UNCHANGED: "neutral",
}


@dataclass(frozen=True)
class Asking:
    """A request with its votes, in order."""

    request: Request
    votes: tuple[Vote, ...]


def tone_of(p: Promotion) -> str:
    """Is its end good, bad, or neither? What somebody took back is no failure."""
    if p.verdict is None:
        return "open"
    return "neutral" if p.reason is Reason.WITHDRAWN else TONES[p.verdict]


def id_of(p: Promotion) -> str:
    return promotion_id(p.model, p.env, p.registration.version, p.n)


def path_of_slot(key: SlotKey) -> str:
    model, _, env = slot_id(key.model, key.env).rpartition("@")
    return f"/slots/{model}/{env}"


def slot_view(state: SlotState, now: datetime, last: Promotion | None = None) -> View:
    """A slot: what serves, what is open, what it waits for; `last`: the newest, if it came to nothing."""
    slot = state.slot
    opened = [state.promotions[n] for n in slot.open if n in state.promotions]
    mover = state.promotions.get(slot.mover) if slot.mover is not None else None
    return {
        "slot": slot_id(slot.model, slot.env),
        "model": slot.model,
        "environment": slot.env,
        "serving": serving_view(slot.serving, slot.key),
        "open": [summary_view(p, state, now) for p in opened],
        "last": summary_view(last, None, now) if last else None,
        "moving": id_of(mover) if mover else None,
        "unreadable": state.unread.why if state.unread else None,
        "hold": slot.hold or None,
        "freeze": {"name": slot.freeze.name, "until": time(slot.freeze.until)}
        if slot.freeze and slot.freeze.until > now
        else None,
        "foreign": foreign_view(slot.foreign),
        "orphans": list(slot.orphans),
        **ordered_view(slot),
        "told": slot.told or None,
        "claim": {"action": slot.claim.action, "worker": slot.claim.worker, "until": time(slot.claim.until)}
        if slot.claim
        else None,
        "pending_facts": len(slot.pending),
        "retiring": [{"deployment": name, "not_before": time(at)} for name, at in slot.retiring.items()],
        "journal_rows": slot.seq,
        "explain": _explanation(explain_slot(state, now)),
        "path": path_of_slot(slot.key),
    }


def summary_view(p: Promotion, state: SlotState | None, now: datetime) -> View:
    """A promotion as a row in a list."""
    request = state.requests.get(p.n) if state else None
    asking = Asking(request, state.votes.get(p.n, ())) if state and request else None
    return {
        "id": id_of(p),
        "n": p.n,
        "model": p.model,
        "environment": p.env,
        "version": p.registration.version,
        "open": p.open,
        "phase": p.phase.value,
        "verdict": p.verdict.value if p.verdict else None,
        "tone": tone_of(p),
        "reason": p.reason.value if p.reason else None,
        "sentence": p.sentence,
        "actor": p.actor,
        "opened_at": time(p.opened_at),
        "updated_at": time(p.updated_at),
        "ended_at": time(p.ended_at),
        "request": _request_line(p, asking, now) if asking and p.open else None,
        "trouble": {"attempts": p.troubles, "sentence": p.trouble, "not_before": time(p.not_before)}
        if p.trouble
        else None,
        "explain": _explanation(explain(state, p, now)),
        "path": f"/promotions/{id_of(p)}",
    }


def promotion_view(p: Promotion, state: SlotState | None, requests: Sequence[Asking], now: datetime) -> View:
    """Everything about one promotion but its journal."""
    return summary_view(p, state, now) | {
        "slot": slot_id(p.model, p.env),
        "origin": p.origin,
        "registration": registration_view(p.registration),
        "digest": p.digest or None,
        "size": p.size or None,
        "frozen": bool(p.frozen),
        "metrics": metrics_view(p.metrics),
        "gates": [gate_view(g) for g in p.gates],
        "requests": [request_view(p, a, now) for a in requests],
        "target_version": p.target_version or None,
        "candidate": p.candidate or None,
        "probe": asdict(p.probe) | {"at": time(p.probe.at)} if p.probe else None,
        "traffic": {"wanted": dict(p.wanted), "seen": dict(p.seen), "seen_at": time(p.seen_at)},
        "moving": bool(state and state.slot.mover == p.n),
    }


def registration_view(r: Registration) -> View:
    return {
        "version": r.version,
        "created_at": time(r.created_at),
        "author": r.author or None,
        "run_id": r.run_id or None,
        "commit": _first(r, _COMMIT) or None,
        "data_version": _first(r, _DATA) or None,
        "type": r.type,
        "workspace": r.workspace,
        "description": r.description,
        "tags": dict(r.tags),
    }


def gate_view(g: GateResult) -> View:
    return {
        "gate": g.gate,
        "verdict": g.verdict,
        "sentence": g.sentence,
        "measured": _finite(g.measured),
        "wanted": _finite(g.wanted),
    }


def request_view(p: Promotion, asking: Asking, now: datetime) -> View:
    request, rule = asking.request, asking.request.rule
    return _request_line(p, asking, now) | {
        "hash": request.hash,
        "asked_at": time(request.asked_at),
        "rule": _rule(rule, p.registration.author),
        "votes": [vote_view(v) for v in asking.votes],
        "notified": {channel: time(at) for channel, at in request.notified.items()},
        "gave_up": list(request.gave_up),
        "closed": request.closed or None,
    }


def vote_view(v: Vote) -> View:
    return {
        "approver": v.approver,
        "name": v.name,
        "decision": v.decision.value,
        "comment": v.comment,
        "at": time(v.at),
        "channel": v.channel,
        "hash": v.hash,
    }


def journal_view(row: JournalRow) -> View:
    entry = row.entry
    return {
        "seq": row.seq,
        "what": entry.what,
        "why": entry.why,
        "by": entry.by,
        "at": time(entry.at),
        "n": entry.n,
        "before": entry.before or None,
        "after": entry.after or None,
        "hash": row.hash,
    }


def state_of(p: Promotion, asking: Asking, now: datetime) -> RequestState:
    """Open requests of a promotion that has ended take no votes, whatever their votes say."""
    state = tally(asking.request, asking.votes, now, author=p.registration.author)
    ending = not p.open or p.ending is not None
    return RequestState.CLOSED if state is RequestState.OPEN and ending else state


def approvals(asking: Asking) -> int:
    """Distinct people who approved exactly this."""
    return sum(1 for v in counted(asking.request, asking.votes) if v.decision is Decision.APPROVE)


def _request_line(p: Promotion, asking: Asking, now: datetime) -> View:
    return {
        "k": asking.request.k,
        "state": state_of(p, asking, now).value,
        "approvals": approvals(asking),
        "required": required(asking.request.rule, p.registration.author),
        "expires_at": time(asking.request.expires_at),
        "extensions": asking.request.extensions,
    }


def _rule(rule: Rule, author: str) -> View:
    return {
        "approvers": [
            {"name": a.name, **({"id": a.id} if a.id else {"group": a.group}), "must_have": a.must}
            for a in rule.approvers
        ],
        "required": rule.required,
        "exclude_author": rule.exclude_author,
        "author_known": author_known(rule, author),
        "requester": rule.requester or None,
    }


def _explanation(e: Explanation) -> View:
    return {"headline": e.headline, "because": list(e.because), "next": e.next}


def _first(r: Registration, names: Sequence[str]) -> str:
    """Lineage may be in tags (ours) or in properties (MLflow's)."""
    return next((found[n] for n in names for found in (r.tags, r.properties) if found.get(n)), "")


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
