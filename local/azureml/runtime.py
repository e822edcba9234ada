"""What runs behind the emulated workspaces: scorers, routes and MLflow servers.

The ARM emulator calls this class; nothing else knows how a deployment becomes a process. Scorers and MLflow
servers are children of the zygote, so they outlive a restart of the emulator: what already runs is adopted.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from local.azureml.zygote.client import Child, Zygote
from local.azureml.zygote.protocol import Task, socket_path

if TYPE_CHECKING:
    from local.config import LocalConfig

START_SECONDS = 60.0  # a container that is not ready by then never will be
DRAIN_SECONDS = 5.0
GRACE_SECONDS = 3.0
PASSED_ON = ("HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER")  # from our environment to every child's


@dataclass(frozen=True)
class ScorerSpec:
    """One deployment's container. `prefix` is the model folder in the blob container."""

    workspace: str  # environment name: dev, qa
    endpoint: str
    deployment: str
    account: str
    container: str
    prefix: str
    fault: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return scorer_name(self.workspace, self.endpoint, self.deployment)


@dataclass(frozen=True)
class EndpointRoute:
    """Everything the router knows about an endpoint. Replaced as a whole, atomically."""

    endpoint: str
    keys: tuple[str, str]
    traffic: dict[str, int]
    mirror: dict[str, int]
    ports: dict[str, int]  # deployment -> port of its scorer
    timeouts: dict[str, float] = field(
        default_factory=dict[str, float]
    )  # seconds; the platform's 5 if absent
    pending: dict[str, int] = field(default_factory=dict[str, int])  # requests at once before 429


class ScorerFailed(Exception):
    """The container did not come up. `code` is one that Azure ML uses: ResourceNotReady, BadArgument."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def scorer_name(workspace: str, endpoint: str, deployment: str) -> str:
    return f"scorer/{workspace}/{endpoint}/{deployment}"


class Runtime:
    """Starts and stops the real processes of the emulated platform, and tells the router about them."""

    def __init__(self, config: LocalConfig) -> None:
        self.config = config
        self.zygote = Zygote(socket_path(config))
        self._router = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{config.port('router_http')}", trust_env=False, timeout=10.0
        )
        self._starting: dict[str, asyncio.Lock] = {}

    async def close(self) -> None:
        """Let go of the connections; whatever runs keeps running."""
        await self._router.aclose()
        await self.zygote.close()

    async def start_scorer(self, spec: ScorerSpec) -> int:
        """The port of the deployment's scorer, once it is ready to answer. Adopts one that runs already."""
        async with self._starting.setdefault(spec.name, asyncio.Lock()):
            running = await self.zygote.find(spec.name)
            if running and running.reported.get("spec") == dataclasses.asdict(spec):
                return int(running.reported["port"])
            if running:
                await self.zygote.stop(running, GRACE_SECONDS)
            child = await self.zygote.start(self._scorer_task(spec))
            return int((await self._ready(child))["port"])

    async def stop_scorer(self, workspace: str, endpoint: str, deployment: str) -> None:
        """Let requests in flight finish, then end the process. Nothing to do if it does not run."""
        child = await self.zygote.find(scorer_name(workspace, endpoint, deployment))
        if child is None:
            return
        if port := child.reported.get("port"):
            await self._drain(int(port))
        await self.zygote.stop(child, GRACE_SECONDS)

    async def scorer_logs(self, workspace: str, endpoint: str, deployment: str, tail: int) -> str:
        path = self._log(scorer_name(workspace, endpoint, deployment))
        if not path.exists():
            return ""
        text = await asyncio.to_thread(path.read_text, errors="replace")
        return "".join(text.splitlines(keepends=True)[-tail:])

    async def set_route(self, route: EndpointRoute) -> None:
        answer = await self._router.put(f"/-/routes/{route.endpoint}", json=dataclasses.asdict(route))
        answer.raise_for_status()

    async def drop_route(self, endpoint: str) -> None:
        answer = await self._router.delete(f"/-/routes/{endpoint}")
        answer.raise_for_status()

    async def series(self, endpoint: str, since: float, until: float, grain: float) -> list[dict[str, Any]]:
        """What the router counted: one entry a deployment and grain."""
        span = {"endpoint": endpoint, "since": since, "until": until, "grain": grain}
        answer = await self._router.get("/-/series", params=span)
        answer.raise_for_status()
        return answer.json()["series"]

    async def start_mlflow(self, env: str) -> None:
        """The environment's tracking server, answering on its port when this returns."""
        name = f"mlflow/{env}"
        if await self.zygote.find(name):
            return
        child = await self.zygote.start(
            Task(
                name=name,
                env=self.child_env(),
                cwd=str(self.config.home),
                log=str(self._log(name)),
                call="local.azureml.tracking:serve",
                args={"env": env},
            )
        )
        await self._ready(child)

    def child_env(self) -> dict[str, str]:
        """The environment of a process of the platform: nothing of ours that it does not need."""
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        return {**passed, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", **self.config.client_env()}

    async def _ready(self, child: Child) -> dict[str, Any]:
        try:
            answer = await asyncio.wait_for(child.first_report(), START_SECONDS)
        except TimeoutError:
            await self.zygote.stop(child, GRACE_SECONDS)
            raise ScorerFailed("ResourceNotReady", f"{child.name} was not ready in time") from None
        if answer is None:
            raise ScorerFailed("ResourceNotReady", f"{child.name} ended with exit code {child.code}")
        if error := answer.get("error"):
            raise ScorerFailed(error["code"], error["message"])
        return answer

    async def _drain(self, port: int) -> None:
        try:
            await self._router.post(
                f"/-/drain/{port}", params={"seconds": DRAIN_SECONDS}, timeout=DRAIN_SECONDS + 5.0
            )
        except httpx.TransportError:
            return  # no router, no requests in flight

    def _scorer_task(self, spec: ScorerSpec) -> Task:
        return Task(
            name=spec.name,
            env=self.child_env(),
            cwd=str(self.config.home),
            log=str(self._log(spec.name)),
            call="local.azureml.scorer:serve",
            args={"spec": dataclasses.asdict(spec)},
        )

    def _log(self, name: str) -> Path:
        return self.config.home / "logs" / f"{name}.log"
