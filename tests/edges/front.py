"""The pages behind a real HTTP server on loopback, with a stand-in for the platform's sign-in in front."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.edges.world import ANA, BASE, BEN, OUTSIDER, World, signed_in

TOKENS = {"token-ana": ANA, "token-ben": BEN, "token-oscar": OUTSIDER}


class Front(ThreadingHTTPServer):
    """Bearer token -> principal headers, as the platform does; outside headers of that name are dropped."""

    def __init__(self, world: World) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.world = world
        self.seen: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Front

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {k: v for k, v in self.headers.items() if not k.lower().startswith("x-ms-")}
        self.server.seen.append((self.command, self.path, {k.lower(): v for k, v in headers.items()}))
        person = TOKENS.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))
        sent = {**headers, **(signed_in(person) if person else {})}
        answer = self.server.world.app.handle(self.command, f"{BASE}{self.path}", sent, body)
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_POST = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None: ...


@contextmanager
def serving(world: World) -> Iterator[Front]:
    server = Front(world)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
