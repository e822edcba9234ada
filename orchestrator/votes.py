"""Votes and a frozen rule -> the state of a request. Pure.

Counting is by the rule's entries and by person: one person votes once, whatever the channel, and a
vote counts only for the request and the hash it was cast on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.approval import Approver, Decision, Request, RequestState, Rule, Vote


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
        a.id or a.group
        for a in named
        if (a.id and a.id == person.lower()) or (a.group and a.group in carried)
    )


def may_vote(
    rule: Rule, *, person: str, groups: Iterable[str], roles: Iterable[str], author: str
) -> tuple[str, ...] | NotAllowed:
    """The rule's entries (ids, groups) under which a person may vote, or why not.

    `person` is TENANT/OBJECT-ID; `author` is the object id of who registered the model, empty when unknown.
    """
    entries = entries_of(rule.approvers, person=person, groups=groups, roles=roles)
    if not entries:
        return NotAllowed("you are not among the approvers of this request")
    if rule.exclude_author and author and person.lower().rpartition("/")[2] == author.lower():
        return NotAllowed("you registered this model; its author may not approve it")
    return entries


def required(rule: Rule, author: str) -> int:
    """Approvals needed: one more when the author should be excluded but is not known."""
    return rule.required + (1 if rule.exclude_author and not author else 0)


def tally(request: Request, votes: Sequence[Vote], now: datetime, *, author: str) -> RequestState:
    """One rejection refuses; enough distinct approvals grant; whatever was decided before expiry stands."""
    approvals: set[str] = set()
    for vote in sorted(votes, key=lambda v: v.order):
        if vote.hash != request.hash or vote.at >= request.expires_at:
            continue
        if vote.decision is Decision.REJECT:
            return RequestState.REFUSED
        approvals.add(vote.approver)
        if len(approvals) >= required(request.rule, author):
            return RequestState.GRANTED
    if request.closed:
        return RequestState.CLOSED
    return RequestState.EXPIRED if now >= request.expires_at else RequestState.OPEN
