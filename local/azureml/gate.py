"""What every request passes before a route sees it: path, faults, sign-in, api-version; and the log of calls.

An ASGI middleware. It also turns refusals into JSON and performs the nastier faults: an effect whose answer
never arrives, and one that happens after its caller has given up.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from local import faults
from local.azureml import allowed
from local.azureml.arm import route_path
from local.azureml.callers import Caller, authenticate
from local.azureml.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from local.config import LocalConfig

log = logging.getLogger("azureml")

API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-\w+)?")
OPEN = ("/-/", "/discovery/")  # no sign-in: admin of the local cloud, and what the SDK reads without a token
KEPT_CALLS = 5000
BROKEN = "A fault of the emulator, not of the request: its log has the details."
REFUSED_BY = {403: "AuthorizationFailed", 429: "TooManyRequests", 500: "InternalServerError"}


class Gate:
    """`calls` is what `GET /-/calls` shows. Until `open`, everybody is asked to come again."""

    def __init__(self, app: ASGIApp, config: LocalConfig) -> None:
        self.app = app
        self.config = config
        self.calls: deque[dict[str, Any]] = deque(maxlen=KEPT_CALLS)
        self.open = False
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/-/"):
            await self.app(scope, receive, send)
            return
        call: dict[str, Any] = {
            "at": time.time(),
            "method": scope["method"],
            "path": scope["path"],
            "oid": None,
            "status": None,
        }
        self.calls.append(call)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                call["status"] = message["status"]
            await send(message)

        try:
            await self._admitted(scope, receive, answer, call, send)
        except Refusal as refusal:
            await self._refuse(refusal, scope, receive, answer)
        except HTTPException as error:
            await self._refuse(_http_refusal(scope, error), scope, receive, answer)
        except Exception:
            log.exception("%s %s broke the emulator", scope["method"], scope["path"])
            if call["status"] is not None:
                raise
            await self._refuse(Refusal(500, "InternalServerError", BROKEN), scope, receive, answer)
        _log(call)

    async def _admitted(
        self, scope: Scope, receive: Receive, answer: Send, call: dict[str, Any], connection: Send
    ) -> None:
        if not self.open:
            raise _starting()
        request = Request(scope)
        caller = Caller("", "")
        if not scope["path"].startswith(OPEN):
            caller = authenticate(self.config, request.headers)
            call["oid"] = caller.oid
            allowed.check(self.config, caller, scope["method"], scope["path"])
        path = route_path(self.config, scope["path"])
        inner = {
            **scope,
            "path": path,
            "original_path": scope["path"],
            "state": {"caller": caller, "call": call},
            "app": self,
        }
        workspace = path.split("/")[2] if path.startswith("/arm/") else None
        rule = faults.take(
            self.config,
            "arm",
            method=scope["method"],
            path=scope["path"],
            workspace=workspace,
            oid=caller.oid,
        )
        await self._told(rule or {})
        if workspace or path.startswith("/registry/"):
            _check_api_version(request)
        if rule and "held" in rule:
            await self._held(inner, receive, connection, rule, call)
        elif "late" in (rule or {}) or (rule or {}).get("lost"):
            await self._unanswered(inner, receive, connection, float((rule or {}).get("late", 0)), call)
        else:
            await self.app(inner, receive, answer)

    async def _told(self, rule: faults.Rule) -> None:
        await asyncio.sleep(float(rule.get("delay", 0)))
        if "status" not in rule:
            return
        status = int(rule["status"])
        refusal = Refusal(
            status,
            rule.get("code") or REFUSED_BY.get(status, "ServiceUnavailable"),
            rule.get("message") or "Told to refuse by a fault rule.",
        )
        if "retry_after" in rule:
            refusal.headers["Retry-After"] = str(rule["retry_after"])
        raise refusal

    async def _unanswered(
        self, scope: Scope, receive: Receive, connection: Send, late: float, call: dict[str, Any]
    ) -> None:
        """Handle the request, now or later, and cut the connection instead of answering."""
        handle = await self._detached(scope, receive, call)

        async def later() -> None:
            await asyncio.sleep(late)
            await handle()

        task = asyncio.create_task(later())
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        if not late:
            await task
        _cut(connection)

    async def _held(
        self, scope: Scope, receive: Receive, connection: Send, rule: faults.Rule, call: dict[str, Any]
    ) -> None:
        """Keep the request, not executed or just executed, for as long as its rule stands."""
        handle = await self._detached(scope, receive, call)
        if rule["held"] == "after":
            await handle()
        await faults.hold(self.config, rule["id"])
        _cut(connection)

    async def _detached(
        self, scope: Scope, receive: Receive, call: dict[str, Any]
    ) -> Callable[[], Awaitable[None]]:
        """The request with all of its body: it can be handled whether or not its caller is still there."""
        body = await Request(scope, receive).body()

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def handle() -> None:
            async def drop(message: Message) -> None:
                if message["type"] == "http.response.start":
                    call["status"] = message["status"]

            try:
                await self.app(scope, replay, drop)
            except Refusal as refusal:
                call["status"] = refusal.status

        return handle

    async def _refuse(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {"x-ms-request-id": str(uuid.uuid4()), **refusal.headers}
        response = JSONResponse({"error": refusal.error()}, refusal.status, headers)
        await response(scope, receive, send)


def _starting() -> Refusal:
    """Until everything is back as it was, a write could meet the past."""
    refusal = Refusal(503, "ServiceUnavailable", "The service is starting.")
    refusal.headers["Retry-After"] = "1"
    return refusal


def _log(call: dict[str, Any]) -> None:
    """Reads and tracking that work are kept in `calls` only."""
    status = call["status"]
    quiet = call["method"] in ("GET", "HEAD") or call["path"].startswith("/mlflow/")
    if quiet and status is not None and status < 400:
        return
    path = call["path"].rsplit("/providers/", 1)[-1].partition("/")[2]
    log.info("%s %s %s", call["method"], path or call["path"], status or "no answer")


def _check_api_version(request: Request) -> None:
    version = request.query_params.get("api-version")
    if version is None:
        raise Refusal(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if not API_VERSION.fullmatch(version):
        raise Refusal(400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid.")


def _http_refusal(scope: Scope, error: HTTPException) -> Refusal:
    if error.status_code == 404:
        return Refusal(404, "NotFound", f"No route for {scope['method']} {scope['path']}.")
    return Refusal(error.status_code, "MethodNotAllowed", f"{scope['method']} is not allowed here.")


def _cut(connection: Send) -> None:
    """Reset the TCP connection: uvicorn's `send` is a method of the exchange that knows the transport."""
    connection.__self__.transport.abort()  # type: ignore[attr-defined]
