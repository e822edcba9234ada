"""The review page: GET shows and changes nothing, whoever fetches it and how often; POST votes.

The link leads here and is no identity. A vote takes the signed-in person, the anti-forgery token that this
person was given with the form, and the approval hash that was on the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator import views
from orchestrator.approval import Decision, RequestState, Vote, VoteOutcome
from orchestrator.snapshot import shown
from orchestrator.views import Asking
from orchestrator.votes import NotAllowed, may_vote
from orchestrator.web.api import MAX_COMMENT, vote_status
from orchestrator.web.http import WebResponse
from orchestrator.web.pages import review_path, show
from orchestrator.web.reading import Whole, promotion_of
from orchestrator.web.visit import Visit
from shared.errors import Invalid, NotFound
from shared.links import TokenExpired
from shared.untrusted import visible_lines

_HEADLINES = {
    "recorded": "Your answer is recorded",
    "repeated": "You had already answered so",
    "conflict": "Another answer was given before",
    "not_allowed": "You cannot decide this",
    "closed": "This request takes no more answers",
    "changed": "What you saw is no longer what is asked",
    "needs_comment": "Please say why",
}


@dataclass(frozen=True)
class _Asked:
    """The request that a link leads to, with its promotion."""

    whole: Whole
    asking: Asking

    @property
    def k(self) -> int:
        return self.asking.request.k


def show_review(visit: Visit, token: str) -> WebResponse:
    asked = _asked(visit, token)
    return _page(visit, token, asked) if isinstance(asked, _Asked) else asked


def post_review(visit: Visit, token: str) -> WebResponse:
    asked = _asked(visit, token)
    if not isinstance(asked, _Asked):
        return asked
    principal = visit.principal
    if principal is None:
        return _page(
            visit, token, asked, status=401, error="Sign in first: nobody is known to have answered."
        )
    fields = visit.request.form()
    try:
        visit.services.links.check_form(fields.get("form", ""), principal.id, _subject(asked))
    except TokenExpired:
        return _page(
            visit, token, asked, status=409, error="This page was open too long. Please answer again."
        )
    except Invalid:
        error = "This form was not given to you by this page. Please answer again."
        return _page(visit, token, asked, status=403, error=error)
    decision, comment = fields.get("decision", ""), fields.get("comment", "").strip()
    if decision not in ("approve", "reject"):
        return _page(visit, token, asked, status=400, error="Choose Approve or Reject.")
    if len(comment) > MAX_COMMENT:
        error = f"The comment has {len(comment)} characters; {MAX_COMMENT} are kept. Please shorten it."
        return _page(visit, token, asked, status=400, error=error)
    outcome = visit.services.voting.vote(
        asked.whole.key,
        asked.whole.promotion.n,
        asked.k,
        principal=principal,
        decision=Decision(decision),
        comment=visible_lines(comment, MAX_COMMENT),
        hash=fields.get("hash", ""),
        channel="page",
    )
    if outcome.kind == "needs_comment":
        return _page(visit, token, asked, status=400, error=f"Please {outcome.message}.")
    return _result(visit, token, asked, outcome, Decision(decision))


def _asked(visit: Visit, token: str) -> _Asked | WebResponse:
    """What the link leads to, or the page that says why it leads nowhere."""
    try:
        ref = visit.services.links.open_review(token)
    except TokenExpired:
        return _nowhere(visit, 410, "This link has expired", "Open the promotion from the dashboard instead.")
    except Invalid:
        text = "It was cut short, changed on its way, or made by another system. Open it from the card again."
        return _nowhere(visit, 404, "This link is not valid", text)
    try:
        whole = promotion_of(visit.ledger, ref.promotion)
    except NotFound:
        return _nowhere(visit, 404, "There is no such request", "Its promotion is not known here.")
    asking = next((a for a in whole.requests if a.request.k == ref.k), None)
    if asking is None:
        return _nowhere(visit, 404, "There is no such request", "Its promotion does not have it.")
    return _Asked(whole, asking)


def _nowhere(visit: Visit, status: int, headline: str, text: str) -> WebResponse:
    return show(visit, "message.html", status=status, headline=headline, text=text, tone="bad", link=None)


def _page(visit: Visit, token: str, asked: _Asked, *, status: int = 200, error: str = "") -> WebResponse:
    p, request = asked.whole.promotion, asked.asking.request
    state = views.state_of(p, asked.asking, visit.now)
    latest = asked.whole.latest
    replaced = latest is not None and latest.request.k > asked.k
    mine = _my_vote(visit, asked.asking)
    why_not = "" if state is not RequestState.OPEN or mine else _why_not(visit, asked)
    return show(
        visit,
        "review.html",
        status=status,
        error=error,
        p=views.promotion_view(p, asked.whole.state, asked.whole.requests, visit.now),
        request=views.request_view(p, asked.asking, visit.now),
        seen=shown(request.snapshot),
        description=p.registration.description,
        mine=views.vote_view(mine) if mine else None,
        why_not=why_not,
        form=_form(visit, asked) if state is RequestState.OPEN and not mine and not why_not else None,
        token=token,
        newer=review_path(visit, views.id_of(p), latest.request.k) if replaced and latest else "",
        max_comment=MAX_COMMENT,
    )


def _form(visit: Visit, asked: _Asked) -> dict[str, str] | None:
    if visit.principal is None:
        return None
    token = visit.services.links.form_token(visit.principal.id, _subject(asked))
    return {"token": token, "hash": asked.asking.request.hash}


def _why_not(visit: Visit, asked: _Asked) -> str:
    principal = visit.principal
    if principal is None:
        off = "Sign-in is switched off for this app, so nobody can answer here."
        return off if not visit.site.auth_enabled else "Sign in to answer."
    allowed = may_vote(
        asked.asking.request.rule,
        person=principal.id,
        groups=principal.groups,
        roles=principal.roles,
        author=asked.whole.promotion.registration.author,
        groups_known=principal.groups_known,
    )
    return f"{allowed.why[:1].upper()}{allowed.why[1:]}." if isinstance(allowed, NotAllowed) else ""


def _my_vote(visit: Visit, asking: Asking) -> Vote | None:
    me = visit.principal.id if visit.principal else ""
    return next((v for v in asking.votes if v.approver == me), None)


def _subject(asked: _Asked) -> str:
    return f"vote:{views.id_of(asked.whole.promotion)}:{asked.k}"


def _result(visit: Visit, token: str, asked: _Asked, outcome: VoteOutcome, decision: Decision) -> WebResponse:
    values: dict[str, Any] = {
        "headline": _HEADLINES[outcome.kind],
        "text": _text(asked, outcome, decision),
        "tone": _tone(outcome, decision),
        "link": (f"/promotions/{views.id_of(asked.whole.promotion)}", "Show the promotion"),
    }
    if outcome.kind in ("conflict", "closed", "changed"):
        values["link"] = (f"/review/{token}", "Show the request as it is now")
    return show(visit, "message.html", status=vote_status(outcome.kind), **values)


def _text(asked: _Asked, outcome: VoteOutcome, decision: Decision) -> str:
    said = f"{outcome.message[:1].upper()}{outcome.message[1:]}."
    if outcome.kind == "repeated":
        return f"{said} Nothing more is needed from you."
    if outcome.kind != "recorded":
        return said
    env = asked.whole.promotion.env
    if decision is Decision.REJECT:
        return f"Rejected. Nothing changes in {env}."
    if outcome.request_state is RequestState.GRANTED:
        return f"Approved. It goes to {env} by itself from here; you can follow it on its page."
    return "Your approval counts. More approvals are needed before anything moves."


def _tone(outcome: VoteOutcome, decision: Decision) -> str:
    if vote_status(outcome.kind) != 200:
        return "bad"
    return "good" if decision is Decision.APPROVE else "neutral"
