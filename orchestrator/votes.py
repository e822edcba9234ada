"""Votes and a frozen rule -> the state of a request. Pure.

Counting is by the rule's entries and by person: one person votes once, whatever the channel, and a
vote counts only for the request and the hash it was cast on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from orchestrator.approval import Approver, Decision, Request, RequestState, Rule, Vote

UNREADABLE = (
    "your groups could not be read: your sign-in carries too many to list them. "
    "Use an app role, or be named by id in greenlight.yaml"
)
_OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class NotAllowed:
    """Why this person may not vote on this request."""

    why: str


def entries_of(
    named: Iterable[Approver], *, person: str, groups: Iterable[str], roles: Iterable[str]
) -> tuple[str, ...]:
    """The entries (ids, groups, roles) of a list of people under which this person is on it."""
    carried = {g.lower() for g in (*groups, *roles)}
    return tuple(
        a.key for a in named if (a.id and a.id == person.lower()) or (a.group and a.group in carried)
    )


def may_vote(
    rule: Rule,
    *,
    person: str,
    groups: Iterable[str],
    roles: Iterable[str],
    author: str,
    groups_known: bool = True,
) -> tuple[str, ...] | NotAllowed:
    """The rule's entries (ids, groups) under which a person may vote, or why not.

    `person` is TENANT/OBJECT-ID; `author` is the object id of who registered the model, empty when unknown.
    """
    entries = entries_of(rule.approvers, person=person, groups=groups, roles=roles)
    if not entries:
        unreadable = not groups_known and any(a.group for a in rule.approvers)
        return NotAllowed(UNREADABLE if unreadable else "you are not among the approvers of this request")
    why = _excluded(rule, person.lower(), author.lower())
    return NotAllowed(why) if why else entries


def _excluded(rule: Rule, person: str, author: str) -> str:
    """Why an approver may not decide this one; empty: nothing stands against it."""
    if not rule.exclude_author:
        return ""
    oid = person.rpartition("/")[2]
    if oid and oid == author:
        return "you registered this model; its author may not approve it"
    if oid in rule.authors:
        return "you ran the training of this model; its author may not approve it"
    if rule.requester and person == rule.requester.lower():
        return "you asked for this promotion; somebody else must decide it"
    return ""


def object_id(text: str) -> str:
    """An object id in lower case; empty: this is none. A display name, which anyone can choose, is nobody."""
    lower = text.strip().lower()
    return lower if _OBJECT_ID.fullmatch(lower) else ""


def author_known(rule: Rule, author: str) -> bool:
    return bool(object_id(author) or rule.authors)


def required(rule: Rule, author: str) -> int:
    """Approvals needed: one more when the author should be excluded but is not known."""
    return rule.required + (1 if rule.exclude_author and not author_known(rule, author) else 0)


def unreachable(rule: Rule, author: str) -> str:
    """Why this request can never be granted; empty: those named are enough, as far as one can know."""
    barred = {a.id: _excluded(rule, a.id, author.lower()) for a in rule.approvers if a.id}
    for entry in rule.approvers:
        if entry.must and barred.get(entry.id):
            return f"{entry.name} must approve, and may not: {barred[entry.id]}"
    may, needed = sum(1 for why in barred.values() if not why), required(rule, author)
    if may < needed and not any(a.group for a in rule.approvers):
        return f"it takes {needed} approvals, and only {may} of the approvers may give one"
    return ""


def waited_for(rule: Rule, approvals: Iterable[Vote]) -> tuple[str, ...]:
    """Names of the must-have entries under which nobody has approved."""
    given = {entry for vote in approvals for entry in vote.entries}
    return tuple(a.name for a in rule.approvers if a.must and a.key not in given)


def counted(request: Request, votes: Iterable[Vote]) -> list[Vote]:
    """The votes that count, in order: cast on this request and what it shows, in time, one per person."""
    cast_in_time = [
        v
        for v in votes
        if (v.n, v.k, v.hash) == (request.n, request.k, request.hash) and v.at < request.expires_at
    ]
    first: dict[str, Vote] = {}
    for vote in sorted(cast_in_time, key=lambda v: v.order):
        first.setdefault(vote.approver.lower(), vote)
    return list(first.values())


def tally(request: Request, votes: Sequence[Vote], now: datetime, *, author: str) -> RequestState:
    """One rejection refuses; enough distinct approvals, with every must-have among them, grant; whatever was
    decided before expiry stands.
    """
    approvals: list[Vote] = []
    for vote in counted(request, votes):
        if vote.decision is Decision.REJECT:
            return RequestState.REFUSED
        approvals.append(vote)
        enough = len(approvals) >= required(request.rule, author)
        if enough and not waited_for(request.rule, approvals):
            return RequestState.GRANTED
    if request.closed:
        return RequestState.CLOSED
    return RequestState.EXPIRED if now >= request.expires_at else RequestState.OPEN


def must_say_why(request: Request, decision: Decision) -> str:
    """Why this answer needs a comment; empty: it needs none."""
    if decision is Decision.REJECT:
        return "say in the comment why you reject it"
    gates = cast("Sequence[Mapping[str, Any]]", request.snapshot.get("gates") or ())
    open_gates = [str(g.get("gate", "")) for g in gates if g.get("verdict") != "pass"]
    if open_gates:
        return f"say in the comment why you approve although {', '.join(open_gates)} did not pass"
    return ""
