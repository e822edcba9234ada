"""A job as it was submitted, and the desk where all jobs are worked on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from local.azureml.callers import Caller
    from local.azureml.jobs.files import Files
    from local.azureml.jobs.places import Places
    from local.azureml.jobs.plan import Plan
    from local.azureml.jobs.update import JobUpdate
    from local.azureml.runtime import Runtime
    from local.config import LocalConfig, Workspace


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What every job uses: who runs processes, who keeps files, and who hears of updates."""

    config: LocalConfig
    runtime: Runtime
    files: Files
    slots: asyncio.Semaphore
    """Steps at once, of all jobs together."""
    on_update: Callable[[JobUpdate], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What was asked for, by whom, and where."""

    desk: Desk
    workspace: Workspace
    places: Places
    name: str
    properties: dict[str, Any]
    plan: Plan
    caller: Caller

    @property
    def folder(self) -> Path:
        return self.desk.config.home / "jobs" / self.name

    @property
    def is_pipeline(self) -> bool:
        return self.properties.get("jobType") != "Command"

    @property
    def experiment(self) -> str:
        return self.properties.get("experimentName") or "Default"
