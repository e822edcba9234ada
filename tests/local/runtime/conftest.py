"""The emulated platform's processes, real ones: storage, zygote, router, MLflow behind the emulator."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from local.azureml.runtime import EndpointRoute, Runtime, ScorerSpec
from local.azureml.zygote.protocol import Task
from local.cloud import Cloud
from local.config import LocalConfig
from tests.running import free_port_base

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

HERE = Path(__file__).parent
ACCOUNT, CONTAINER = "gldev", "azureml-blobstore"
KEYS = ("first-key", "second-key")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them share one cloud, so one worker of pytest-xdist runs them all."""
    for item in items:
        if HERE in item.path.parents and "platform" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cloud)
            item.add_marker(pytest.mark.xdist_group("runtime"))


@pytest.fixture(scope="session")
def processes() -> Iterator[Cloud]:
    home = Path(tempfile.mkdtemp(prefix="gl-"))  # short: it holds a unix socket
    config = LocalConfig(home=home, port_base=free_port_base())
    services = ("azurite", "gateway", "zygote", "router", "azureml")
    try:
        with Cloud(config, only=services) as cloud:
            yield cloud
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def platform(processes: Cloud) -> LocalConfig:
    return processes.config


class Bench:
    """A runtime for one test, and short ways to what tests do with it."""

    def __init__(self, config: LocalConfig, runtime: Runtime) -> None:
        self.config = config
        self.runtime = runtime
        self.http = httpx.AsyncClient(trust_env=False, timeout=20)
        self.router = f"http://127.0.0.1:{config.port('router_http')}"

    async def scorer(self, endpoint: str, deployment: str, model: str, **fault: Any) -> int:
        where = (ACCOUNT, CONTAINER, f"models/{model}")
        return await self.runtime.start_scorer(ScorerSpec("dev", endpoint, deployment, *where, fault or None))

    async def route(self, endpoint: str, ports: dict[str, int], traffic: dict[str, int], **more: Any) -> None:
        mirror = more.pop("mirror", {})
        await self.runtime.set_route(EndpointRoute(endpoint, KEYS, traffic, mirror, ports, **more))

    async def score(self, endpoint: str, rows: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(
            f"{self.router}/{endpoint}/score",
            json={"input_data": rows or [{"x": 1.0}]},
            headers={"authorization": f"Bearer {KEYS[0]}"} | named,
        )

    async def drop(self, endpoint: str, *deployments: str) -> None:
        await self.runtime.drop_route(endpoint)
        for deployment in deployments:
            await self.runtime.stop_scorer("dev", endpoint, deployment)


@pytest.fixture
def on_bench(platform: LocalConfig) -> Callable[[Callable[[Bench], Awaitable[None]]], None]:
    """Runs a test's coroutine with a runtime of its own."""

    async def run(story: Callable[[Bench], Awaitable[None]]) -> None:
        runtime = Runtime(platform)
        bench = Bench(platform, runtime)
        try:
            await story(bench)
        finally:
            await bench.http.aclose()
            await runtime.close()

    return lambda story: asyncio.run(run(story))


@pytest.fixture(scope="session")
def models(platform: LocalConfig) -> None:
    """`models/one` answers 1 whatever it is asked, `models/two` 2; the others are broken, each in its way."""
    from azure.storage.blob import ContainerClient

    made = platform.home / "made"
    made.mkdir()
    assert asyncio.run(_train(platform, made)) == 0, (made / "log").read_text()
    with ContainerClient.from_connection_string(
        platform.connection_string(ACCOUNT),
        CONTAINER,
        connection_verify=str(platform.ca_bundle),
        use_env_settings=False,
    ) as container:
        for path in made.glob("*/*"):
            container.upload_blob(f"models/{path.parent.name}/{path.name}", path.read_bytes(), overwrite=True)
        container.upload_blob("models/nameless/model.pkl", b"no MLmodel beside it")
        recipe = {"flavors": {"python_function": {"loader_module": "no_such_module"}}}
        container.upload_blob("models/broken/MLmodel", json.dumps(recipe))


async def _train(platform: LocalConfig, made: Path) -> int:
    """In a child of the zygote: it has scikit-learn already, and its warnings are not ours."""
    runtime = Runtime(platform)
    command = f"python {HERE / 'make_models.py'} {made}"
    env = runtime.child_env() | {"MLFLOW_TRACKING_URI": (made / "runs").as_uri()}
    task = Task("make models", env, str(made), str(made / "log"), command=command)
    try:
        return await (await runtime.zygote.start(task)).ended()
    finally:
        await runtime.close()
