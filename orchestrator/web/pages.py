"""The reading pages: dashboard, slot, promotion."""

from __future__ import annotations

from typing import Any

from orchestrator import views
from orchestrator.approval import RequestState
from orchestrator.model import Phase, SlotKey, SlotState
from orchestrator.snapshot import shown
from orchestrator.web import listing
from orchestrator.web.commands import paused_view
from orchestrator.web.http import WebResponse, page
from orchestrator.web.reading import Whole, last_ended, promotion_of, recent, trail
from orchestrator.web.render import render
from orchestrator.web.visit import Visit
from shared.links import RequestRef

_MODELS_A_PAGE = 50
_HISTORY = 20


def show(visit: Visit, template: str, *, status: int = 200, **values: Any) -> WebResponse:
    """A page with what every page needs."""
    live = visit.request.query.get("live") == "1"
    html = render(template, visit.now, principal=visit.principal, site=visit.site, live=live, **values)
    return page(html, status)


def dashboard(visit: Visit) -> WebResponse:
    """One row per model, one column per environment."""
    after = visit.request.query.get("cursor", "")
    keys, following = visit.ledger.slot_keys(after=after, limit=_MODELS_A_PAGE)
    models = dict.fromkeys(key.model for key in keys)
    rows = [
        (model, [_cell(visit, SlotKey(model, env)) for env in visit.site.environments]) for model in models
    ]
    return show(
        visit, "dashboard.html", rows=rows, following=following, first=not after, paused=paused_view(visit)
    )


def slot(visit: Visit, model: str, env: str) -> WebResponse:
    key = listing.slot_key_of(model, env)
    state = listing.loaded_or_why(visit.ledger, key)
    if state is None:
        raise listing.no_slot(key)
    unread: list[str] = []
    found = [] if state.unread else visit.ledger.promotions(key, limit=_HISTORY, unread=unread)
    rows = [] if state.unread else recent(visit.ledger, state, unread)
    return show(
        visit,
        "slot.html",
        slot=views.slot_view(state, visit.now),
        promotions=[views.summary_view(p, state, visit.now) for p in found],
        rows=[views.journal_view(r) for r in rows],
        unread=unread,
        review=_reviews(visit, state),
    )


def promotion(visit: Visit, id: str) -> WebResponse:  # noqa: A002 -- as the route names it
    whole = promotion_of(visit.ledger, id)
    rows, cut = trail(visit.ledger, whole)
    view = views.promotion_view(whole.promotion, whole.state, whole.requests, visit.now)
    latest = whole.latest
    return show(
        visit,
        "promotion.html",
        p=view,
        slot_path=views.path_of_slot(whole.key),
        seen=shown(latest.request.snapshot) if latest else None,
        rows=[views.journal_view(r) for r in rows],
        cut=cut,
        names={v.approver: v.name for a in whole.requests for v in a.votes},
        steps=_steps(visit, whole),
        review=_review_of(visit, whole),
    )


def _steps(visit: Visit, whole: Whole) -> list[tuple[str, str]]:
    """(phase, done | now | todo) in order, while it is open and on its way; a verdict needs no map."""
    p = whole.promotion
    first = whole.key.env in visit.site.environments[:1]
    skipped = {Phase.ROLLING_BACK, Phase.ENDED}
    skipped |= {Phase.AWAITING_APPROVAL, Phase.REGISTERING} - {p.phase} if first else set()
    way = [phase for phase in Phase if phase not in skipped]
    if not p.open or p.ending is not None or p.phase not in way:
        return []
    here = way.index(p.phase)
    states = ["done"] * here + ["now"] + ["todo"] * (len(way) - here)
    return list(zip([*(phase.value for phase in way), "Live"], states, strict=True))


def _cell(visit: Visit, key: SlotKey) -> dict[str, Any] | None:
    state = listing.loaded_or_why(visit.ledger, key)
    if state is None:
        return None
    slot = views.slot_view(state, visit.now, last_ended(visit.ledger, state))
    return {"slot": slot, "review": _reviews(visit, state)}


def _reviews(visit: Visit, state: SlotState) -> dict[int, str]:
    """Promotion number -> the way to its review page, while it takes votes."""
    found: dict[int, str] = {}
    for n, request in state.requests.items():
        p = state.promotions[n]
        asking = views.Asking(request, state.votes.get(n, ()))
        if views.state_of(p, asking, visit.now) is RequestState.OPEN:
            found[n] = review_path(visit, views.id_of(p), request.k)
    return found


def _review_of(visit: Visit, whole: Whole) -> str:
    latest = whole.latest
    if latest is None or views.state_of(whole.promotion, latest, visit.now) is not RequestState.OPEN:
        return ""
    return review_path(visit, views.id_of(whole.promotion), latest.request.k)


def review_path(visit: Visit, promotion_id: str, k: int) -> str:
    return f"/review/{visit.services.links.review_token(RequestRef(promotion_id, k))}"
