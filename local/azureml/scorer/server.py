"""The container's HTTP server: `POST /score`, and `GET /` for the platform's probes.

One thread for each of the router's pooled connections. A model is told its faults when it starts: `status`
answers, `delay` in seconds, `rubbish` for an answer, `crash`; for a `share` of the requests (all of them
unless told otherwise), only for what traffic brought if `live`, and not for the first `after` of these.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import threading
import time
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.azureml.scorer.model import BadInput, ScoringModel

ADDRESSEE = "azureml-model-deployment"  # the router says whom it means,
LIVE = "greenlight-local-live"  # and whether traffic brought the request
FINISH_SECONDS = 2.0  # for requests that are being answered when the container is told to end
IDLE_SECONDS = 60.0
NEVER = 3600.0
LIMIT = 16 * 1024 * 1024
CRASHED = 70


class ScoringServer:
    """`name` is endpoint/deployment: a router with an old port in its table must not take us for another."""

    def __init__(self, name: str, model: ScoringModel, fault: dict[str, Any]) -> None:
        self.name = name
        self._model = model
        self._fault = fault
        self._chance = random.Random(0)  # noqa: S311 - the same requests fail in every run
        self._busy = 0
        self._asked = 0
        self._idle = threading.Condition()
        self._http = _Listener(("127.0.0.1", 0), _handler(self))

    @property
    def port(self) -> int:
        return self._http.server_address[1]

    def run(self) -> None:
        """Serves until SIGTERM, which ends the wait for connections wherever it is."""
        signal.signal(signal.SIGTERM, _told_to_end)
        with contextlib.suppress(EndingError):
            self._http.serve_forever(poll_interval=NEVER)
        self._http.server_close()
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, FINISH_SECONDS)

    def score(self, body: bytes, *, live: bool = False) -> tuple[int, bytes]:
        with self._idle:
            self._busy += 1
        try:
            return self._answer(body, live=live)
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def _answer(self, body: bytes, *, live: bool) -> tuple[int, bytes]:
        if self._goes_wrong(live=live):
            time.sleep(self._fault.get("delay", 0.0))
            if self._fault.get("crash"):
                os._exit(CRASHED)
            if status := self._fault.get("status"):
                return status, _error("the container was told to answer so")
            if "rubbish" in self._fault:
                return HTTPStatus.OK, str(self._fault["rubbish"]).encode()
        try:
            return HTTPStatus.OK, self._model.score(body)
        except BadInput as error:
            return HTTPStatus.BAD_REQUEST, _error(str(error))
        except Exception as error:  # noqa: BLE001 - a model may raise anything; the container goes on
            traceback.print_exc()
            return HTTPStatus.INTERNAL_SERVER_ERROR, _error(f"{type(error).__name__}: {error}")

    def _goes_wrong(self, *, live: bool) -> bool:
        if not self._fault or (self._fault.get("live") and not live):
            return False
        with self._idle:
            self._asked += 1
            return self._asked > self._fault.get("after", 0) and (
                self._chance.random() < self._fault.get("share", 1.0)
            )


class EndingError(Exception):
    """Raised by the signal, inside whatever the serving thread is doing."""


def _told_to_end(*_: object) -> None:
    raise EndingError


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


def _error(message: str) -> bytes:
    return json.dumps({"message": message}).encode()


def _handler(scoring: ScoringServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # the router keeps its connections
        timeout = IDLE_SECONDS
        wbufsize = -1  # header and body leave in one packet

        def setup(self) -> None:
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().setup()

        def do_GET(self) -> None:
            if self.path == "/":
                self._send(HTTPStatus.OK, b'"healthy"')
            else:
                self._send(HTTPStatus.NOT_FOUND, _error("not found"))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > LIMIT:
                self.close_connection = True
                self._send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _error("the request is too large"))
                return
            body = self.rfile.read(length)
            if self.path.partition("?")[0] != "/score":
                self._send(HTTPStatus.NOT_FOUND, _error("not found"))
                return
            if self.headers.get(ADDRESSEE, scoring.name) != scoring.name:
                self._send(HTTPStatus.MISDIRECTED_REQUEST, _error(f"this is {scoring.name}"))
                return
            self._send(*scoring.score(body, live=self.headers.get(LIVE) == "1"))

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """The router keeps the access log."""

    return Handler
