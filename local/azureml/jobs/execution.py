"""One job, from its first run to its last update: starts every step as soon as what it needs is there."""

from __future__ import annotations

import asyncio
import datetime
import shutil
import traceback
import uuid
from typing import TYPE_CHECKING

from local.azureml.jobs.places import EXECUTION_LOG, log_place
from local.azureml.jobs.runs import Runs
from local.azureml.jobs.step import StepFailed, StepRunner
from local.azureml.jobs.update import JobUpdate
from local.identity import issue_token

if TYPE_CHECKING:
    from local.azureml.jobs.job import Job
    from local.azureml.jobs.plan import Step

RUN_STATUS = {"Completed": "FINISHED", "Canceled": "KILLED", "Failed": "FAILED"}


class Execution:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._desk = job.desk
        self._experiment = ""
        self._node_runs: dict[str, str] = {}
        self._runs = Runs(job.desk.config, job.workspace.env, job.caller.oid)
        self._story: list[str] = []
        self._begun = False

    async def run(self) -> None:
        status, error = "Failed", None
        try:
            await self._begin()
            await self._steps()
            status = "Completed"
        except asyncio.CancelledError:
            status = "Canceled"
        except StepFailed as failure:
            error = str(failure)
        except Exception as failure:  # noqa: BLE001 - whatever went wrong, the job must end and say so
            traceback.print_exc()
            error = f"The job could not be run: {type(failure).__name__}: {failure}"
        await self._finish(status, error)

    async def _begin(self) -> None:
        self._experiment = await self._runs.experiment(self._job.experiment)
        tags = {**(self._job.properties.get("tags") or {}), "mlflow.source.type": "JOB"}
        title = self._job.properties.get("displayName") or self._job.name
        await self._runs.create(self._job.name, self._experiment, title, tags)
        self._begun = True
        await self._update("Running")

    async def _steps(self) -> None:
        """Looks again whenever a step ends. After a failure nothing new starts, unless the job says so."""
        done: set[str] = set()
        waiting = dict(self._job.plan.steps)
        running: dict[asyncio.Task[None], str] = {}
        failures: list[StepFailed] = []
        try:
            while True:
                if not failures or self._job.plan.continue_on_failure:
                    for step in [s for s in waiting.values() if s.needs <= done]:
                        del waiting[step.name]
                        running[asyncio.create_task(self._step(step))] = step.name
                if not running:
                    break
                for task in (await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED))[0]:
                    name = running.pop(task)
                    try:
                        task.result()
                        done.add(name)
                    except StepFailed as failure:
                        failures.append(failure)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        if failures:
            raise failures[0]

    async def _step(self, step: Step) -> None:
        async with self._desk.slots:
            run = await self._begin_run(step)
            status = "FAILED"
            try:
                await StepRunner(self._job, step, run, self._variables(run)).execute()
                status = "FINISHED"
            except asyncio.CancelledError:
                status = "KILLED"
                raise
            finally:
                if self._job.is_pipeline:
                    await self._runs.end(run, status)
                await self._tell(f"{step.name}: {status.lower()}")

    async def _begin_run(self, step: Step) -> str:
        """A node has a run and a name of its own; a command job is its only step itself."""
        run = str(uuid.uuid4()) if self._job.is_pipeline else self._job.name
        if self._job.is_pipeline:
            family = {"mlflow.parentRunId": self._job.name, "mlflow.rootRunId": self._job.name}
            tags = {**family, "mlflow.source.type": "JOB", "azureml.node": step.name}
            await self._runs.create(run, self._experiment, step.name, tags)
        self._node_runs[step.name] = run
        await self._update("Running")
        await self._tell(f"{step.name}: started as {run}")
        return run

    def _variables(self, run: str) -> dict[str, str]:
        """What Azure ML tells a step about itself. Its calls are made in the name of whoever submitted it."""
        config, workspace = self._desk.config, self._job.workspace
        return {
            "MLFLOW_TRACKING_URI": f"{config.arm_url}/mlflow/v1.0{workspace.id}",
            "MLFLOW_TRACKING_TOKEN": issue_token(config, self._job.caller.oid, config.arm_url),
            "MLFLOW_RUN_ID": run,
            "MLFLOW_EXPERIMENT_ID": self._experiment,
            "MLFLOW_EXPERIMENT_NAME": self._job.experiment,
            "AZUREML_RUN_ID": run,
            "AZUREML_ROOT_RUN_ID": self._job.name,
            "AZUREML_ARM_WORKSPACE_NAME": workspace.name,
            "AZUREML_ARM_RESOURCEGROUP": workspace.resource_group,
        }

    async def _finish(self, status: str, error: str | None) -> None:
        try:
            if self._begun:  # a job that is cancelled at once never had a run
                await self._runs.end(self._job.name, RUN_STATUS[status])
            await self._tell(f"{self._job.name}: {status.lower()}{f': {error}' if error else ''}")
            await self._runs.close()
        except Exception:  # noqa: BLE001 - the end of a job must not depend on its records
            traceback.print_exc()
        for step in self._job.plan.steps:
            for part in ("code", "inputs", "outputs"):
                shutil.rmtree(self._job.folder / step / part, ignore_errors=True)
        await self._update(status, error)

    async def _update(self, status: str, error: str | None = None) -> None:
        outputs: dict[str, str] = {}
        if status == "Completed":
            declared = self._job.plan.outputs.items()
            outputs = {
                name: self._job.places.output(self._job.name, name, value)[1] for name, value in declared
            }
        nodes = dict(self._node_runs) if self._job.is_pipeline else {}
        await self._desk.on_update(
            JobUpdate(self._job.workspace.env, self._job.name, status, outputs, error, nodes)
        )

    async def _tell(self, line: str) -> None:
        """The job's own log, kept in the artifact store as it grows."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        self._story.append(f"[{now}] {line}")
        print(f"job {self._job.name}: {line.splitlines()[0]}", flush=True)
        path = self._job.folder / "executionlogs.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self._story) + "\n")
        await asyncio.to_thread(
            self._desk.files.upload, path, log_place(self._job.workspace, self._job.name, EXECUTION_LOG)
        )
