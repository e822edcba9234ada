"""A stand-in for the functions host, for tests of what stands in front of it: it tells what it was sent."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

CHUNK = b"x" * 65_536


class Application:
    """Answers by path: /stream waits for `go`, /big is big, /status/N answers N, others tell what came."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.requests = 0
        self.left = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        path: str = scope["path"]
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left += 1
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if path == "/stream":
            await self._stream(send)
        elif path.startswith("/status/"):
            await _answer(send, int(path.rpartition("/")[2]), b"", "text/plain")
        elif path == "/big":
            await _answer(send, 200, CHUNK * 64, "application/octet-stream")
        else:
            await _answer(send, 200, json.dumps(_told(scope, body)).encode(), "application/json")

    async def _stream(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await self.go.wait()
        await send({"type": "http.response.body", "body": b"second"})


def _told(scope: Scope, body: bytes) -> dict[str, object]:
    return {
        "method": scope["method"],
        "path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "headers": [[n.decode(), v.decode("latin-1")] for n, v in scope["headers"]],
        "size": len(body),
        "body": body[:200].decode("latin-1"),
    }


async def _answer(send: Send, status: int, body: bytes, kind: str) -> None:
    headers = [(b"content-type", kind.encode()), (b"x-application", b"yes")]
    if body:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
