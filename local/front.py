"""The product's public address: a stand-in for App Service Authentication in front of the functions host.

Set as our Bicep sets `authsettingsV2`: sign-in required, browsers sent to the login page, API callers
refused, two paths excluded. Whoever gets past here is who the principal headers say; no one else writes them.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import PlainTextResponse, RedirectResponse

from local import identity, principal, signin
from local.forward import Forwarder

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send

    from local.config import LocalConfig
    from local.principal import Headers

log = logging.getLogger("front")

EXCLUDED_PATHS = frozenset({"/runtime/webhooks/eventgrid", "/healthz"})
READY_PATH = "/-/ready"
# The host matches routes without regard to case, so this must too.
_SECRET_SEGMENT = re.compile(r"(?i)(/review/+)[^/]+")
_UNQUOTABLE = re.compile(r'[^\x20-\x7e]|"')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class _UnauthorizedError(Exception):
    """A credential that was sent, and proves nothing."""


def loggable(path: str) -> str:
    """The path as the access log may keep it: no review tokens, nothing that breaks a line."""
    return _CONTROL.sub("?", _SECRET_SEGMENT.sub(r"\1[token]", path))


class Front:
    """The ASGI application."""

    def __init__(self, config: LocalConfig) -> None:
        self._config = config
        self._auth = signin.create_app(config)
        self._forward = Forwarder(config.port("functions"))

    async def aclose(self) -> None:
        await self._forward.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == READY_PATH:
            await PlainTextResponse("ready")(scope, receive, send)
            return
        started = time.monotonic()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        who = await self._serve(scope, receive, watched)
        millis = (time.monotonic() - started) * 1000
        log.info(
            "%s %s -> %s %s %.0f ms", scope["method"], loggable(scope["path"]), status or 499, who, millis
        )

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> str:
        """Answer, and say who asked."""
        path: str = scope["path"]
        headers = principal.strip(scope["headers"])
        if path.startswith("/.auth/"):
            await self._auth(scope, receive, send)
            return "-"
        open_to_all = path in EXCLUDED_PATHS  # who is signed in is known there too; nobody is sent to sign in
        claims, answer = None, None
        try:
            claims = self._claims(headers)
        except _UnauthorizedError as error:
            answer = _unauthorized(scope, str(error))
        if claims is None and open_to_all:
            await self._forward(scope, headers, receive, send)
            return "-"
        if claims is None:
            answer = answer or (_to_login(scope) if _is_browser(headers) else _unauthorized(scope))
            await answer(scope, receive, send)
            return "-"
        await self._forward(scope, [*headers, *principal.headers_for(claims)], receive, send)
        return principal.user_name(claims)

    def _claims(self, headers: Headers) -> dict[str, Any] | None:
        """Who the credentials belong to; None when there are none. A bearer token wins over a session."""
        scheme, _, token = _text(headers, b"authorization").partition(" ")
        if scheme.lower() == "bearer":
            try:
                return identity.verify_token(self._config, token.strip())
            except identity.TokenRefusedError as error:
                raise _UnauthorizedError(str(error)) from error
        return signin.session_claims(self._config, _text(headers, b"cookie", "; "))


def _is_browser(headers: Headers) -> bool:
    return "text/html" in _text(headers, b"accept").lower() and not _text(headers, b"authorization")


def _text(headers: Headers, name: bytes, join: str = ", ") -> str:
    return join.join(v.decode("latin-1") for n, v in headers if n == name)


def _to_login(scope: Scope) -> Response:
    target = scope["raw_path"].decode("latin-1")
    if scope["query_string"]:
        target += "?" + scope["query_string"].decode("latin-1")
    location = f"{signin.LOGIN_PATH}?post_login_redirect_uri={quote(target, safe='')}"
    return RedirectResponse(location, 302, headers={"Cache-Control": "no-store"})


def _unauthorized(scope: Scope, why: str = "") -> Response:
    why = _UNQUOTABLE.sub("'", why)
    challenge = f'Bearer realm="{_text(scope["headers"], b"host")}", resource_id="{identity.API}"'
    if why:
        challenge += f', error="invalid_token", error_description="{why}"'
    text = (
        why or "You do not have permission to view this directory or page. Sign in, or send a bearer token."
    )
    return PlainTextResponse(f"{text}\n", 401, headers={"WWW-Authenticate": challenge})
