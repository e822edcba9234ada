"""Streams a request to the functions host and its answer back, as App Service's front end does."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import httpcore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

    from local.principal import Headers

IDLE_SECONDS = 2.0  # shorter than any server keeps a silent connection, so that none is reused as it closes
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
        self._port = port
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=None, max_keepalive_connections=50, keepalive_expiry=IDLE_SECONDS
        )

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def __call__(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> int:
        """Returns the status that the client got; 499 if it did not wait for one."""
        request = self._request(scope, headers, receive)
        try:
            response = await self._pool.handle_async_request(request)
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            return await _refuse(send, 503, b"The service is unavailable.", (b"retry-after", RETRY_AFTER))
        except httpcore.ReadTimeout:
            return await _refuse(send, 504, b"The application did not answer in time.")
        except (httpcore.NetworkError, httpcore.ProtocolError):
            return await _refuse(send, 502, b"The application broke off before it answered.")
        except _ClientGoneError:
            return 499
        try:
            await _answer(response, send)
        finally:
            await response.aclose()
        return response.status

    def _request(self, scope: Scope, headers: Headers, receive: Receive) -> httpcore.Request:
        target: bytes = scope["raw_path"]
        if query := scope["query_string"]:
            target += b"?" + query
        names = {n for n, _ in headers}
        has_body = b"transfer-encoding" in names or b"content-length" in names
        return httpcore.Request(
            scope["method"],
            httpcore.URL(scheme=b"http", host=b"127.0.0.1", port=self._port, target=target),
            headers=_to_application(scope, headers, target),
            content=_body(receive) if has_body else None,
            extensions={"timeout": {"connect": 2.0, "read": ANSWER_SECONDS, "write": 30.0, "pool": None}},
        )


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


async def _answer(response: httpcore.Response, send: Send) -> None:
    headers = [(n.lower(), v) for n, v in response.headers if n.lower() not in _HOP_BY_HOP]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    try:
        async for chunk in response.aiter_stream():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        return  # without an end: the server closes the connection, and the client sees a cut answer
    await send({"type": "http.response.body"})


async def _refuse(send: Send, status: int, text: bytes, *more: tuple[bytes, bytes]) -> int:
    headers: list[Any] = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(text)), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
    return status
