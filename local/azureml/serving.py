"""From stored endpoints and deployments to what really runs: scorers and routes."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from local import faults
from local.azureml.refusals import Refusal
from local.azureml.runtime import EndpointRoute, Runtime, ScorerFailed, ScorerSpec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.azureml.models import Models
    from local.azureml.registries import Registries
    from local.azureml.store import Record, Store
    from local.config import LocalConfig, Workspace

log = logging.getLogger("azureml")

ENDPOINTS, DEPLOYMENTS = "onlineEndpoints", "deployments"
AT_ONCE = 2  # scorers started at the same time when the emulator comes back
PATIENCE = 60.0  # for the router and the zygote, which start beside the emulator


class Serving:
    """Endpoint names are unique in the region, so routes need no workspace."""

    def __init__(
        self, config: LocalConfig, store: Store, models: Models, registries: Registries, runtime: Runtime
    ) -> None:
        self.config = config
        self.store = store
        self.models = models
        self.registries = registries
        self.runtime = runtime
        self._ports: dict[str, dict[str, int]] = {}

    async def route(self, endpoint: Record, traffic: dict[str, int], mirror: dict[str, int]) -> None:
        """Make the router do what the endpoint is about to say."""
        primary, secondary = endpoint.private["keys"]
        requests = {
            d.version: d.private["requests"]
            for d in self.store.list(DEPLOYMENTS, endpoint.workspace, endpoint.name)
        }
        route = EndpointRoute(
            endpoint.name,
            (primary, secondary),
            *(dict(traffic), dict(mirror), dict(self._ports.get(endpoint.name, {}))),
            timeouts={name: r["timeout"] for name, r in requests.items() if "timeout" in r},
            pending={name: r["pending"] for name, r in requests.items() if "pending" in r},
        )
        await self.runtime.set_route(route)

    async def route_as_stored(self, endpoint: Record) -> None:
        properties = endpoint.properties
        await self.route(endpoint, properties["traffic"], properties["mirrorTraffic"])

    async def drop(self, endpoint: Record) -> None:
        await self.runtime.drop_route(endpoint.name)
        for name in [d.version for d in self.store.list(DEPLOYMENTS, endpoint.workspace, endpoint.name)]:
            await self.runtime.stop_scorer(endpoint.workspace, endpoint.name, name)
        self._ports.pop(endpoint.name, None)

    async def start(self, workspace: Workspace, deployment: Record) -> None:
        """Start the deployment's container and let the router know it by name."""
        name, version = deployment.private["model"]
        shared = deployment.private.get("registry", "")
        find = self.registries.find if shared else partial(self.models.assets.find, workspace.env)
        model = find(name, version)
        if model is None:
            raise Refusal(
                400,
                "ResourceNotFound",
                f"Model {name} with version {version} was not found in {shared or workspace.name}.",
            )
        if model.properties["modelType"] != "mlflow_model":
            raise Refusal(
                400,
                "BadArgument",
                f"Model {name}:{version} is a {model.properties['modelType']}: a deployment without scoring "
                "script and environment needs an mlflow_model.",
            )
        if "fault" not in deployment.private:
            deployment.private["fault"] = self._fault(deployment)
            self.store.put(deployment)  # a restart must bring back the same container
        spec = ScorerSpec(
            *(workspace.env, deployment.name, deployment.version),
            *(self.registries.files(model) if shared else self.models.files(workspace, model)),
            fault=deployment.private["fault"],
        )
        self._ports.setdefault(deployment.name, {})[deployment.version] = await self.runtime.start_scorer(
            spec
        )

    def _fault(self, deployment: Record) -> dict[str, Any] | None:
        name, version = deployment.private["model"]
        rule = faults.take(
            self.config,
            "score",
            workspace=deployment.workspace,
            endpoint=deployment.name,
            deployment=deployment.version,
            model=name,
            version=version,
        )
        return {k: v for k, v in rule.items() if k in faults.KINDS["score"].effects} if rule else None

    async def stop(self, deployment: Record) -> None:
        """Take it out of the route first: no request may be sent to a container that is going away."""
        self._ports.get(deployment.name, {}).pop(deployment.version, None)
        endpoint = self.store.get(ENDPOINTS, deployment.workspace, deployment.name)
        if endpoint:
            await self.route_as_stored(endpoint)
        await self.runtime.stop_scorer(deployment.workspace, deployment.name, deployment.version)

    async def logs(self, deployment: Record, tail: int) -> str:
        return await self.runtime.scorer_logs(deployment.workspace, deployment.name, deployment.version, tail)

    async def restore(self, workspaces: tuple[Workspace, ...]) -> None:
        """After a restart: what is stored as serving runs and is routed again, as far as it can."""
        gate = asyncio.Semaphore(AT_ONCE)
        by_env = {w.env: w for w in workspaces}

        async def bring_back(deployment: Record) -> None:
            async with gate:
                try:
                    await patiently(lambda: self.start(by_env[deployment.workspace], deployment))
                except (Refusal, ScorerFailed) as error:
                    log.warning("%s/%s is down: %s", deployment.name, deployment.version, error)

        serving = [
            d for d in self.store.list(DEPLOYMENTS) if d.properties["provisioningState"] == "Succeeded"
        ]
        await asyncio.gather(*(bring_back(d) for d in serving if d.workspace in by_env))
        for endpoint in self.store.list(ENDPOINTS):
            if endpoint.workspace in by_env:
                await patiently(lambda e=endpoint: self.route_as_stored(e))


async def patiently(attempt: Callable[[], Awaitable[None]]) -> None:
    """Repeat while what it needs is still starting."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while True:
        try:
            return await attempt()
        except (httpx.TransportError, OSError):
            if loop.time() > deadline:
                raise
            await asyncio.sleep(0.1)
