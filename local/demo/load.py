"""Steady scoring load from a process of its own, so that nothing the story does slows it down.

`python -m local.demo.load URL BODY-FILE` (key in LOAD_KEY) sends until its standard input ends, as it also
does when the story's process dies. One JSON line of counts every half second, and a last one at the end.
Whatever is not an answer 200 with predictions is failed: refusals, errors, timeouts, broken connections.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from local.config import LocalConfig

PER_SECOND = 25.0
CLIENTS = 4
TIMEOUT = 10.0
REPORT_SECONDS = 0.5
FIRST_FAILURES = 5
MARK = "demo-load"  # begins the client request id of each, by which the router's access log knows them
KEY = "LOAD_KEY"


@dataclass
class Counts:
    sent: int = 0
    failed: int = 0
    by_deployment: dict[str, int] = field(default_factory=dict[str, int])
    failures: list[str] = field(default_factory=list[str])  # the first ones
    p95_ms: float = 0.0


class Load:
    """The generator, seen from the story."""

    def __init__(self, config: LocalConfig, endpoint: str, key: str, body: Path) -> None:
        url = f"http://localhost:{config.port('router_http')}/{endpoint}/score"
        self.log = config.home / "logs" / "load.log"
        self.counts = Counts()
        with self.log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.demo.load", url, str(body)],
                env={**os.environ, KEY: key},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is for the story, which then closes the pipe
                text=True,
            )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Counts:
        """The final counts, once every request in flight has been answered or given up."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(2 * TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reading.join()
        return self.counts

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.counts = Counts(**json.loads(line))


class Generator:
    """The generator itself: a few clients, each with a connection that it keeps and a pace that it holds."""

    def __init__(self, url: str, body: bytes, key: str) -> None:
        self._address = urlsplit(url)
        self._body = body
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._lock = threading.Lock()
        self._counts = Counts()
        self._deployments: Counter[str] = Counter()
        self._millis: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        clients = [threading.Thread(target=self._client, args=(n,)) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        while not self.over.wait(REPORT_SECONDS):
            self._tell()
        for client in clients:
            client.join()
        self._tell()

    def _client(self, number: int) -> None:
        pause = CLIENTS / PER_SECOND
        due = time.monotonic() + pause * number / CLIENTS
        connection = self._connect()
        count = 0
        while not self.over.wait(max(0.0, due - time.monotonic())):
            count += 1
            due = max(due + pause, time.monotonic())  # late: go on from here, do not catch up in a burst
            if not self._ask(connection, f"{MARK}-{number}-{count}"):
                connection.close()  # http.client opens it again by itself

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=TIMEOUT)

    def _ask(self, connection: http.client.HTTPConnection, mark: str) -> bool:
        began = time.perf_counter()
        try:
            headers = {**self._headers, "x-ms-client-request-id": mark}
            connection.request("POST", self._address.path, self._body, headers)
            answer = connection.getresponse()
            body = answer.read()
            rows = json.loads(body) if answer.status == 200 else None
            failure = "" if isinstance(rows, list) and rows else f"{answer.status} {body[:200]!r}"
            deployment = answer.headers.get("azureml-model-deployment", "none")
        except (OSError, http.client.HTTPException, ValueError) as error:
            failure, deployment = f"{type(error).__name__}: {error}", "none"
        self._count(failure, deployment, (time.perf_counter() - began) * 1000)
        return not failure

    def _count(self, failure: str, deployment: str, millis: float) -> None:
        with self._lock:
            self._counts.sent += 1
            self._deployments[deployment] += 1
            self._millis.append(millis)
            if failure:
                self._counts.failed += 1
                if len(self._counts.failures) < FIRST_FAILURES:
                    self._counts.failures.append(failure)

    def _tell(self) -> None:
        with self._lock:
            self._counts.by_deployment = dict(self._deployments)
            ordered = sorted(self._millis)
            self._counts.p95_ms = round(ordered[int(0.95 * (len(ordered) - 1))], 1) if ordered else 0.0
            line = json.dumps(asdict(self._counts))
        print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("body", type=Path)
    options = parser.parse_args()
    generator = Generator(options.url, options.body.read_bytes(), os.environ[KEY])

    def until_told() -> None:
        sys.stdin.read()
        generator.over.set()

    threading.Thread(target=until_told, daemon=True).start()
    generator.run()


if __name__ == "__main__":
    main()
