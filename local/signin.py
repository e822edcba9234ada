"""`/.auth/*` of App Service Authentication: a page to sign in as one of the made-up people, and the session.

The session cookie is a token of the local tenant with an audience of its own, so it is of no use as a bearer
token. Where to go afterwards is only ever a path of this site.
"""

from __future__ import annotations

import time
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from local import identity
from local.config import APPROVERS_GROUP, OPERATORS_GROUP, PEOPLE
from local.principal import claim_list, user_name

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.config import LocalConfig

COOKIE = "AppServiceAuthSession"
LOGIN_PATH = "/.auth/login/aad"
SESSION = "urn:greenlight:session"
_GROUPS = {APPROVERS_GROUP: "approver", OPERATORS_GROUP: "operator"}
_MAX_FORM = 16 * 1024
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
}
_pages = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


def local_path(target: str) -> str | None:
    """The target if it is a path of this site: browsers read `//x`, `/\\x` and `/<tab>/x` as other hosts."""
    if not target.startswith("/") or target.startswith("//") or "\\" in target:
        return None
    if any(ord(c) < 0x21 or ord(c) == 0x7F for c in target):
        return None
    return target


def session_claims(config: LocalConfig, cookie_header: str) -> dict[str, Any] | None:
    """Claims of a valid session cookie, addressed to the application as the platform's are."""
    try:
        cookie = SimpleCookie(cookie_header).get(COOKIE)
        claims = identity.verify_token(config, cookie.value, SESSION) if cookie else None
    except (CookieError, identity.TokenRefusedError):
        return None
    return claims and claims | {"aud": identity.API}


class _Pages:
    def __init__(self, config: LocalConfig) -> None:
        self._config = config

    async def choose(self, request: Request) -> Response:
        target = local_path(request.query_params.get("post_login_redirect_uri", "/"))
        if target is None:
            return _not_here("post_login_redirect_uri")
        people = [(p, [_GROUPS[g] for g in p.groups if g in _GROUPS]) for p in PEOPLE]
        page = _pages.get_template("signin.html").render(people=people, target=target)
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    async def sign_in(self, request: Request) -> Response:
        if _foreign(request):
            return PlainTextResponse("Sign in from this site's own page.", 403)
        form = await _form(request)
        target = local_path(form.get("post_login_redirect_uri", "/"))
        if target is None:
            return _not_here("post_login_redirect_uri")
        try:
            token = identity.issue_token(self._config, form.get("person", ""), SESSION)
        except identity.UnknownPrincipalError as error:
            return PlainTextResponse(str(error.args[0]), 400)
        answer = RedirectResponse(target, 302, headers={"Cache-Control": "no-store"})
        answer.set_cookie(COOKIE, token, max_age=int(identity.HOURS_8), httponly=True, samesite="lax")
        return answer

    async def me(self, request: Request) -> Response:
        claims = session_claims(self._config, request.headers.get("cookie", ""))
        if claims is None:
            return JSONResponse({"code": 401, "message": "Not signed in."}, 401, headers=_PAGE_HEADERS)
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(claims["exp"]))
        entry = {
            "provider_name": "aad",
            "user_id": user_name(claims),
            "user_claims": claim_list(claims),
            "expires_on": expires,
        }
        return JSONResponse([entry], headers=_PAGE_HEADERS)

    async def sign_out(self, request: Request) -> Response:
        target = local_path(request.query_params.get("post_logout_redirect_uri", "/.auth/logout/complete"))
        if target is None:
            return _not_here("post_logout_redirect_uri")
        answer = RedirectResponse(target, 302, headers={"Cache-Control": "no-store"})
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return answer

    async def signed_out(self, _: Request) -> Response:
        return HTMLResponse(_pages.get_template("signedout.html").render(), headers=_PAGE_HEADERS)


def create_app(config: LocalConfig) -> Starlette:
    """Serves `/.auth/*`; everything else is not its business."""
    pages = _Pages(config)
    return Starlette(
        routes=[
            Route(LOGIN_PATH, pages.choose),
            Route(f"{LOGIN_PATH}/callback", pages.sign_in, methods=["POST"]),
            Route("/.auth/me", pages.me),
            Route("/.auth/logout", pages.sign_out),
            Route("/.auth/logout/complete", pages.signed_out),
        ]
    )


def _foreign(request: Request) -> bool:
    """Another site must not sign a visitor in as somebody."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM:
            return {}
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _not_here(parameter: str) -> Response:
    return PlainTextResponse(f"{parameter} must be a path of this site, such as /promotions.", 400)
