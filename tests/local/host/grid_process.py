"""Event Grid as a process, and an endpoint that writes down what it is sent and answers as told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx

from local.config import CONFIG_ENV
from tests.local.host.host_process import DEADLINE, REPOSITORY, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from local.config import LocalConfig


ML = "Microsoft.MachineLearningServices"


def event(id_: str, subject: str = "models/churn:1", **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "subject": subject,
        "eventType": f"{ML}.ModelRegistered",
        "eventTime": "2026-11-20T08:15:30.1234567Z",
        "data": {"ModelName": "churn"},
        **more,
    }


@dataclass
class Received:
    headers: dict[str, str]
    body: Any


@dataclass
class Endpoint:
    """A webhook. `statuses` are its next answers, 200 when they are used up."""

    statuses: list[int] = field(default_factory=list)
    validates: bool = True
    received: list[Received] = field(default_factory=list)
    allows: str = ""  # what it answers to the handshake of CloudEvents
    handshakes: list[Received] = field(default_factory=list)

    def __post_init__(self) -> None:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = endpoint.take(
                    {k.lower(): v for k, v in self.headers.items()}, json.loads(raw)
                )
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def do_OPTIONS(self) -> None:
                endpoint.handshakes.append(Received({k.lower(): v for k, v in self.headers.items()}, None))
                self.send_response(405)  # the headers count, not the status
                if endpoint.allows:
                    self.send_header("WebHook-Allowed-Origin", endpoint.allows)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                """Silent: the tests read what was received."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook?code=SECRET"

    def take(self, headers: dict[str, str], body: Any) -> tuple[int, bytes]:
        if headers["aeg-event-type"] == "SubscriptionValidation":
            self.handshakes.append(Received(headers, body))
            data = body[0]["data"] if isinstance(body, list) else json.loads(body["data"])
            code = data["validationCode"] if self.validates else "something else"
            return 200, json.dumps({"validationResponse": code}).encode()
        self.received.append(Received(headers, body))
        return (self.statuses.pop(0) if self.statuses else 200), b""

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class GridProcess:
    """`python -m local.eventgrid` for one home folder."""

    def __init__(self, config: LocalConfig) -> None:
        self.config = config
        self.log_file: Path = config.home / "eventgrid.log"
        self.url = f"http://127.0.0.1:{config.port('eventgrid')}"
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(trust_env=False, timeout=DEADLINE)

    def start(self) -> GridProcess:
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.eventgrid"],
                cwd=REPOSITORY,
                env={**os.environ, CONFIG_ENV: str(self.config.home / "config.json")},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for(self._ready, "Event Grid ready")
        return self

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            return self.request("GET", "/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._client.request(method, self.url + path, **more)

    def publish(self, *events: Any, topic: str = "mlw-dev") -> httpx.Response:
        return self.request("POST", f"/topics/{topic}/api/events", json=list(events))

    def subscribe(self, endpoint: Endpoint, name: str = "sub", **properties: Any) -> httpx.Response:
        destination = {"endpointType": "WebHook", "properties": {"endpointUrl": endpoint.url}}
        body = {"topic": "mlw-dev", "destination": destination, **properties}
        return self.request("PUT", f"/subscriptions/{name}", json=body)

    @property
    def pending(self) -> list[dict[str, Any]]:
        """What is owed to the tests' own subscriptions."""
        return [d for d in self.request("GET", "/deliveries").json() if d["subscription"] != "greenlight"]

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._client.close()
        if self._process and self._process.poll() is None:
            self._process.terminate()
            assert self._process.wait(DEADLINE) == 0
