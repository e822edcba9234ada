"""Jobs as ARM shows them and takes them. `jobs/` runs them, `job_records.py` remembers how they fare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from local.azureml.arm import JSON, Call, paged, shown, system_data, text_map
from local.azureml.datastores import DEFAULT
from local.azureml.names import check_asset
from local.azureml.refusals import Refusal, invalid
from local.azureml.routing import Table, route
from local.azureml.store import Record, Store
from local.azureml.uris import DatastorePath

if TYPE_CHECKING:
    from local.azureml.jobs import Jobs
    from local.config import LocalConfig, Workspace

KIND = "jobs"
MUTABLE = ("displayName", "description", "tags", "properties", "isArchived")


class JobRoutes:
    """`jobs` runs what is submitted."""

    def __init__(self, config: LocalConfig, store: Store, jobs: Jobs) -> None:
        self.config = config
        self.store = store
        self.jobs = jobs

    def table(self) -> Table:
        base = f"/{KIND}"
        return [
            route("GET", base, self._list),
            route("GET", f"{base}/{{name}}", self._get),
            route("PUT", f"{base}/{{name}}", self._put),
            route("POST", f"{base}/{{name}}/cancel", self._cancel),
        ]

    def find(self, env: str, name: str) -> Record | None:
        return self.store.get(KIND, env, name)

    def need(self, call: Call) -> Record:
        name = call.part("name")
        record = self.find(call.workspace.env, name)
        if record is None:
            raise Refusal(404, "ResourceNotFound", f"Job {name} does not exist in the workspace.")
        return record

    def show(self, workspace: Workspace, record: Record) -> JSON:
        return shown(workspace, KIND, f"{KIND}/{record.name}", record)

    async def _list(self, call: Call) -> Response:
        view = (call.query("listViewType") or "ActiveOnly").lower()
        wanted = {"activeonly": (False,), "archivedonly": (True,)}.get(view, (False, True))
        records = [
            r
            for r in reversed(self.store.list(KIND, call.workspace.env))
            if bool(r.properties.get("isArchived")) in wanted and not r.private.get("parent")
        ]
        return paged(call, [self.show(call.workspace, r) for r in records])

    async def _get(self, call: Call) -> Response:
        return JSONResponse(self.show(call.workspace, self.need(call)))

    async def _put(self, call: Call) -> Response:
        name = check_asset(call.part("name"), "Job")
        body, properties = await call.resource()
        before = self.find(call.workspace.env, name)
        if before:
            before.properties.update({k: v for k, v in properties.items() if k in MUTABLE})
            before.body["systemData"] = system_data(call.caller, before.body["systemData"])
            self.store.put(before)
            return JSONResponse(self.show(call.workspace, before))
        self._check(properties)
        record = Record(KIND, call.workspace.env, name, body=self._new_body(call, name, properties))
        self.store.put(record)
        try:
            await self.jobs.submit(call.workspace.env, name, {**body, "properties": properties}, call.caller)
        except Refusal:
            self.store.delete(KIND, call.workspace.env, name)
            raise
        return JSONResponse(self.show(call.workspace, record), 201)

    async def _cancel(self, call: Call) -> Response:
        await self.jobs.cancel(call.workspace.env, self.need(call).name)
        return Response(status_code=200)

    def _check(self, properties: JSON) -> None:
        kind = properties.get("jobType")
        if kind not in ("Pipeline", "Command"):
            raise invalid(f"Jobs of type {kind} do not run in the local cloud.", "jobType")
        if kind == "Command":
            return
        nodes = properties.get("jobs")
        if not isinstance(nodes, dict) or not nodes:
            raise invalid("A pipeline job needs at least one node.", "jobs")
        for node in nodes.values():
            if node.get("type", "command") != "command" or not node.get("componentId"):
                raise invalid("The local cloud runs pipelines of command components only.", "jobs")

    def _new_body(self, call: Call, name: str, properties: JSON) -> JSON:
        declared = properties.get("outputs") or {}
        outputs = {key: _output(call.workspace, name, key, value or {}) for key, value in declared.items()}
        return {
            "properties": {
                **properties,
                "displayName": properties.get("displayName") or name,
                "experimentName": properties.get("experimentName") or "Default",
                "isArchived": False,
                "inputs": properties.get("inputs") or {},
                "outputs": outputs,
                "services": studio(self.config, call.workspace, name),
                "status": "Preparing",
                "tags": text_map(properties.get("tags"), "tags"),
                "properties": text_map(properties.get("properties"), "properties"),
            },
            "systemData": system_data(call.caller),
        }


def studio(config: LocalConfig, workspace: Workspace, run: str) -> JSON:
    return {
        "Studio": {
            "jobServiceType": "Studio",
            "endpoint": f"{config.arm_url}/runs/{run}?wsid={workspace.id}",
        }
    }


def _output(workspace: Workspace, job: str, name: str, declared: JSON) -> JSON:
    """Where an output goes if the job does not say."""
    where = DatastorePath(DEFAULT, f"azureml/{job}/{name}/")
    given = {k: v for k, v in declared.items() if v}
    return {"mode": "ReadWriteMount", "uri": where.uri(workspace), **given}
