"""A stand-in for the functions host, for tests of what stands in front of it: it tells what it was sent.
And what callers of it need.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from local import identity

if TYPE_CHECKING:
    import httpx
    from starlette.types import Receive, Scope, Send

    from local.config import LocalConfig

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ANA = "33333333-0000-4000-8000-000000000002"
CHUNK = b"x" * 65_536


class Application:
    """Answers by path: /stream waits for release(), /big, /status/N answers N, others tell what came."""

    def __init__(self) -> None:
        self._go: asyncio.Future[None] | None = None
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

    def release(self) -> None:
        """Let /stream go on; to be called from the test's own thread once its beginning was read."""
        assert self._go
        self._go.get_loop().call_soon_threadsafe(self._go.set_result, None)

    async def _stream(self, send: Send) -> None:
        self._go = asyncio.get_running_loop().create_future()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await self._go
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


def bearer(config: LocalConfig, who: str = "ana", **how: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {identity.issue_token(config, who, **how)}"}


def sign_in(client: httpx.Client, person: str, target: str = "/") -> httpx.Response:
    form = {"person": person, "post_login_redirect_uri": target}
    return client.post("/.auth/login/aad/callback", data=form)


def received(answer: httpx.Response) -> list[tuple[str, str]]:
    """The headers that reached the application."""
    assert answer.headers.get("x-application") == "yes", answer.text
    return [(name, value) for name, value in answer.json()["headers"]]
