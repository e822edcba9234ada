"""The host's HTTP side as one ASGI application: who answers which path, headers on every answer, the log.

The log names routes, never concrete paths, query strings or headers: any of these may carry a secret.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from local.functions import eventgrid, settings
from local.functions.http_trigger import BodyTooLargeError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from local.functions.admin import Admin
    from local.functions.eventgrid import EventGridWebhook
    from local.functions.http_trigger import HttpTriggers

log = logging.getLogger("host.http")

READY = "/-/ready"
HOMEPAGE = "<!doctype html><title>Functions</title><h1>Your Functions app is up and running</h1>"


class Web:
    """`ready` turns True once every listener has been started."""

    def __init__(
        self, http: HttpTriggers, webhook: EventGridWebhook, admin: Admin, headers: dict[str, str]
    ) -> None:
        self._http = http
        self._webhook = webhook
        self._admin = admin
        self._headers = headers
        self.ready = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        started = time.perf_counter()
        try:
            label, response = await self._answer(request)
        except BodyTooLargeError:
            label, response = "(body too large)", Response(status_code=413)
        except ClientDisconnect:
            return
        for name, value in self._headers.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)
        if label != READY:
            milliseconds = (time.perf_counter() - started) * 1000
            log.info("%s %s %d in %.0f ms", request.method, label, response.status_code, milliseconds)

    async def _answer(self, request: Request) -> tuple[str, Response]:
        path = request.url.path.lower()
        if path == READY:
            return READY, PlainTextResponse("ready" if self.ready else "starting", 200 if self.ready else 503)
        if path.startswith("/admin/"):
            return await self._admin.answer(request)
        if path.rstrip("/") == eventgrid.PATH:
            return await self._webhook.answer(request)
        if path == "/" and not settings.homepage_disabled():
            return "/ (home page)", HTMLResponse(HOMEPAGE)
        label, response = await self._http.answer(request)
        if response is None:
            response = Response(status_code=204 if path == "/" else 404)
        return label, response
