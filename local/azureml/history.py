"""Run history: the data plane beside ARM that the SDK reads to follow jobs and list their children."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from local.azureml.arm import JSON, Call, text_map
from local.azureml.jobs.places import EXECUTION_LOG, STEP_LOG, log_place
from local.azureml.refusals import Refusal
from local.azureml.routing import Table, route

if TYPE_CHECKING:
    from local.azureml.blobs import Blobs
    from local.azureml.job_routes import JobRoutes
    from local.azureml.store import Record


class History:
    """Routes below `/history/{env}`, all about runs that are jobs or nodes of jobs."""

    def __init__(self, jobs: JobRoutes, blobs: Blobs) -> None:
        self.jobs = jobs
        self.blobs = blobs

    def table(self) -> Table:
        run = "/experiments/{experiment}/runs/{name}"
        return [
            route("GET", "/runs/{name}/details", self._details),
            route("GET", "/runs/{name}/children", self._children),
            route("GET", run, self._run),
            route("PATCH", run, self._patch),
            route("POST", "/rundata", self._rundata),
        ]

    async def _details(self, call: Call) -> Response:
        record = self.jobs.need(call)
        logs: JSON = {}
        for log in (EXECUTION_LOG, STEP_LOG):
            place = log_place(call.workspace, record.name, log)
            if address := await self.blobs.readable(place.account, f"{place.container}/{place.path}"):
                logs[log] = address
        return JSONResponse({**_summary(record), "logFiles": logs, "warnings": []})

    async def _children(self, call: Call) -> Response:
        nodes: dict[str, str] = self.jobs.need(call).private.get("nodes") or {}
        children = (self.jobs.find(call.workspace.env, run) for run in nodes.values())
        return JSONResponse({"value": [_summary(child) for child in children if child]})

    async def _run(self, call: Call) -> Response:
        return JSONResponse(_summary(self.jobs.need(call)))

    async def _patch(self, call: Call) -> Response:
        record, body = self.jobs.need(call), await call.body()
        if "hidden" in body:
            record.properties["isArchived"] = bool(body["hidden"])
        if "displayName" in body:
            record.properties["displayName"] = body["displayName"]
        for key in ("tags", "properties"):
            if body.get(key) is not None:
                record.properties[key] = text_map(body[key], key)
        self.jobs.store.put(record)
        return JSONResponse(_summary(record))

    async def _rundata(self, call: Call) -> Response:
        """Without outputs here the SDK looks where jobs put theirs by default, which is where they are."""
        name = (await call.body()).get("runId")
        record = self.jobs.find(call.workspace.env, str(name))
        if record is None:
            raise Refusal(404, "UserError", f"Run {name} was not found.")
        return JSONResponse({"runMetadata": {**_summary(record), "outputs": {}}})


def _summary(record: Record) -> JSON:
    properties = record.properties
    error = record.private.get("error")
    return {
        "runId": record.name,
        "status": properties["status"],
        "displayName": properties["displayName"],
        "createdUtc": record.body["systemData"]["createdAt"],
        "createdBy": {"userObjectId": record.body["systemData"]["createdBy"]},
        "tags": properties["tags"],
        "properties": properties["properties"],
        "error": {"error": {"code": "UserError", "message": str(error)}} if error else None,
    }
