"""The JSON API: reading in pages, and a vote. The same shapes as the pages show (orchestrator/views.py)."""

from __future__ import annotations

import re
from typing import assert_never

from orchestrator import views
from orchestrator.approval import Decision, VoteKind, VoteOutcome
from orchestrator.model import SlotState
from orchestrator.web import listing
from orchestrator.web.commands import paused_view
from orchestrator.web.http import WebResponse, data, problem
from orchestrator.web.reading import last_ended, promotion_of, trail
from orchestrator.web.visit import Visit
from shared.errors import Invalid
from shared.untrusted import visible_lines

MAX_COMMENT = 2000
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HASH = re.compile(r"[0-9a-f]{64}")


def list_slots(visit: Visit) -> WebResponse:
    wanted = listing.filter_of(visit.request.query, visit.site.environments)
    limit = listing.limit_of(visit.request.query)
    found, following = listing.slots(visit.ledger, wanted, visit.request.query.get("cursor", ""), limit)
    shown = [_slot(visit, s) for s in found]
    return data({"slots": shown, "paused": paused_view(visit), "cursor": following or None})


def _slot(visit: Visit, state: SlotState) -> views.View:
    return views.slot_view(state, visit.now, last_ended(visit.ledger, state))


def list_promotions(visit: Visit) -> WebResponse:
    wanted = listing.filter_of(visit.request.query, visit.site.environments)
    limit = listing.limit_of(visit.request.query)
    unread: list[str] = []
    cursor = visit.request.query.get("cursor", "")
    found, following = listing.promotions(visit.ledger, wanted, cursor, limit, unread)
    rows = [views.summary_view(p, state, visit.now) for p, state in found]
    return data({"promotions": rows, "unreadable": unread, "cursor": following or None})


def show_promotion(visit: Visit, id: str) -> WebResponse:  # noqa: A002 -- as the route names it
    whole = promotion_of(visit.ledger, id)
    rows, cut = trail(visit.ledger, whole)
    shown = views.promotion_view(whole.promotion, whole.state, whole.requests, visit.now)
    return data({"promotion": shown | {"journal": [views.journal_view(r) for r in rows], "journal_cut": cut}})


def slot_history(visit: Visit, model: str, env: str) -> WebResponse:
    """Journal rows, oldest first; the cursor is the number of the last row."""
    key = listing.slot_key_of(model, env)
    if listing.loaded_or_why(visit.ledger, key) is None:
        raise listing.no_slot(key)
    text = visit.request.query.get("cursor") or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Invalid("cursor: give back the one that the page before gave")
    limit = listing.limit_of(visit.request.query)
    unread: list[str] = []
    rows = visit.ledger.journal(key, int(text), limit, unread)
    following = str(int(text) + limit) if len(rows) + len(unread) == limit else None
    shown = [views.journal_view(r) for r in rows]
    return data({"slot": str(key), "history": shown, "unreadable": unread, "cursor": following})


def list_deadletters(visit: Visit) -> WebResponse:
    day = visit.request.query.get("day", "")
    if day and not _DAY.fullmatch(day):
        raise Invalid("day: write YYYY-MM-DD")
    found = visit.services.deadletters.listed(
        day or None, listing.limit_of(visit.request.query), now=visit.now
    )
    letters = [
        {
            "id": d.id,
            "day": d.day,
            "reason": d.reason,
            "source": d.source,
            "payload": d.payload,
            "at": views.time(d.at),
            "replayed": views.time(d.replayed),
            "replayable": d.replayable,
        }
        for d in found
    ]
    return data({"deadletters": letters})


def vote(visit: Visit, id: str) -> WebResponse:  # noqa: A002 -- as the route names it
    """One person's answer. Only a JSON body is read, which no foreign page can send unasked."""
    principal = visit.principal
    if principal is None:
        return problem(401, "unauthenticated", "sign in to vote")
    body = visit.request.json()
    decision, comment, seen = body.get("decision"), body.get("comment", ""), body.get("hash")
    if decision not in ("approve", "reject"):
        raise Invalid("decision: approve or reject")
    if not isinstance(comment, str) or len(comment) > MAX_COMMENT:
        raise Invalid(f"comment: text of at most {MAX_COMMENT} characters")
    if not isinstance(seen, str) or not _HASH.fullmatch(seen):
        raise Invalid("hash: the approval hash that you were shown, 64 hexadecimal digits")
    whole = promotion_of(visit.ledger, id)
    if whole.latest is None:
        return problem(409, "closed", "this promotion has not asked for approval")
    number: object = body.get("request", whole.latest.request.k)
    if not isinstance(number, int) or number not in [a.request.k for a in whole.requests]:
        raise Invalid("request: no such request of this promotion")
    outcome = visit.services.voting.vote(
        whole.key,
        whole.promotion.n,
        number,
        principal=principal,
        decision=Decision(decision),
        comment=visible_lines(comment, MAX_COMMENT),
        hash=seen,
        channel="api",
    )
    return _said(outcome)


def vote_status(kind: VoteKind) -> int:
    match kind:
        case "recorded" | "repeated":
            return 200
        case "not_allowed":
            return 403
        case "needs_comment":
            return 400
        case "conflict" | "closed" | "changed":
            return 409
        case _:
            assert_never(kind)


def _said(outcome: VoteOutcome) -> WebResponse:
    status = vote_status(outcome.kind)
    if status != 200:
        return problem(status, outcome.kind, outcome.message)
    state = outcome.request_state.value
    return data({"outcome": outcome.kind, "message": outcome.message, "request_state": state})
