"""Online endpoints."""

from __future__ import annotations

import asyncio
import re
import secrets
import time

from starlette.responses import JSONResponse, Response

from local import faults
from local.azureml import traffic
from local.azureml.arm import JSON, Call, paged, shown, system_data, text_map
from local.azureml.names import check_serving
from local.azureml.operations import Operation, Operations, new_operation
from local.azureml.quota import ENDPOINTS as MOST_ENDPOINTS
from local.azureml.refusals import Refusal, inference_invalid, inference_missing, malformed
from local.azureml.routing import Table, route
from local.azureml.serving import DEPLOYMENTS, ENDPOINTS, Serving
from local.azureml.store import Record, Store
from local.config import REGION, SUFFIX, TENANT, LocalConfig

CREATE_SECONDS, UPDATE_SECONDS, DELETE_SECONDS = 0.3, 0.1, 0.2
INVENTED_BY_THE_SDK = ("createdBy", "createdAt", "lastModifiedBy", "lastModifiedAt")
UNRECOVERABLE = (
    "Specified endpoint [{}] has not been created successfully. Please recreate the endpoint."  # seen
)


class Endpoints:
    """Stored under the lower-case name: the name is a host."""

    def __init__(self, config: LocalConfig, store: Store, operations: Operations, serving: Serving) -> None:
        self.config = config
        self.store = store
        self.operations = operations
        self.serving = serving
        operations.runners |= {
            "endpoint_put": (self._run_put, self._failed),
            "endpoint_delete": (self._run_delete, self._failed),
            "regenerate_key": (self._run_regenerate, self._failed),
        }

    def table(self) -> Table:
        base = "/onlineEndpoints"
        return [
            route("GET", base, self._list),
            route("GET", f"{base}/{{endpoint}}", self._get),
            route("PUT", f"{base}/{{endpoint}}", self._put),
            route("DELETE", f"{base}/{{endpoint}}", self._delete),
            route("POST", f"{base}/{{endpoint}}/listKeys", self._list_keys),
            route("POST", f"{base}/{{endpoint}}/regenerateKeys", self._regenerate),
        ]

    def need(self, call: Call) -> Record:
        record = self.store.get(ENDPOINTS, call.workspace.env, call.part("endpoint").lower())
        if record is None:
            raise inference_missing()
        return record

    def state(self, record: Record) -> str:
        """Work on one of its deployments shows on the endpoint, too."""
        stored = record.properties["provisioningState"]
        return "Updating" if stored == "Succeeded" and self.operations.busy(record.name) else stored

    def _show(self, call: Call, record: Record) -> JSON:
        answer = shown(call.workspace, "onlineEndpoints", f"onlineEndpoints/{record.private['name']}", record)
        weights = self._stale(record) or {}
        state = {"provisioningState": self.state(record)}
        return {**answer, "properties": {**answer["properties"], **state, **weights}}

    def _stale(self, record: Record) -> JSON | None:
        """Told to, a read soon after a change of weights still shows the ones before."""
        before = record.private.get("before")
        if not before:
            return None
        rule = faults.take(self.config, "traffic_read", workspace=record.workspace, endpoint=record.name)
        if rule is None or time.time() > before["at"] + float(rule.get("stale", 0)):
            return None
        return {"traffic": before["traffic"], "mirrorTraffic": before["mirrorTraffic"]}

    async def _list(self, call: Call) -> Response:
        records = self.store.list(ENDPOINTS, call.workspace.env)
        return paged(call, [self._show(call, r) for r in records])

    async def _get(self, call: Call) -> Response:
        return JSONResponse(self._show(call, self.need(call)))

    async def _put(self, call: Call) -> Response:
        name = check_serving(call.part("endpoint"), "Endpoint")
        body, wanted = await call.resource()
        _check_supported(body, wanted)
        before = self.store.get(ENDPOINTS, call.workspace.env, name.lower())
        record = self._changed(before, wanted) if before else self._new(call, name, wanted)
        deployments = {d.version for d in self.store.list(DEPLOYMENTS, call.workspace.env, name.lower())}
        live, mirror = traffic.check(wanted.get("traffic"), wanted.get("mirrorTraffic"), deployments)
        call.note(traffic=live, mirror=mirror, tags=body.get("tags"))
        desired: JSON = {
            "tags": text_map(body.get("tags"), "tags"),
            "properties": {
                "traffic": live,
                "mirrorTraffic": mirror,
                "description": wanted.get("description"),
                "properties": _added(record, text_map(wanted.get("properties"), "properties")),
            },
            "systemData": system_data(call.caller, before.body["systemData"] if before else None),
        }
        operation = new_operation(
            "endpoint_put", call.workspace.env, record.name, arguments={"desired": desired}
        )
        with self.store.transaction():
            self.operations.begin(operation)
            self.store.put(record)
        status = 200 if before else 201
        return self.operations.accepted_put(call.request, operation, self._show(call, record), status)

    def _new(self, call: Call, name: str, wanted: JSON) -> Record:
        self._check_free(call, name)
        host = f"https://{name.lower()}.{REGION}.inference.{SUFFIX}"
        body: JSON = {
            "location": REGION,
            "tags": {},
            "kind": "Managed",
            "identity": {"type": "SystemAssigned", "principalId": _principal(name), "tenantId": TENANT},
            "properties": {
                "authMode": wanted["authMode"],
                "scoringUri": f"{host}/score",
                "swaggerUri": f"{host}/swagger.json",
                "publicNetworkAccess": wanted.get("publicNetworkAccess") or "Enabled",
                "provisioningState": "Creating",
                "description": wanted.get("description"),
                "traffic": {},
                "mirrorTraffic": {},
                "properties": {},
            },
            "systemData": system_data(call.caller),
        }
        private = {"name": name, "keys": [secrets.token_urlsafe(24), secrets.token_urlsafe(24)]}
        return Record(ENDPOINTS, call.workspace.env, name.lower(), body=body, private=private)

    def _check_free(self, call: Call, name: str) -> None:
        everywhere = self.store.list(ENDPOINTS)
        told = faults.take(self.config, "endpoint_name", workspace=call.workspace.env, endpoint=name)
        if told or any(e.name == name.lower() for e in everywhere):
            told = told or {}
            raise Refusal(
                int(told.get("status", 400)),
                told.get("code", "UserError"),
                told.get("message")
                or f"The specified endpoint name '{name}' is not available. Endpoint names must be unique "
                "within the region. Please choose a different name and try again.",  # seen
            )
        if len(everywhere) >= MOST_ENDPOINTS:
            raise Refusal(400, "OutOfQuota", f"The subscription has {MOST_ENDPOINTS} endpoints already.")

    def _changed(self, before: Record, wanted: JSON) -> Record:
        if before.properties["provisioningState"] == "Failed" and not before.private.get("succeeded"):
            raise inference_invalid(UNRECOVERABLE.format(before.private["name"]))
        if wanted["authMode"] != before.properties["authMode"]:
            raise inference_invalid("The authentication mode of an endpoint cannot be changed.", "authMode")
        before.properties["provisioningState"] = "Updating"
        return before

    async def _run_put(self, operation: Operation) -> None:
        record = self._record(operation)
        desired = operation.arguments["desired"]
        await asyncio.sleep(UPDATE_SECONDS if record.private.get("succeeded") else CREATE_SECONDS)
        after = desired["properties"]
        await self.serving.route(record, after["traffic"], after["mirrorTraffic"])
        record = self._record(operation)
        weights = {k: record.properties[k] for k in ("traffic", "mirrorTraffic")}
        if weights != {k: after[k] for k in weights}:
            record.private["before"] = {**weights, "at": time.time()}
        record.body |= {k: desired[k] for k in ("tags", "systemData")}
        record.properties.update({**after, "provisioningState": "Succeeded"})
        record.private["succeeded"] = True
        self.store.put(record)

    def _failed(self, operation: Operation, _error: Refusal) -> None:
        """A failed change leaves what served before; a failed creation is for deletion only."""
        record = self.store.get(ENDPOINTS, operation.workspace, operation.endpoint)
        if record:
            record.properties["provisioningState"] = "Failed"
            self.store.put(record)

    async def _delete(self, call: Call) -> Response:
        record = self.store.get(ENDPOINTS, call.workspace.env, call.part("endpoint").lower())
        if record is None:
            return Response(status_code=204)
        operation = new_operation("endpoint_delete", record.workspace, record.name)
        record.properties["provisioningState"] = "Deleting"
        with self.store.transaction():
            self.operations.begin(operation)
            self.store.put(record)
        return self.operations.accepted(call.request, operation)

    async def _run_delete(self, operation: Operation) -> None:
        await asyncio.sleep(DELETE_SECONDS)
        record = self.store.get(ENDPOINTS, operation.workspace, operation.endpoint)
        if record is None:
            return
        await self.serving.drop(record)
        with self.store.transaction():
            self.store.delete(DEPLOYMENTS, record.workspace, record.name)
            self.store.delete(ENDPOINTS, record.workspace, record.name)

    async def _list_keys(self, call: Call) -> Response:
        primary, secondary = self.need(call).private["keys"]
        return JSONResponse({"primaryKey": primary, "secondaryKey": secondary})

    async def _regenerate(self, call: Call) -> Response:
        """A new key whatever `keyValue` says: the SDK sends the current one along."""
        which = (await call.body()).get("keyType")
        if which not in ("Primary", "Secondary"):
            raise malformed("'keyType' must be Primary or Secondary.")
        record = self.need(call)
        arguments = {"which": which, "key": secrets.token_urlsafe(24)}
        operation = new_operation("regenerate_key", record.workspace, record.name, arguments=arguments)
        self.operations.begin(operation)
        return self.operations.accepted(call.request, operation)

    async def _run_regenerate(self, operation: Operation) -> None:
        record = self._record(operation)
        record.private["keys"][operation.arguments["which"] == "Secondary"] = operation.arguments["key"]
        await self.serving.route_as_stored(record)
        self.store.put(record)

    def _record(self, operation: Operation) -> Record:
        record = self.store.get(ENDPOINTS, operation.workspace, operation.endpoint)
        if record is None:
            raise inference_missing()
        return record


def _added(record: Record, wanted: dict[str, str]) -> dict[str, str]:
    """Properties can be added, but not removed or altered. The SDK sends back some that it made up itself."""
    fresh = {k: v for k, v in wanted.items() if k not in INVENTED_BY_THE_SDK}
    return {**fresh, **record.properties["properties"]}


def _principal(name: str) -> str:
    digits = re.sub(r"[^0-9a-f]", "", name.lower().encode().hex()).ljust(12, "0")[:12]
    return f"66666666-0000-4000-8000-{digits}"


def _check_supported(body: JSON, wanted: JSON) -> None:
    location = str(body.get("location") or "")
    if not location:
        raise Refusal(400, "LocationRequired", "The location property is required for this definition.")
    if location.replace(" ", "").lower() != REGION:
        raise Refusal(
            400, "InvalidLocation", f"The workspace is in {REGION}, so its endpoints are not in {location}."
        )
    if wanted.get("authMode") not in ("Key", "AMLToken", "AADToken"):
        raise inference_invalid("authMode must be Key, AMLToken or AADToken.", "authMode")
    if wanted["authMode"] != "Key":
        raise inference_invalid("The local cloud's endpoints use key authentication only.", "authMode")
    if wanted.get("compute"):
        raise inference_invalid("The local cloud has no Kubernetes compute.", "compute")
