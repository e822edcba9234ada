"""A Teams channel with a Workflows webhook: accepts and refuses what Power Automate does, shows the cards.

202 means accepted, not posted: the flow runs afterwards, and when it fails nobody is told. Here such a run is
kept too, as `flow failed` with the reason, so that tests and people see what a channel would have lost.
"""

from __future__ import annotations

import hmac
import json
import logging
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from local import faults, identity, npm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from local.config import LocalConfig

log = logging.getLogger("teams")

WORKFLOW = "5f0c2f9d8e7b4c1aa3d6b1e09c4f7a28"
INVOKE = "/powerautomate/automations/direct/workflows/{workflow}/triggers/manual/paths/invoke"
MAX_BYTES = 28 * 1024
MAX_PER_SECOND = 4
CARD_TYPE = "application/vnd.microsoft.card.adaptive"
_HERE = Path(__file__).parent
_LIBRARIES = {
    "adaptivecards.js": npm.MODULES / "adaptivecards" / "dist" / "adaptivecards.min.js",
    "markdown-it.js": npm.MODULES / "markdown-it" / "dist" / "markdown-it.min.js",
}
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data: https:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def webhook_url(config: LocalConfig) -> str:
    """What "copy webhook link" gives. The signature is the only secret of such an address."""
    path = INVOKE.format(workflow=WORKFLOW)
    query = f"api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={_signature(config)}"
    return f"http://localhost:{config.port('teams')}{path}?{query}"


def _signature(config: LocalConfig) -> str:
    return identity.secret(config, "teams webhook")


class FlowFailedError(Exception):
    """The webhook said 202, and the flow behind it stops here."""


def messages_of(body: Any) -> Iterator[dict[str, Any]]:
    """What the flow posts for this body: one message per attachment."""
    if isinstance(body, dict) and body.get("@type") == "MessageCard":
        yield {"kind": "message_card", "card": body}
        return
    attachments = body.get("attachments") if isinstance(body, dict) else None
    if not isinstance(attachments, list) or not attachments:
        raise FlowFailedError("'Apply to each' got no list of attachments from the trigger body")
    for attachment in attachments:
        content = attachment.get("content") if isinstance(attachment, dict) else None
        if not isinstance(content, dict) or content.get("type") != "AdaptiveCard":
            raise FlowFailedError("'Post card in a chat or channel' got no adaptive card in an attachment")
        if attachment.get("contentType") != CARD_TYPE:
            raise FlowFailedError(f"an attachment's contentType must be {CARD_TYPE}")
        yield {"kind": "adaptive_card", "card": content}


class Channel:
    """The messages of the channel, oldest first; they survive a restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text().splitlines() if path.exists() else []
        self.messages: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def run_flow(self, body: Any) -> None:
        try:
            for message in messages_of(body):
                self._add(message | {"status": "posted", "reason": None})
        except FlowFailedError as error:
            log.info("flow failed: %s", error)
            self._add({"kind": "none", "card": None, "status": "flow failed", "reason": str(error)})

    def _add(self, message: dict[str, Any]) -> None:
        received = datetime.now(UTC).isoformat(timespec="milliseconds")
        record = {"id": len(self.messages) + 1, "received": received, **message}
        self.messages.append(record)
        with self._path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        log.info("message %d: %s", record["id"], record["status"])


class _Webhook:
    def __init__(self, config: LocalConfig, channel: Channel, per_second: int) -> None:
        self._config = config
        self._signature = _signature(config)
        self._channel = channel
        self._per_second = per_second
        self._recent: deque[float] = deque()

    async def invoke(self, request: Request) -> Response:
        if request.path_params["workflow"] != WORKFLOW:
            return _error(404, "WorkflowNotFound", "The workflow could not be found.")
        if request.query_params.get("api-version") is None:
            return _error(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        given = request.query_params.get("sig", "").encode()
        if not hmac.compare_digest(given, self._signature.encode()):
            return _error(401, "DirectApiAuthorizationRequired", "The signature of the request is not valid.")
        if request.method != "POST":
            return _error(405, "TriggerRequestMethodNotValid", "The trigger 'manual' expects a POST.")
        if self._throttled():
            return _error(429, "TooManyRequests", "Rate limit is exceeded.", {"Retry-After": "1"})
        raw = await _read(request)
        if raw is None:
            return _error(413, "RequestEntityTooLarge", f"The message is larger than {MAX_BYTES} bytes.")
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            return _error(400, "InvalidRequestContent", "The request content is not valid JSON.")
        rule = faults.take(self._config, "teams", text=_words(body)) or {}
        if rule.get("held") == "before":
            await faults.hold(self._config, rule["id"])
            return _error(503, "ServiceUnavailable", "Held by a fault rule, and not posted.")
        self._channel.run_flow(body)
        if rule:
            await faults.hold(self._config, rule["id"])
        return Response(status_code=202)

    def _throttled(self) -> bool:
        """Refused requests do not count against those that follow."""
        now = time.monotonic()
        while self._recent and now - self._recent[0] >= 1.0:
            self._recent.popleft()
        if len(self._recent) >= self._per_second:
            return True
        self._recent.append(now)
        return False


def _words(body: Any) -> str:
    """The plain words of the first card; nothing if it is no card."""
    try:
        return str(next(messages_of(body))["card"].get("fallbackText", ""))
    except (FlowFailedError, StopIteration):
        return ""


async def _read(request: Request) -> bytes | None:
    """The body, or None when it is too large, without keeping what is too much."""
    body = b""
    too_large = False
    async for chunk in request.stream():
        too_large = too_large or len(body) + len(chunk) > MAX_BYTES
        body = b"" if too_large else body + chunk
    return None if too_large else body


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    log.info("refused: %d %s", status, code)
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers=headers)


def create_app(config: LocalConfig, *, per_second: int = MAX_PER_SECOND) -> Starlette:
    channel = Channel(config.home / "teams.jsonl")
    webhook = _Webhook(config, channel, per_second)
    page = (_HERE / "templates" / "teams.html").read_text()

    async def show(_: Request) -> Response:
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    async def cards(request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            return PlainTextResponse("after must be the id of a message", 400)
        return JSONResponse({"cards": channel.messages[int(after) :]}, headers={"Cache-Control": "no-store"})

    async def library(request: Request) -> Response:
        path = _LIBRARIES.get(request.path_params["name"])
        if path is None or not path.exists():
            return PlainTextResponse("not installed: run `make setup`", 404)
        return FileResponse(path, media_type="text/javascript")

    async def ready(_: Request) -> Response:
        return PlainTextResponse("ready")

    return Starlette(
        routes=[
            Route("/", show),
            Route("/api/cards", cards),
            Route(INVOKE, webhook.invoke, methods=["GET", "POST"]),
            Route("/lib/{name}", library),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
            Route("/-/ready", ready),
        ]
    )
