"""Routes, sign-in and errors: one request in, one answer out, whatever server is in front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from orchestrator.rows import Unreadable
from orchestrator.web import api, commands, pages, review
from orchestrator.web.health import health
from orchestrator.web.http import MAX_BODY, WebRequest, WebResponse, data, problem, secured
from orchestrator.web.openapi import described
from orchestrator.web.render import static_file
from orchestrator.web.visit import Services, Site, Visit
from shared.clock import Clock
from shared.errors import Conflict, Final, GreenlightError, Invalid, NotFound, Retryable
from shared.identity import principal_from_headers
from shared.links import NoKey

Handler = Callable[..., WebResponse]


@dataclass(frozen=True)
class Route:
    """A path whose `{parts}` become the handler's arguments. `public`: answers without sign-in."""

    pattern: str
    handlers: dict[str, Handler]
    public: bool = False

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        parts = tuple(part for part in self.pattern.split("/") if part)
        if len(parts) != len(segments):
            return None
        pairs = list(zip(parts, segments, strict=True))
        if any(part != segment for part, segment in pairs if not part.startswith("{")):
            return None
        return {part[1:-1]: segment for part, segment in pairs if part.startswith("{")}


def _static(visit: Visit, name: str) -> WebResponse:
    found = static_file(name, visit.request)
    if found is None:
        raise NotFound("there is no such file")
    return found


def _openapi(_: Visit) -> WebResponse:
    return data(described(ROUTES))


ROUTES: tuple[Route, ...] = (
    Route("/", {"GET": pages.dashboard}),
    Route("/healthz", {"GET": health}, public=True),
    Route("/api/health", {"GET": health}),
    Route("/static/{name}", {"GET": _static}, public=True),
    Route("/slots/{model}/{env}", {"GET": pages.slot}),
    Route("/promotions/{id}", {"GET": pages.promotion}),
    Route("/review/{token}", {"GET": review.show_review, "POST": review.post_review}),
    Route("/api/slots", {"GET": api.list_slots}),
    Route("/api/slots/{model}/{env}/history", {"GET": api.slot_history}),
    Route("/api/promotions", {"GET": api.list_promotions}),
    Route("/api/promotions/{id}", {"GET": api.show_promotion}),
    Route("/api/promotions/{id}/vote", {"POST": api.vote}),
    *(
        Route(f"/api/promotions/{{id}}/{name}", {"POST": handler})
        for name, handler in commands.PROMOTION_COMMANDS.items()
    ),
    *(
        Route(f"/api/slots/{{model}}/{{env}}/{name}", {"POST": handler})
        for name, handler in commands.SLOT_COMMANDS.items()
    ),
    Route("/api/slots/{model}/{env}/verify", {"GET": commands.verify}),
    Route("/api/plan", {"POST": commands.plan}),
    Route("/api/pause", {"POST": commands.pause}),
    Route("/api/resume", {"POST": commands.resume_all}),
    Route("/api/deadletters", {"GET": api.list_deadletters}),
    Route("/api/deadletters/{id}/replay", {"POST": commands.replay}),
    Route("/api/openapi.json", {"GET": _openapi}),
)


class WebApp:
    """All pages and the API over one set of services."""

    def __init__(self, *, site: Site, services: Services, clock: Clock) -> None:
        self._site = site
        self._services = services
        self._clock = clock

    def handle(self, method: str, url: str, headers: dict[str, str], body: bytes = b"") -> WebResponse:
        """The answer to one request. GreenlightErrors are answered; anything else is a bug, for the host."""
        now = self._clock.now()
        try:
            request = WebRequest.of(method, url, headers, body)
        except Invalid as error:
            return secured(problem(400, "invalid", str(error)))
        principal = principal_from_headers(
            request.headers, auth_enabled=self._site.auth_enabled, tenant=self._site.tenant
        )
        visit = Visit(request=request, principal=principal, now=now, site=self._site, services=self._services)
        try:
            answer = _dispatch(visit)
        except GreenlightError as error:
            answer = _failed(visit, error)
        return secured(answer, head=request.method == "HEAD")


def _dispatch(visit: Visit) -> WebResponse:
    request = visit.request
    for route in ROUTES:
        arguments = route.match(request.segments)
        if arguments is not None:
            return _routed(visit, route, arguments)
    raise NotFound("there is no such page")


def _routed(visit: Visit, route: Route, arguments: dict[str, Any]) -> WebResponse:
    request = visit.request
    method = "GET" if request.method == "HEAD" else request.method
    allowed = ", ".join(["OPTIONS", *(["HEAD"] if "GET" in route.handlers else []), *route.handlers])
    if method == "OPTIONS":
        return WebResponse(status=204, headers={"Allow": allowed})
    handler = route.handlers.get(method)
    if handler is None:
        return _refused(
            visit, 405, "method_not_allowed", f"{method[:20]} is not possible here", Allow=allowed
        )
    if visit.site.auth_enabled and visit.principal is None and not route.public:
        return _sign_in(visit)
    if len(request.body) > MAX_BODY:
        return _refused(visit, 413, "too_large", f"the body is larger than {MAX_BODY // 1024} KB")
    if method == "POST" and request.from_elsewhere:
        return _refused(
            visit, 403, "foreign_site", "this was sent from another site's page; nothing was done"
        )
    answer: WebResponse = handler(visit, **arguments)
    return answer


def _sign_in(visit: Visit) -> WebResponse:
    """Nothing about anything is shown before sign-in."""
    if not _as_page(visit):
        return problem(401, "unauthenticated", "sign in, or send a bearer token")
    target = f"/.auth/login/aad?post_login_redirect_uri={quote(visit.request.path, safe='/')}"
    text = "Greenlight shows models and decisions to people of your organisation."
    return pages.show(
        visit,
        "message.html",
        status=401,
        headline="Please sign in",
        text=text,
        tone="neutral",
        link=(target, "Sign in"),
    )


def _failed(visit: Visit, error: GreenlightError) -> WebResponse:
    match error:
        case NotFound():
            return _refused(visit, 404, "not_found", str(error))
        case Invalid():
            return _refused(visit, 400, "invalid", str(error))
        case Unreadable():
            return _refused(visit, 409, "unreadable", f"{error}. {error.fix}")
        case NoKey():
            return _refused(visit, 503, "unavailable", f"{error}; nothing is lost meanwhile")
        case Retryable() | Conflict():
            seconds = str(int(getattr(error, "after", None) or 5))
            text = "the store did not answer or was busy; nothing is lost, please try again"
            return _refused(visit, 503, "unavailable", text, **{"Retry-After": seconds})
        case Final():
            return _refused(visit, 500, "failed", f"this cannot be answered: {error}")
        case _:
            raise error


_TITLES = {
    400: "This request is not understood",
    403: "Not from here",
    404: "Not found",
    405: "Not possible here",
    409: "A row cannot be read",
    413: "Too large",
    500: "Something is wrong",
    503: "Please try again",
}


def _refused(visit: Visit, status: int, code: str, message: str, **headers: str) -> WebResponse:
    if not _as_page(visit):
        return problem(status, code, message, **headers)
    text = f"{message[:1].upper()}{message[1:].rstrip('.')}."
    shown = pages.show(
        visit, "message.html", status=status, headline=_TITLES[status], text=text, tone="bad", link=None
    )
    return WebResponse(status=shown.status, body=shown.body, headers={**shown.headers, **headers})


def _as_page(visit: Visit) -> bool:
    return visit.request.wants_html and visit.request.segments[:1] != ("api",)
