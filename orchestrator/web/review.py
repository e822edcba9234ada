"""The review page: GET shows and changes nothing, whoever fetches it and how often; POST votes.

A vote takes a person (signed in; where nobody can, the one the link was sent to personally), the anti-forgery
token that this person was given with the form, and the approval hash that was on the page.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from orchestrator import views
from orchestrator.approval import Decision, RequestState, Vote, VoteOutcome
from orchestrator.personal import PERSONAL_LINK
from orchestrator.snapshot import shown
from orchestrator.views import Asking
from orchestrator.votes import NotAllowed, counted, may_vote, must_say_why, required, waited_for
from orchestrator.web.api import MAX_COMMENT, vote_status
from orchestrator.web.asked import Asked, asked_by_link, replacement, voter_of
from orchestrator.web.http import WebResponse
from orchestrator.web.pages import show
from orchestrator.web.visit import Visit
from shared.errors import Invalid
from shared.identity import Principal
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


def show_review(visit: Visit, token: str) -> WebResponse:
    asked = asked_by_link(visit, token)
    return _page(visit, token, asked) if isinstance(asked, Asked) else asked


def post_review(visit: Visit, token: str) -> WebResponse:
    asked = asked_by_link(visit, token)
    if not isinstance(asked, Asked):
        return asked
    voter = voter_of(visit, asked)
    if voter is None:
        return _page(visit, token, asked, status=401, error="Nobody is known to have answered.")
    fields = visit.request.form()
    decision, comment = fields.get("decision", ""), fields.get("comment", "").strip()
    again = partial(_page, visit, token, asked, comment=comment)
    try:
        visit.services.links.check_form(fields.get("form", ""), voter.id, asked.subject)
    except TokenExpired:
        return again(status=409, error="This page was open too long. Please answer again.")
    except Invalid:
        return again(status=403, error="This form was not given to you by this page. Please answer again.")
    if decision not in ("approve", "reject"):
        return again(status=400, error="Choose Approve or Reject.")
    if len(comment) > MAX_COMMENT:
        error = f"The comment has {len(comment)} characters; {MAX_COMMENT} are kept. Please shorten it."
        return again(status=400, error=error)
    outcome = visit.services.voting.vote(
        asked.whole.key,
        asked.whole.promotion.n,
        asked.k,
        principal=voter,
        decision=Decision(decision),
        comment=visible_lines(comment, MAX_COMMENT),
        hash=fields.get("hash", ""),
        channel="page" if visit.site.auth_enabled else PERSONAL_LINK,
    )
    if outcome.kind == "needs_comment":
        return again(status=400, error=f"Please {outcome.message}.")
    return _result(visit, token, asked, outcome, Decision(decision))


def _page(
    visit: Visit, token: str, asked: Asked, *, status: int = 200, error: str = "", comment: str = ""
) -> WebResponse:
    """`comment`: what was typed already, when it is asked again."""
    p, request, voter = asked.whole.promotion, asked.asking.request, voter_of(visit, asked)
    state = views.state_of(p, asked.asking, visit.now)
    mine = _my_vote(voter, asked.asking)
    why_not = "" if state is not RequestState.OPEN or mine else _why_not(visit, asked, voter)
    asks = state is RequestState.OPEN and not mine and not why_not
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
        personal=_personally(visit, asked, voter) if state is RequestState.OPEN else "",
        why_not=why_not,
        missing=_missing(asked),
        form=_form(visit, asked, voter) if asks else None,
        comment=comment[:MAX_COMMENT],
        why_comment=must_say_why(request, Decision.APPROVE),
        token=token,
        newer=replacement(visit, asked),
        max_comment=MAX_COMMENT,
    )


def _form(visit: Visit, asked: Asked, voter: Principal | None) -> dict[str, str] | None:
    if voter is None:
        return None
    token = visit.services.links.form_token(voter.id, asked.subject)
    return {"token": token, "hash": asked.asking.request.hash}


def _missing(asked: Asked) -> str:
    """How many answers are missing, and whose must be among them."""
    asking, rule = asked.asking, asked.asking.request.rule
    given = [v for v in counted(asking.request, asking.votes) if v.decision is Decision.APPROVE]
    left = required(rule, asked.whole.promotion.registration.author) - len(given)
    waited = waited_for(rule, given)
    more = f"{max(left, len(waited), 1)} more approval{'s' if max(left, len(waited), 1) > 1 else ''} needed"
    return f"{more}; among them {' and '.join(waited)}" if waited else more


def _personally(visit: Visit, asked: Asked, voter: Principal | None) -> str:
    """On whose word a vote is taken, where nobody can sign in."""
    if voter is None or visit.site.auth_enabled:
        return ""
    name = voter.name or voter.oid
    return f"You vote as {name}, because this link was sent to {name} personally. Do not pass it on."


def _why_not(visit: Visit, asked: Asked, voter: Principal | None) -> str:
    if voter is None:
        return "Sign in to answer." if visit.site.auth_enabled else _elsewhere(visit, asked)
    allowed = may_vote(
        asked.asking.request.rule,
        person=voter.id,
        groups=voter.groups,
        roles=voter.roles,
        author=asked.whole.promotion.registration.author,
        groups_known=voter.groups_known,
    )
    return f"{allowed.why[:1].upper()}{allowed.why[1:]}." if isinstance(allowed, NotAllowed) else ""


def _elsewhere(visit: Visit, asked: Asked) -> str:
    """How to answer when this link says nothing about who follows it, and nobody can sign in."""
    told = visit.site.personal.get(asked.whole.promotion.env, frozenset())
    names = [a.name for a in asked.asking.request.rule.approvers if a.id and a.id in told]
    off = "Sign-in is switched off for this app, so this link shows the request and decides nothing."
    if names:
        return f"{off} {', '.join(names)}: please use the link that was sent to you personally."
    return (
        f"{off} To answer here or with greenlight approve, an administrator switches sign-in on (App Service "
        "Authentication) or gives approvers personal channels in greenlight.yaml."
    )


def _my_vote(voter: Principal | None, asking: Asking) -> Vote | None:
    me = voter.id if voter else ""
    return next((v for v in asking.votes if v.approver == me), None)


def _result(visit: Visit, token: str, asked: Asked, outcome: VoteOutcome, decision: Decision) -> WebResponse:
    values: dict[str, Any] = {
        "headline": _HEADLINES[outcome.kind],
        "text": _text(asked, outcome, decision),
        "tone": _tone(outcome, decision),
        "link": (f"/promotions/{views.id_of(asked.whole.promotion)}", "Show the promotion"),
    }
    if outcome.kind in ("conflict", "closed", "changed"):
        values["link"] = (f"/review/{token}", "Show the request as it is now")
    return show(visit, "message.html", status=vote_status(outcome.kind), **values)


def _text(asked: Asked, outcome: VoteOutcome, decision: Decision) -> str:
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
