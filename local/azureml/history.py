"""Run history: the data plane beside ARM that the SDK reads to follow jobs and list their children."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from local.azureml.arm import JSON, Call, text_map
from local.azureml.refusals import Refusal
from local.azureml.routing import Table, route

if TYPE_CHECKING:
    from local.azureml.job_routes import JobRoutes
    from local.azureml.store import Record


class History:
    """Routes below `/history/{env}`, all about runs that are jobs or nodes of jobs."""

    def __init__(self, jobs: JobRoutes) -> None:
        self.jobs = jobs

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
        return JSONResponse({**_summary(record), "logFiles": {}, "warnings": []})

    async def _children(self, call: Call) -> Response:
        nodes: dict[str, Any] = self.jobs.need(call).private.get("nodes") or {}
        return JSONResponse({"value": [{"runId": run, "name": node} for node, run in nodes.items()]})

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
