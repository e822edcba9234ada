"""What the control plane remembers of jobs: states, child jobs, outputs, and the event of a good end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.azureml.arm import JSON, now, timestamp
from local.azureml.job_routes import KIND, studio
from local.azureml.jobs.update import JobUpdate
from local.azureml.refusals import Refusal
from local.azureml.store import Record, Store

if TYPE_CHECKING:
    from local.azureml.events import Events
    from local.azureml.lookups import Lookups
    from local.azureml.runtime import Runtime
    from local.azureml.tracking_client import Tracking
    from local.config import LocalConfig, Workspace

ENDED = ("Completed", "Failed", "Canceled")
FROM_RUN = {"FINISHED": "Completed", "FAILED": "Failed", "KILLED": "Canceled"}
GRACE_SECONDS = 1.0
INTERRUPTED = "The control plane was restarted while the job ran."


class JobRecords:
    """`update` hears of every change, in order. A node's state is that of its MLflow run."""

    def __init__(
        self, config: LocalConfig, store: Store, lookups: Lookups, tracking: Tracking, events: Events
    ) -> None:
        self.config = config
        self.store = store
        self.lookups = lookups
        self.tracking = tracking
        self.events = events

    async def update(self, update: JobUpdate) -> None:
        job = self.store.get(KIND, update.env, update.name)
        if job is None or job.properties["status"] in ENDED:
            return
        workspace = next(w for w in self.config.workspaces if w.env == update.env)
        runs = await self._runs(workspace, [*update.node_runs.values(), update.name])
        with self.store.transaction():
            for node, run in update.node_runs.items():
                self._update_child(workspace, job, node, run, runs.get(run))
            self._update_job(workspace, job, update, runs.get(update.name))

    async def _runs(self, workspace: Workspace, names: list[str]) -> dict[str, JSON]:
        """Their MLflow runs, as far as there are any."""
        found: dict[str, JSON] = {}
        for name in names:
            try:
                found[name] = await self.tracking.run(workspace.env, name)
            except Refusal:
                continue
        return found

    def _update_job(self, workspace: Workspace, job: Record, update: JobUpdate, run: JSON | None) -> None:
        fresh = self.store.get(KIND, update.env, update.name) or job  # tags may have changed meanwhile
        fresh.properties["status"] = update.status
        for name, uri in update.outputs.items():
            fresh.properties["outputs"].setdefault(name, {"jobOutputType": "uri_folder"})["uri"] = uri
        fresh.private |= {"error": update.error, "nodes": update.node_runs}
        self._ended(workspace, fresh, run)
        self.store.put(fresh)

    def _update_child(
        self, workspace: Workspace, job: Record, node: str, name: str, run: JSON | None
    ) -> None:
        child = self.store.get(KIND, workspace.env, name) or self._new_child(workspace, job, node, name)
        if child.properties["status"] in ENDED:
            return
        child.properties["status"] = FROM_RUN.get((run or {}).get("info", {}).get("status", ""), "Running")
        self._ended(workspace, child, run)
        self.store.put(child)

    def _ended(self, workspace: Workspace, record: Record, run: JSON | None) -> None:
        """The platform tells of good ends only."""
        if record.properties["status"] not in ENDED:
            return
        record.body["systemData"]["lastModifiedAt"] = timestamp(now())
        if record.properties["status"] != "Completed":
            return
        pairs: list[dict[str, str]] = ((run or {}).get("data") or {}).get("tags") or []
        tags = {**record.properties["tags"], **{t["key"]: t["value"] for t in pairs}}
        self.events.run_completed(
            workspace, record.name, record.properties["experimentName"], tags, record.properties["properties"]
        )

    def _new_child(self, workspace: Workspace, job: Record, node: str, name: str) -> Record:
        definition: dict[str, Any] = job.properties["jobs"][node]
        component = self.lookups.component(definition["componentId"])["properties"]["componentSpec"]
        body: JSON = {
            "properties": {
                "jobType": "Command",
                "displayName": node,
                "experimentName": job.properties["experimentName"],
                "command": component["command"],
                "componentId": definition["componentId"],
                "environmentId": str(component.get("environment") or "").removeprefix("azureml:"),
                "codeId": str(component.get("code") or "").removeprefix("azureml:") or None,
                "isArchived": False,
                "inputs": {},
                "outputs": {},
                "services": studio(self.config, workspace, name),
                "status": "Running",
                "tags": {},
                "properties": {"azureml.parentRunId": job.name},
            },
            "systemData": dict(job.body["systemData"]),
        }
        return Record(KIND, workspace.env, name, body=body, private={"parent": job.name})

    async def interrupted(self, runtime: Runtime) -> None:
        """Jobs of an earlier emulator cannot be taken up: end what is left of them, and say so."""
        for job in self.store.list(KIND):
            if job.private.get("parent") or job.properties["status"] in ENDED:
                continue
            nodes: dict[str, str] = job.private.get("nodes") or {}
            for node in [*nodes, "command"]:
                if child := await runtime.zygote.find(f"job/{job.name}/{node}"):
                    await runtime.zygote.stop(child, GRACE_SECONDS)
            for run in (*nodes.values(), job.name):
                await self._kill_run(job.workspace, run)
            await self.update(
                JobUpdate(job.workspace, job.name, "Failed", error=INTERRUPTED, node_runs=nodes)
            )

    async def _kill_run(self, env: str, run: str) -> None:
        """A run that has ended keeps its end; there may be none yet."""
        try:
            found = await self.tracking.run(env, run)
            if found["info"]["status"] == "RUNNING":
                await self.tracking.call(env, "POST", "runs/update", run_id=run, status="FAILED")
        except Refusal:
            return
