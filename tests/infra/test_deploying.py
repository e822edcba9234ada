"""The whole deployment by az alone, and whether the app that came of it is up."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.infra.conftest import OUTPUTS, Cloud


class _Health(BaseHTTPRequestHandler):
    answers: tuple[int, ...] = (200,)
    statuses: tuple[str, ...] = ("ok",)
    asked = 0

    def do_GET(self) -> None:
        status = self.answers[min(type(self).asked, len(self.answers) - 1)]
        type(self).asked += 1
        self.send_response(status)
        self.end_headers()
        said = self.statuses[min(type(self).asked - 1, len(self.statuses) - 1)]
        self.wfile.write(b'{"status": "%s", "version": "1"}' % said.encode())

    def log_message(self, *_: Any) -> None:
        """Not into the test's output."""


@pytest.fixture
def health(cloud: Cloud) -> Iterator[type[_Health]]:
    class Health(_Health):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cloud.env["baseUrl"] = f"http://127.0.0.1:{server.server_port}"
    cloud.env["NO_PROXY"] = "127.0.0.1"
    yield Health
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_smoke_waits_for_a_cold_start(cloud: Cloud, health: type[_Health]) -> None:
    health.answers = (503, 503, 200)

    done = cloud.run("smoke.sh")

    assert done.returncode == 0, done.stderr
    assert "is up" in done.stdout
    assert health.asked == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_smoke_fails_where_the_app_stays_unwell(cloud: Cloud, health: type[_Health]) -> None:
    health.answers = (500,)

    done = cloud.run("smoke.sh", GREENLIGHT_PATIENCE="3")

    assert done.returncode != 0
    assert health.asked == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_smoke_waits_for_roles_that_are_not_believed_yet(cloud: Cloud, health: type[_Health]) -> None:
    health.statuses = ("degraded", "degraded", "ok")

    done = cloud.run("smoke.sh")

    assert done.returncode == 0, done.stderr
    assert health.asked == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_smoke_fails_where_the_app_leaves_something_out(cloud: Cloud, health: type[_Health]) -> None:
    health.statuses = ("degraded",)

    done = cloud.run("smoke.sh", GREENLIGHT_PATIENCE="3")

    assert done.returncode != 0
    assert health.asked == 3
    assert "leaves something out" in done.stderr
    assert "/healthz" in done.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_whole_deployment_goes_in_order_and_again(cloud: Cloud, health: type[_Health]) -> None:
    cloud.begin(outputs=OUTPUTS | {"baseUrl": cloud.env["baseUrl"]})
    cloud.env = {k: v for k, v in cloud.env.items() if k not in {*OUTPUTS, "baseUrl"}}

    for _ in range(2):
        done = cloud.run("deploy.sh", arguments=("greenlight.zip",))
        assert done.returncode == 0, done.stderr

    steps = [
        "az group create",
        "--name greenlight --parameters infra/dev-qa.bicepparam",
        "az keyvault secret set",
        "config-zip",
        "infra/events.bicep",
    ]
    calls = cloud.state["calls"]
    places = [next(n for n, call in enumerate(calls) if step in call) for step in steps]
    assert places == sorted(places)
    assert len(cloud.called("az keyvault secret set")) == 2  # the second time nothing is made anew
    assert len(cloud.called("az deployment group create")) == 4
