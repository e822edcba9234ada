"""A finished run is looked at: its metrics are kept, and registrations whose event was lost are accepted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from orchestrator.intake import Intake
from orchestrator.model import Fact, FactKind
from orchestrator.outside import Outside
from orchestrator.sources import SourceRun, Sources
from shared.clock import Clock
from shared.ports import ModelVersion, Run

MOST_VERSIONS = 50
"""Versions looked at for one run: those of configured models that are newer than the run's start."""
SLACK = timedelta(minutes=1)

log = logging.getLogger("greenlight.healing")


class Healing:
    """Handles wakes of source workspaces."""

    def __init__(self, *, outside: Outside, sources: Sources, intake: Intake, clock: Clock) -> None:
        self._outside = outside
        self._sources = sources
        self._intake = intake
        self._clock = clock

    def wake(self, env: str) -> None:
        """Look at every run of this source that was not looked at yet. Raises only retryable errors."""
        for run in self._sources.unlooked(env):
            self._look(run)

    def _look(self, run: SourceRun) -> None:
        workspace = self._outside.workspace(self._outside.policy.source.workspace)
        uri = workspace.tracking_uri()
        found = self._outside.runs.run(uri, run.run_id)
        family = (found, *self._outside.runs.children(uri, run.run_id)) if found else ()
        since = self._began(run, found) - SLACK
        for version in workspace.models_since(self._outside.policy.covers, since, MOST_VERSIONS):
            if self._made_by(version, run, family):
                self._accept(run, version)
        self._sources.looked(run, _metrics(family), found.start if found else None)

    def _began(self, run: SourceRun, found: Run | None) -> datetime:
        return (found.start if found else None) or run.finished_at

    def _made_by(self, version: ModelVersion, run: SourceRun, family: tuple[Run | None, ...]) -> bool:
        ids = {run.run_id, *(member.id for member in family if member)}
        return version.job_name in ids or version.tags.get("run_id") in ids

    def _accept(self, run: SourceRun, version: ModelVersion) -> None:
        """Its own event may come as well: the creation time tells that both mean one registration."""
        now = self._clock.now()
        accepted = self._intake.fact(
            Fact(
                key=f"seen {version.name} {version.version} {version.created_at:%Y%m%dT%H%M%S%f}",
                kind=FactKind.REGISTERED,
                model=version.name,
                env=run.env,
                version=version.version,
                at=version.created_at,
                accepted_at=now,
                by=f"run {run.run_id}",
            )
        )
        log.info("run %s: %s:%s %s", run.run_id, version.name, version.version, accepted.kind)


def _metrics(family: tuple[Run | None, ...]) -> Mapping[str, float]:
    """Metrics of the run and its children; the run's own win."""
    merged: dict[str, float] = {}
    for member in reversed(family):
        merged |= dict(member.metrics) if member else {}
    return merged
