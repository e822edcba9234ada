"""The host as a process over a copy of the test app, and an Azurite for it to work with."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from local.config import APP_ACCOUNT
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.config import LocalConfig

APP = Path(__file__).parent / "app"
REPOSITORY = Path(__file__).resolve().parents[3]
DEADLINE = 20.0


WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_candidates = itertools.count(20000 + 400 * WORKER)


def wait_for(condition: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
    return eventually(condition, seconds, what, poll=0.02)


def free_port() -> int:
    """Below the range that the kernel hands out to connections, and never the same twice."""
    return next(port for port in _candidates if not is_open(port))


def is_open(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Storage:
    """Azurite with the app's account, and its queues through the SDK."""

    def __init__(self, config: LocalConfig) -> None:
        self.config = config

    @property
    def connection(self) -> str:
        return self.config.connection_string(APP_ACCOUNT)

    @property
    def blobs(self) -> BlobServiceClient:
        return BlobServiceClient.from_connection_string(
            self.connection, connection_verify=str(self.config.ca_bundle), use_env_settings=False
        )

    def queue_client(self, name: str) -> QueueClient:
        return QueueClient.from_connection_string(
            self.connection, name, connection_verify=str(self.config.ca_bundle), use_env_settings=False
        )

    def queue(self, name: str) -> QueueClient:
        """Made if absent, emptied otherwise."""
        made = self.queue_client(name)
        try:
            made.create_queue()
        except ResourceExistsError:
            made.clear_messages()
        return made


class HostProcess:
    """`python -m local.functions` over a copy of the test app; `changes` are merged into its host.json."""

    def __init__(self, folder: Path, changes: dict[str, Any] | None = None, **settings: str) -> None:
        self.root = folder / "app"
        self.state = folder / "state"
        self.journal = folder / "journal"
        self.log_file = folder / "log"
        shutil.copytree(APP, self.root, ignore=shutil.ignore_patterns("__pycache__"))
        self._change(changes or {})
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "JOURNAL": str(self.journal),
            "QUEUE": "jobs",
            "SCHEDULE": "0 0 0 1 1 *",
            "STORE": "UseDevelopmentStorage=true",
            "AzureWebJobsDisableHomepage": "true",
            **settings,
        }
        self.arguments: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(trust_env=False, timeout=30)

    def _change(self, changes: dict[str, Any]) -> None:
        path = self.root / "host.json"
        data = json.loads(path.read_text())
        for dotted, value in changes.items():
            *parents, last = dotted.split(".")
            place = data
            for parent in parents:
                place = place[parent]
            place[last] = value
        path.write_text(json.dumps(data))

    def start(self, *, wait: bool = True) -> HostProcess:
        command = [
            sys.executable,
            "-m",
            "local.functions",
            "--root",
            str(self.root),
            "--port",
            str(self.port),
        ]
        inherited = {k: v for k, v in os.environ.items() if "PROXY" not in k.upper()}
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--state", str(self.state), *self.arguments],
                cwd=REPOSITORY,
                env={**inherited, "PYTHONPATH": str(REPOSITORY), **self.settings},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if wait:
            wait_for(self._ready, f"host ready; its log:\n{self.log}")
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

    def open_request(self, path: str) -> http.client.HTTPConnection:
        """A GET that has been sent and not been answered yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        connection.request("GET", path)
        return connection

    def cpu_seconds(self) -> float:
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def send_signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float = DEADLINE) -> int:
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self) -> int | None:
        self._client.close()
        self._client = httpx.Client(trust_env=False, timeout=30)
        if self._process is None:
            return None
        if self._process.poll() is None:
            self.send_signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self.wait()

    @property
    def log(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    @property
    def key(self) -> str:
        return self.keys["master"]

    @property
    def keys(self) -> dict[str, Any]:
        return json.loads((self.state / "keys.json").read_text())

    def did(self, what: str, **facts: Any) -> list[dict[str, Any]]:
        """What the app noted, oldest first."""
        lines = self.journal.read_text().splitlines() if self.journal.exists() else []
        notes = [json.loads(line) for line in lines]
        return [n for n in notes if n["what"] == what and facts.items() <= n.items()]
