"""What an emulator that is killed, or an Event Grid that is down, must not lose."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from local import faults
from local.azureml.runtime import Runtime
from tests.contract.azureml.test_endpoints import ROWS, put_deployment, put_endpoint
from tests.contract.azureml.test_jobs import command_job
from tests.running import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from azure.ai.ml import MLClient

    from local.cloud import Cloud
    from local.config import LocalConfig
    from tests.contract.azureml.arm import Arm

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def crash(platform: Cloud) -> Any:
    """Kill the emulator and start it again."""

    def kill_and_start() -> None:
        platform.kill("azureml")
        platform.restart("azureml")

    return kill_and_start


class Grid:
    """A stand-in for Event Grid's front door that counts what arrives, refusing the first few."""

    def __init__(self, port: int, refusals: int) -> None:
        self.events: list[dict[str, Any]] = []
        grid = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                nonlocal refusals
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                refusals -= 1
                if refusals < 0:
                    grid.events += [{**e, "path": self.path} for e in body]
                self.send_response(503 if refusals >= 0 else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> Grid:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def serving(ml: MLClient, model: Path, name: str) -> str:
    """An endpoint whose one deployment has all the traffic."""
    from azure.ai.ml.entities import Model

    ml.models.create_or_update(Model(name=name, path=str(model), type="mlflow_model"))
    put_endpoint(ml, name).result()
    put_deployment(ml, name, "v1-1", f"azureml:{name}:1").result()
    put_endpoint(ml, name, traffic={"v1-1": 100}).result()
    return name


def score(config: LocalConfig, ml: MLClient, endpoint: str) -> int:
    key = ml.online_endpoints.get_keys(endpoint).primary_key
    url = f"http://127.0.0.1:{config.port('router_http')}/{endpoint}/score"
    return httpx.post(url, json=ROWS, headers={"Authorization": f"Bearer {key}"}, trust_env=False).status_code


async def stop_container(config: LocalConfig, endpoint: str, deployment: str) -> None:
    runtime = Runtime(config)
    await runtime.stop_scorer("dev", endpoint, deployment)
    await runtime.close()


def test_what_served_before_a_crash_serves_after_it(
    ml: MLClient, config: LocalConfig, serving: str, crash: Any
) -> None:
    crash()
    assert score(config, ml, serving) == 200  # the container was adopted

    asyncio.run(stop_container(config, serving, "v1-1"))
    assert score(config, ml, serving) >= 500
    crash()
    assert score(config, ml, serving) == 200
    assert ml.online_endpoints.get(serving).traffic == {"v1-1": 100}


def test_an_operation_in_flight_is_taken_up_again(
    ml: MLClient, config: LocalConfig, serving: str, crash: Any
) -> None:
    rule = faults.add(
        config, {"on": "operation", "verb": "deployment_put", "endpoint": serving, "seconds": 600}
    )
    operation = put_deployment(ml, serving, "v2-1", f"azureml:{serving}:1")
    faults.remove(config, rule)
    crash()

    assert operation.result().provisioning_state == "Succeeded"
    assert ml.online_endpoints.get(serving).provisioning_state == "Succeeded"


def test_a_job_cut_short_ends_failed(ml: MLClient, crash: Any) -> None:
    job = command_job(ml, "sleep 600")
    eventually(lambda: ml.jobs.get(job.name).status == "Running", 30, "the job runs")
    crash()

    assert ml.jobs.get(job.name).status == "Failed"


def test_no_event_is_lost_while_event_grid_is_down(
    ml: MLClient, arm: Arm, config: LocalConfig, name: str, crash: Any
) -> None:
    from azure.ai.ml.entities import Model

    path = f"azureml://datastores/workspaceblobstore/paths/{name}"
    for _ in range(3):
        ml.models.create_or_update(Model(name=name, path=path, type="custom_model"))
    crash()
    waiting = [e["id"] for e in arm.get("/-/events").json() if e["state"] == "waiting"]

    with Grid(config.port("eventgrid"), refusals=2) as grid:
        eventually(lambda: len(grid.events) >= len(waiting), 30, "all waiting events arrive")
        eventually(
            lambda: all(e["state"] == "sent" for e in arm.get("/-/events").json()), 10, "the outbox is empty"
        )

    assert [e["id"] for e in grid.events] == waiting
    ours = [e["subject"] for e in grid.events if e["subject"].startswith(f"models/{name}:")]
    assert ours == [f"models/{name}:{n}" for n in (1, 2, 3)]
    assert {e["path"] for e in grid.events} <= {f"/topics/{w.name}/api/events" for w in config.workspaces}
