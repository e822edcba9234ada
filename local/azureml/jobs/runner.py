"""What the control plane calls: submit a job, cancel it, hear how it fares."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from local.azureml.jobs.execution import Execution
from local.azureml.jobs.files import Files
from local.azureml.jobs.job import Desk, Job
from local.azureml.jobs.places import Places
from local.azureml.jobs.plan import plan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.azureml.callers import Caller
    from local.azureml.jobs.places import Lookups
    from local.azureml.jobs.update import JobUpdate
    from local.azureml.runtime import Runtime
    from local.config import LocalConfig

STEPS_AT_ONCE = 2  # of all jobs together: a laptop's cores


class Jobs:
    def __init__(
        self,
        config: LocalConfig,
        runtime: Runtime,
        lookups: Lookups,
        on_update: Callable[[JobUpdate], Awaitable[None]],
    ) -> None:
        self._lookups = lookups
        self._desk = Desk(
            config=config,
            runtime=runtime,
            files=Files(config),
            slots=asyncio.Semaphore(STEPS_AT_ONCE),
            on_update=on_update,
        )
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def submit(self, env: str, name: str, arm_body: dict[str, Any], caller: Caller) -> None:
        """Checks the job and starts it. Raises a refusal if it can never run."""
        workspace = next(w for w in self._desk.config.workspaces if w.env == env)
        properties = arm_body["properties"]
        planned = plan(properties, self._lookups.component)
        places = Places(self._lookups, workspace)
        for output, declared in planned.outputs.items():
            places.output(name, output, declared)
        job = Job(
            desk=self._desk, workspace=workspace, places=places, name=name, properties=properties,
            plan=planned, caller=caller,
        )  # fmt: skip
        task = asyncio.create_task(Execution(job).run())
        self._running[env, name] = task
        task.add_done_callback(lambda _: self._running.pop((env, name), None))

    async def cancel(self, env: str, name: str) -> None:
        """Ends the job's processes; the job is then Canceled. Nothing to do for one that has ended."""
        if task := self._running.get((env, name)):
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        for env, name in list(self._running):
            await self.cancel(env, name)
