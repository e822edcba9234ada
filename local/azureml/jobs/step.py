"""One step of a job: its files fetched, its command run, its outputs and log kept."""

from __future__ import annotations

import asyncio
import platform
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError

from local.azureml.jobs.places import STEP_LOG, log_place
from local.azureml.jobs.plan import Asset, FromStep, Literal, command_line
from local.azureml.refusals import Refusal
from local.azureml.zygote.protocol import Task

if TYPE_CHECKING:
    from pathlib import Path

    from local.azureml.jobs.job import Job
    from local.azureml.jobs.plan import Source, Step

TAIL_LINES = 15
GRACE_SECONDS = 2.0


class StepFailed(Exception):
    """Says which node, why, and how its log ends."""


class StepRunner:
    def __init__(self, job: Job, step: Step, run: str, variables: dict[str, str]) -> None:
        self._job = job
        self._step = step
        self._run = run
        self._variables = variables
        self._folder = job.folder / step.name
        self._log = self._folder / "std_log.txt"

    async def execute(self) -> None:
        """Raises StepFailed."""
        try:
            command = await asyncio.to_thread(self._prepare)
        except (AzureError, OSError, Refusal) as error:
            raise StepFailed(f"Node '{self._step.name}' could not be prepared: {error}") from error
        try:
            code = await self._process(command)
            if code:
                raise StepFailed(self._failure(code))
            await asyncio.to_thread(self._keep_outputs)
        except (AzureError, OSError) as error:
            raise StepFailed(f"The outputs of node '{self._step.name}' could not be kept: {error}") from error
        finally:
            await asyncio.to_thread(self._keep_log)

    def _prepare(self) -> str:
        """Everything the command needs; returns the command itself."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "code").mkdir(exist_ok=True)
        if self._step.code:
            self._job.desk.files.download(self._job.places.code(self._step.code), self._folder / "code")
        inputs = {name: self._input(name, source) for name, source in self._step.inputs.items()}
        outputs = {name: self._output(name) for name in self._step.outputs}
        for name, path in outputs.items():
            (path.parent if self._step.outputs[name].is_file else path).mkdir(parents=True, exist_ok=True)
        command = command_line(self._step, inputs, outputs)
        self._log.write_text(
            f"node {self._step.name} of job {self._job.name}, run {self._run}\n"
            f"Python {platform.python_version()} of this machine's virtual environment;"
            " the component's conda file and image are not used\n"
            f"$ {command}\n"
        )
        return command

    def _input(self, name: str, source: Source) -> str | Path:
        match source:
            case Literal(value):
                return value
            case FromStep(step, output):
                return self._output(output, self._job.folder / step, step)
            case Asset(uri):
                place = self._job.places.asset(uri)
                return self._job.desk.files.download(place, self._folder / "inputs" / name)

    def _output(self, name: str, folder: Path | None = None, step: str | None = None) -> Path:
        """The local path of an output: a folder, or the one file inside it."""
        output = self._job.plan.steps[step or self._step.name].outputs[name]
        path = (folder or self._folder) / "outputs" / name
        return path / name if output.is_file else path

    async def _process(self, command: str) -> int:
        runtime = self._job.desk.runtime
        child = await runtime.zygote.start(
            Task(
                name=f"job/{self._job.name}/{self._step.name}",
                env={
                    **runtime.child_env(),
                    **self._variables,
                    **self._step.environment,
                },
                cwd=str(self._folder / "code"),
                log=str(self._log),
                command=command,
            )
        )
        try:
            return await child.ended()
        except asyncio.CancelledError:
            await runtime.zygote.stop(child, GRACE_SECONDS)
            raise

    def _failure(self, code: int) -> str:
        reason = f"exit code {code}" if code > 0 else f"signal {-code}"
        lines = self._log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return f"Node '{self._step.name}' failed with {reason}. Its log ends:\n" + "\n".join(lines)

    def _keep_outputs(self) -> None:
        job = self._job
        for name, output in self._step.outputs.items():
            if output.to_parent:
                declared = job.plan.outputs[output.to_parent]
                place, _ = job.places.output(job.name, output.to_parent, declared)
            else:
                place, _ = job.places.output(self._run, name, None)
            job.desk.files.upload(self._output(name), place)

    def _keep_log(self) -> None:
        if self._log.exists():
            place = log_place(self._job.workspace, self._run, STEP_LOG)
            self._job.desk.files.upload(self._log, place)
