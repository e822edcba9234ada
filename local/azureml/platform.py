"""The emulator put together: state, runtime, and a route table per kind of resource."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router

from local.azureml.assets import AssetKind, Assets
from local.azureml.blobs import Blobs
from local.azureml.capacity import Capacity
from local.azureml.codes import Codes
from local.azureml.datastores import Datastores
from local.azureml.deployments import Deployments
from local.azureml.endpoints import Endpoints
from local.azureml.events import Events
from local.azureml.gate import Gate
from local.azureml.grid import Grid
from local.azureml.history import History
from local.azureml.job_records import JobRecords
from local.azureml.job_routes import JobRoutes
from local.azureml.jobs import Jobs
from local.azureml.lookups import Lookups
from local.azureml.mlflow_proxy import MlflowProxy
from local.azureml.models import Models
from local.azureml.monitor import Monitor
from local.azureml.operations import Operations
from local.azureml.registries import Registries
from local.azureml.roles import Roles
from local.azureml.routing import workspace_routes
from local.azureml.runtime import Runtime
from local.azureml.serving import Serving, patiently
from local.azureml.store import Store
from local.azureml.tracking_client import Tracking
from local.azureml.workspaces import Workspaces

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.config import LocalConfig


class Platform:
    """`gate` is the ASGI application; `start` and `stop` bracket its life."""

    def __init__(self, config: LocalConfig) -> None:
        self.config = config
        self.store = Store(config.home / "azureml" / "state.db")
        self.runtime = Runtime(config)
        self.operations = Operations(config, self.store)
        self.events = Events(config, self.store)
        self.tracking = Tracking(config)
        self.datastores = Datastores(config, self.store)
        self.models = Models(self.store, self.datastores, self.tracking, self.events)
        self.blobs = Blobs(config)
        self.registries = Registries(config, self.store, self.models, self.blobs, self.operations)
        self.serving = Serving(config, self.store, self.models, self.registries, self.runtime)
        self.endpoints = Endpoints(config, self.store, self.operations, self.serving)
        self.deployments = Deployments(config, self.store, self.operations, self.serving, self.endpoints)
        self.workspaces = Workspaces(config)
        self.capacity = Capacity(config, self.store)
        self.codes = Codes(config, self.store, self.blobs)
        self.data = Assets(
            self.store, AssetKind("data", "Data", ("dataUri",), inherited=("dataType",), provisioned=False)
        )
        self.environments = Assets(
            self.store, AssetKind("environments", "Environment", ("image", "condaFile"))
        )
        self.components = Assets(self.store, AssetKind("components", "Component", ()))
        self.mlflow = MlflowProxy(self.tracking, self.models, self.events)
        lookups = Lookups(config, self.store, self.models)
        self.records = JobRecords(config, self.store, lookups, self.tracking, self.events)
        self.jobs = Jobs(config, self.runtime, lookups, self.records.update)
        self.job_routes = JobRoutes(config, self.store, self.jobs)
        self.history = History(self.job_routes, self.blobs)
        self.monitor = Monitor(config, self.endpoints, self.runtime)
        self.grid = Grid(config)
        self.roles = Roles(config)
        self.gate = Gate(Router(self._routes()), config)
        self._delivery: asyncio.Task[None] | None = None

    def _routes(self) -> list[Route]:
        table = [
            row
            for part in (
                *(self.workspaces, self.capacity, self.datastores, self.models.assets, self.codes, self.data),
                *(self.environments, self.components, self.endpoints, self.deployments, self.job_routes),
                self.monitor,
            )
            for row in part.table()
        ]
        return [
            *workspace_routes(self.config, table),
            *workspace_routes(self.config, self.mlflow.table(), "/mlflow"),
            *workspace_routes(self.config, self.history.table(), "/history"),
            *self.registries.routes(),
            *self.operations.routes(),
            *self.workspaces.routes(),
            *self.capacity.routes(),
            *self.grid.routes(),
            *self.roles.routes(),
            Route("/-/ready", self._answer_ready),
            Route("/-/calls", self._answer_calls),
            Route("/-/events", self._answer_events),
        ]

    async def start(self) -> None:
        """Bring back what ran before, then be ready."""
        self._delivery = asyncio.create_task(self.events.deliver(), name="deliver events")
        for env in self.config.environments:
            await patiently(lambda e=env: self.runtime.start_mlflow(e))
        await self.records.interrupted(self.runtime)
        await self.serving.restore(self.config.workspaces)
        self.operations.resume()
        self.gate.open = True

    async def stop(self) -> None:
        """What runs keeps running; what is under way is taken up at the next start."""
        if self._delivery:
            self._delivery.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._delivery
        await self.jobs.close()
        await self.tracking.http.aclose()
        await self.blobs.close()
        await self.runtime.close()

    async def _answer_ready(self, _request: Request) -> Response:
        return PlainTextResponse("ready") if self.gate.open else PlainTextResponse("starting", 503)

    async def _answer_calls(self, _request: Request) -> Response:
        return JSONResponse(list(self.gate.calls))

    async def _answer_events(self, _request: Request) -> Response:
        return JSONResponse(self.events.sent())
