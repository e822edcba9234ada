"""Streams a request to the functions host and its answer back, as App Service's front end does."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

from local.upstream import BrokenOffError, NotListeningError, Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

    from local.principal import Headers

ANSWER_SECONDS = 230.0  # the platform's load balancer gives up after this
RETRY_AFTER = b"1"
_HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
# Only the front end says these; a client's own values are dropped.
_PLATFORM = (
    b"x-arr-",
    b"x-forwarded-proto",
    b"x-original-url",
    b"client-ip",
    b"disguised-host",
    b"was-",
    b"x-appservice-proto",
)


class _ClientGoneError(Exception):
    """The client left in the middle of its request body."""


class Forwarder:
    """Connections to one functions host."""

    def __init__(self, port: int) -> None:
        self._pool = Pool(port)

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def __call__(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        target: bytes = scope["raw_path"]
        if query := scope["query_string"]:
            target += b"?" + query
        sent = _to_application(scope, headers, target)
        names = {n for n, _ in sent}
        body = _body(receive) if names & {b"transfer-encoding", b"content-length"} else None
        begun = False
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS) as limit,
                self._pool.exchange(scope["method"], target, sent, body) as answer,
            ):
                limit.reschedule(None)  # the answer has begun: how long it takes is its own business
                begun = True
                kept = [(n, v) for n, v in answer.headers if n not in _HOP_BY_HOP]
                await send({"type": "http.response.start", "status": answer.status, "headers": kept})
                async for chunk in answer.chunks():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body"})
        except _ClientGoneError:
            return
        except (NotListeningError, BrokenOffError, TimeoutError) as error:
            # Once begun, an answer that has no end is closed by the server: the client sees that it was cut.
            if not begun:
                await _refuse(send, error)


def _to_application(scope: Scope, headers: Headers, target: bytes) -> Headers:
    named = {
        name.strip().lower()
        for n, v in headers
        if n == b"connection"
        for name in v.split(b",")
        if name.strip()
    }
    # Framing passes: the length or the chunking describes the same body on the other side.
    dropped = (_HOP_BY_HOP | {b"expect", b"x-forwarded-for"} | named) - {b"transfer-encoding"}
    address = ":".join(map(str, scope.get("client") or ("127.0.0.1", 0)))
    came_by = [v.decode("latin-1") for n, v in headers if n == b"x-forwarded-for"]
    kept = [(n, v) for n, v in headers if n not in dropped and not n.startswith(_PLATFORM)]
    return [
        *kept,
        (b"x-forwarded-for", ", ".join([*came_by, address]).encode("latin-1")),
        (b"x-forwarded-proto", b"http"),
        (b"x-original-url", target),
        (b"x-arr-log-id", str(uuid.uuid4()).encode()),
        (b"client-ip", address.encode()),
        (b"disguised-host", next((v for n, v in headers if n == b"host"), b"localhost")),
    ]


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        if chunk := message.get("body", b""):
            yield chunk
        more = message.get("more_body", False)


async def _refuse(send: Send, error: Exception) -> None:
    headers: list[Any] = [(b"content-type", b"text/plain")]
    match error:
        case NotListeningError():
            status, text = 503, b"The service is unavailable."
            headers.append((b"retry-after", RETRY_AFTER))
        case TimeoutError():
            status, text = 504, b"The application did not answer in time."
        case _:
            status, text = 502, b"The application broke off before it answered."
    headers.append((b"content-length", b"%d" % len(text)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
