"""What a link leads to, and who is there: the signed-in person, or, where nobody can sign in, whoever a
personal link was sent to. Such a link never outranks a sign-in, and is an identity for votes only.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator import views
from orchestrator.approval import RequestState
from orchestrator.model import Promotion, Verdict
from orchestrator.personal import PERSONAL_LINK
from orchestrator.views import Asking
from orchestrator.web.http import WebResponse
from orchestrator.web.pages import review_path, show
from orchestrator.web.reading import Whole, promotion_of
from orchestrator.web.visit import Visit
from shared.errors import Invalid, NotFound
from shared.identity import Principal
from shared.links import TokenExpired

_NEWEST = 50


@dataclass(frozen=True)
class Asked:
    """The request that a link leads to, with its promotion."""

    whole: Whole
    asking: Asking
    sent_to: str
    """TENANT/OBJECT-ID of whom the link was sent to personally; empty: it is for everybody."""

    @property
    def k(self) -> int:
        return self.asking.request.k

    @property
    def subject(self) -> str:
        """What a form of this page is about."""
        return f"vote:{views.id_of(self.whole.promotion)}:{self.k}"


def asked_by_link(visit: Visit, token: str) -> Asked | WebResponse:
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
    return Asked(whole, asking, ref.person)


def voter_of(visit: Visit, asked: Asked) -> Principal | None:
    """Who would answer here; None: nobody is known."""
    if visit.site.auth_enabled:
        return visit.principal
    person = asked.sent_to
    if not person or person not in visit.site.personal.get(asked.whole.promotion.env, frozenset()):
        return None
    tenant, _, oid = person.partition("/")
    named = next((a.name for a in asked.asking.request.rule.approvers if a.id == person), "")
    return Principal(tenant=tenant, oid=oid, name=named, channel=PERSONAL_LINK)


def replacement(visit: Visit, asked: Asked) -> tuple[str, str] | None:
    """The way to what took the place of this request, and what to call it."""
    p, latest = asked.whole.promotion, asked.whole.latest
    if latest is not None and latest.request.k > asked.k:
        path = review_path(visit, views.id_of(p), latest.request.k)
        return path, "Show the request that replaced it"
    if p.verdict is not Verdict.SUPERSEDED:
        return None
    newer = [q for q in visit.ledger.promotions(asked.whole.key, limit=_NEWEST) if _newer(q, p)]
    if not newer:
        return None
    last = max(newer, key=lambda q: (q.registration.order, q.n))
    return _way_to(visit, asked, last), f"Show v{last.registration.version}, which replaced it"


def _newer(q: Promotion, p: Promotion) -> bool:
    return q.n != p.n and q.registration.order > p.registration.order


def _way_to(visit: Visit, asked: Asked, p: Promotion) -> str:
    """Its review page while it takes votes, else the promotion's own."""
    state = asked.whole.state
    request = state.requests.get(p.n) if state else None
    if state is not None and request is not None:
        asking = Asking(request, state.votes.get(p.n, ()))
        if views.state_of(p, asking, visit.now) is RequestState.OPEN:
            return review_path(visit, views.id_of(p), request.k)
    return f"/promotions/{views.id_of(p)}"


def _nowhere(visit: Visit, status: int, headline: str, text: str) -> WebResponse:
    return show(visit, "message.html", status=status, headline=headline, text=text, tone="bad", link=None)
