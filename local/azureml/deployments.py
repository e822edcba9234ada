"""Online deployments: an MLflow model in a container of its own, behind an endpoint."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from local.azureml import quota
from local.azureml.arm import JSON, Call, paged, shown, system_data, text_map
from local.azureml.names import check_serving
from local.azureml.operations import Operation, Operations, new_operation
from local.azureml.refusals import Refusal, busy, inference_invalid, inference_missing
from local.azureml.routing import Table, route
from local.azureml.serving import DEPLOYMENTS, ENDPOINTS, Serving
from local.azureml.store import Record, Store
from local.config import REGION, LocalConfig, Workspace

if TYPE_CHECKING:
    from local.azureml.endpoints import Endpoints

DELETE_SECONDS = 0.2
LOG_LINES = 100
MOST_SECONDS = 180
MODEL_ID = re.compile(
    r"(?P<workspace>/subscriptions/.+/workspaces/[^/]+)/models/(?P<name>[^/]+)/versions/(?P<version>[^/]+)",
    re.IGNORECASE,
)
SHARED_ID = re.compile(
    r"azureml://registries/(?P<registry>[^/]+)/models/(?P<name>[^/]+)/versions/(?P<version>[^/]+)",
    re.IGNORECASE,
)
DURATION = re.compile(r"PT(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?")
UNRECOVERABLE = (  # seen
    "Specified deployment [{}] failed during initial provisioning and is in an unrecoverable state. "
    "Delete and re-create."
)
DEFAULTS: JSON = {
    "appInsightsEnabled": False,
    "egressPublicNetworkAccess": "Enabled",
    "environmentVariables": {},
    "scaleSettings": {"scaleType": "Default"},
    "requestSettings": {
        "maxConcurrentRequestsPerInstance": 1,
        "maxQueueWait": "PT0.5S",
        "requestTimeout": "PT5S",
    },
    "livenessProbe": {
        "failureThreshold": 30,
        "successThreshold": 1,
        "initialDelay": "PT10S",
        "period": "PT10S",
        "timeout": "PT2S",
    },
    "readinessProbe": {
        "failureThreshold": 30,
        "successThreshold": 1,
        "initialDelay": "PT10S",
        "period": "PT10S",
        "timeout": "PT2S",
    },
}


class Deployments:
    """A record's name is its endpoint, its version the deployment."""

    def __init__(
        self,
        config: LocalConfig,
        store: Store,
        operations: Operations,
        serving: Serving,
        endpoints: Endpoints,
    ) -> None:
        self.config = config
        self.store = store
        self.operations = operations
        self.serving = serving
        self.endpoints = endpoints
        operations.runners |= {
            "deployment_put": (self._run_put, self._failed),
            "deployment_delete": (self._run_delete, self._failed),
        }

    def table(self) -> Table:
        base = "/onlineEndpoints/{endpoint}/deployments"
        return [
            route("GET", base, self._list),
            route("GET", f"{base}/{{name}}", self._get),
            route("PUT", f"{base}/{{name}}", self._put),
            route("DELETE", f"{base}/{{name}}", self._delete),
            route("POST", f"{base}/{{name}}/getLogs", self._logs),
        ]

    def _show(self, call: Call, record: Record) -> JSON:
        path = f"onlineEndpoints/{record.private['endpoint']}/deployments/{record.version}"
        return shown(call.workspace, "onlineEndpoints/deployments", path, record)

    def _need(self, call: Call) -> Record:
        endpoint = self.endpoints.need(call)
        record = self.store.get(DEPLOYMENTS, call.workspace.env, endpoint.name, call.part("name"))
        if record is None:
            raise inference_missing()
        return record

    async def _list(self, call: Call) -> Response:
        endpoint = self.endpoints.need(call)
        records = self.store.list(DEPLOYMENTS, call.workspace.env, endpoint.name)
        return paged(call, [self._show(call, r) for r in records])

    async def _get(self, call: Call) -> Response:
        return JSONResponse(self._show(call, self._need(call)))

    async def _put(self, call: Call) -> Response:
        body, wanted = await call.resource()  # no await between what is read below and what is written
        endpoint = self.endpoints.need(call)
        name = check_serving(call.part("name"), "Deployment")
        *model, registry = _model(call.workspace, wanted)
        _check_supported(wanted)
        before = self.store.get(DEPLOYMENTS, call.workspace.env, endpoint.name, name)
        self._check_room(endpoint, before)
        record = Record(
            *(DEPLOYMENTS, call.workspace.env, endpoint.name, name),
            {
                "location": REGION,
                "tags": text_map(body.get("tags"), "tags"),
                "kind": "Managed",
                "sku": {"name": "Default", "tier": "Standard", "capacity": _capacity(body)},
                "properties": {
                    **DEFAULTS,
                    **{k: v for k, v in wanted.items() if v is not None},
                    "properties": text_map(wanted.get("properties"), "properties"),
                    "provisioningState": "Updating" if before else "Creating",
                },
                "systemData": system_data(call.caller, before.body["systemData"] if before else None),
            },
            {
                "endpoint": endpoint.private["name"],
                "model": model,
                "registry": registry,
                "requests": _requests(wanted.get("requestSettings") or {}, _capacity(body)),
                "succeeded": bool(before and before.private.get("succeeded")),
            },
        )
        record.properties.setdefault("instanceType", "Standard_DS3_v2")
        quota.size(record.properties["instanceType"])
        operation = new_operation(
            *("deployment_put", record.workspace, record.name, name),
            arguments={"model": model[0], "version": model[1]},
        )
        with self.store.transaction():
            self.operations.begin(operation)
            self.store.put(record)
        status = 200 if before else 201
        return self.operations.accepted_put(call.request, operation, self._show(call, record), status)

    def _check_room(self, endpoint: Record, before: Record | None) -> None:
        state = self.endpoints.state(endpoint)
        if state in ("Failed", "Deleting") and not endpoint.private.get("succeeded"):
            raise inference_invalid(
                "This endpoint has not been created successfully or is in deleting provisioning state. "
                "Please recreate endpoint and then try again to create deployment."  # seen
            )
        if state in ("Creating", "Updating", "Deleting"):
            raise busy(
                f"Cannot create a deployment in endpoint {endpoint.private['name']} because it is in {state} "
                "provisioning state."  # seen
            )
        if before:
            if not before.private["succeeded"]:
                raise inference_invalid(UNRECOVERABLE.format(before.version))
            return
        siblings = len(self.store.list(DEPLOYMENTS, endpoint.workspace, endpoint.name))
        if (
            siblings >= quota.DEPLOYMENTS_PER_ENDPOINT
            or len(self.store.list(DEPLOYMENTS)) >= quota.DEPLOYMENTS
        ):
            raise Refusal(
                400, "OutOfQuota", f"The endpoint or subscription has {siblings} deployments already."
            )

    async def _run_put(self, operation: Operation) -> None:
        record = self._record(operation)
        quota.check(self.config, self.store, record)
        workspace = next(w for w in self.config.workspaces if w.env == operation.workspace)
        await self.serving.start(workspace, record)
        endpoint = self.store.get(ENDPOINTS, record.workspace, record.name)
        if endpoint is None:
            raise inference_missing()
        await self.serving.route_as_stored(endpoint)
        record.properties["provisioningState"] = "Succeeded"
        record.private["succeeded"] = True
        self.store.put(record)

    def _failed(self, operation: Operation, _error: Refusal) -> None:
        """It stays listed, and keeps its name and machines, until somebody deletes it."""
        record = self.store.get(DEPLOYMENTS, operation.workspace, operation.endpoint, operation.deployment)
        if record:
            record.properties["provisioningState"] = "Failed"
            self.store.put(record)

    async def _delete(self, call: Call) -> Response:
        endpoint = self.store.get(ENDPOINTS, call.workspace.env, call.part("endpoint").lower())
        name = call.part("name")
        record = endpoint and self.store.get(DEPLOYMENTS, call.workspace.env, endpoint.name, name)
        if not endpoint or not record:
            return Response(status_code=204)
        for field in ("traffic", "mirrorTraffic"):
            if weight := endpoint.properties[field].get(name):
                raise inference_invalid(
                    f"Deployment '{name}' cannot be deleted: it has {weight} % of the endpoint's {field}. "
                    "Set it to 0 first."
                )
        operation = new_operation("deployment_delete", record.workspace, record.name, name)
        record.properties["provisioningState"] = "Deleting"
        with self.store.transaction():
            self.operations.begin(operation)
            self.store.put(record)
        return self.operations.accepted(call.request, operation)

    async def _run_delete(self, operation: Operation) -> None:
        await asyncio.sleep(DELETE_SECONDS)
        record = self.store.get(DEPLOYMENTS, operation.workspace, operation.endpoint, operation.deployment)
        if record:
            await self.serving.stop(record)
            self.store.delete(DEPLOYMENTS, record.workspace, record.name, record.version)

    async def _logs(self, call: Call) -> Response:
        body = await call.body()
        kind = body.get("containerType") or "InferenceServer"
        if kind == "StorageInitializer":
            return JSONResponse({"content": ""})  # models are mounted by the scorer itself here
        return JSONResponse(
            {"content": await self.serving.logs(self._need(call), int(body.get("tail") or LOG_LINES))}
        )

    def _record(self, operation: Operation) -> Record:
        record = self.store.get(DEPLOYMENTS, operation.workspace, operation.endpoint, operation.deployment)
        if record is None:
            raise inference_missing()
        return record


def _model(workspace: Workspace, wanted: JSON) -> tuple[str, str, str]:
    """(name, version, registry or ""); whether it exists the operation finds out, as the service does."""
    if shared := SHARED_ID.fullmatch(str(wanted.get("model") or "")):
        return shared["name"], shared["version"], shared["registry"]
    match = MODEL_ID.fullmatch(str(wanted.get("model") or ""))
    if match is None:
        raise inference_invalid(
            "A deployment needs the id of a model of this workspace or of a registry.", "model"
        )
    if match["workspace"].lower() != workspace.id.lower():
        raise inference_invalid(f"The model belongs to another workspace than {workspace.name}.", "model")
    return match["name"], match["version"], ""


def _requests(settings: JSON, instances: int) -> JSON:
    """What the router has to know of explicit settings; without any it is more generous than the service."""
    known: JSON = {}
    if timeout := settings.get("requestTimeout"):
        match = DURATION.fullmatch(timeout)
        if match is None:
            raise inference_invalid(f"'{timeout}' is not a duration such as PT5S.", "requestTimeout")
        known["timeout"] = 60.0 * int(match["minutes"] or 0) + float(match["seconds"] or 0)
        if known["timeout"] > MOST_SECONDS:
            raise inference_invalid(f"A request may take {MOST_SECONDS} s at most.", "requestTimeout")
    if most := settings.get("maxConcurrentRequestsPerInstance"):
        known["pending"] = 2 * int(most) * instances
    return known


def _check_supported(wanted: JSON) -> None:
    if wanted.get("endpointComputeType", "Managed") != "Managed":
        raise inference_invalid("The local cloud has managed deployments only.", "endpointComputeType")
    if wanted.get("codeConfiguration"):
        raise inference_invalid(
            "The local cloud serves MLflow models without scoring script only.", "codeConfiguration"
        )


def _capacity(body: JSON) -> int:
    capacity = (body.get("sku") or {}).get("capacity") or 1
    if not isinstance(capacity, int) or not 1 <= capacity <= quota.INSTANCES_PER_DEPLOYMENT:
        raise inference_invalid(
            f"A deployment has 1 to {quota.INSTANCES_PER_DEPLOYMENT} instances, not {capacity}.",
            "sku.capacity",
        )
    return capacity
