"""Registrations whose event was lost are accepted all the same: from the run that made them, and from a
listing of the source against a watermark. A finished run's metrics are kept on the way.

A registry raises no events at all: there the listing is how registrations are found.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.intake import Intake
from orchestrator.model import Fact, FactKind, SlotKey
from orchestrator.outside import Outside
from orchestrator.recalling import registration_of
from orchestrator.rows import Unreadable
from orchestrator.sources import SourceRun, Sources, Watermark
from orchestrator.wakes import Wakes
from shared.clock import Clock
from shared.errors import GreenlightError
from shared.ports import ModelVersion, Run, WorkspacePort

if TYPE_CHECKING:
    from orchestrator.policy import Policy

MOST_VERSIONS = 50
"""Versions looked at in one go: for one run, or in one listing."""
MOST_ALIKE = 5000
"""Versions with one and the same creation time that are still told apart."""
SLACK = timedelta(minutes=1)
EVERY = timedelta(minutes=30)
"""How often the source workspace is listed. Events make up for the time between: this heals lost ones."""
EVERY_REGISTRY = timedelta(minutes=5)
"""How often a registry is listed."""
EARLY = timedelta(minutes=1)
"""The sweep counts from when it sent the last wake, the watermark from when that was handled."""
AGAIN = timedelta(minutes=1)
"""How soon the listing goes on when there was more than fits into one."""
LATE = timedelta(minutes=2)
"""Younger versions are left to their own events."""
_TICK = timedelta(microseconds=1)
OVERLAP = timedelta(minutes=15)
"""How far back a listing begins before the end of the last one: versions may become visible late."""

log = logging.getLogger("greenlight.healing")


def how_often(policy: Policy) -> timedelta:
    """How often the source is listed, at a pace of 1."""
    return EVERY_REGISTRY if policy.registry else EVERY


def first(env: str, now: datetime, every: timedelta = EVERY, origin: str = "") -> Watermark:
    """The watermark at the first start, and at the first with another source: what an old workspace or
    registry holds already is not promoted on day one."""
    return Watermark(env=env, floor=now, since=now, due=now + every, origin=origin)


class Healing:
    """Handles wakes of source workspaces."""

    def __init__(
        self,
        *,
        outside: Outside,
        sources: Sources,
        intake: Intake,
        wakes: Wakes,
        clock: Clock,
        pace: float = 1.0,
    ) -> None:
        self._outside = outside
        self._sources = sources
        self._intake = intake
        self._wakes = wakes
        self._clock = clock
        self._pace = pace
        self._every = how_often(outside.policy) / pace
        self._late = timedelta(0) if outside.policy.registry else LATE / pace

    def wake(self, env: str) -> None:
        """Look at every run that was not looked at yet, then list if that is due. Raises retryable errors."""
        runs, mark = self._sources.to_do(env)
        for run in runs:
            self._look(run)
        now = self._clock.now()
        if mark is None or mark.due > now + EARLY / self._pace:
            return
        mark = self._listed(mark, now)
        self._sources.advance(mark)
        if mark.due - now <= AGAIN / self._pace:
            self._wakes.source(env, delay=(mark.due - now).total_seconds())

    # ---- by run

    def _look(self, run: SourceRun) -> None:
        workspace = self._source()
        uri = workspace.tracking_uri()
        found = self._outside.runs.run(uri, run.run_id)
        family = (found, *self._outside.runs.children(uri, run.run_id)) if found else ()
        since = self._began(run, found) - SLACK
        for version in workspace.models_since(self._outside.policy.covers, since, MOST_VERSIONS):
            if self._made_by(version, run, family):
                self._accept(run.env, version, f"run {run.run_id}")
        self._sources.looked(run, _metrics(family), found.start if found else None)

    def _began(self, run: SourceRun, found: Run | None) -> datetime:
        return (found.start if found else None) or run.finished_at

    def _made_by(self, version: ModelVersion, run: SourceRun, family: tuple[Run | None, ...]) -> bool:
        ids = {run.run_id, *(member.id for member in family if member)}
        return version.job_name in ids or version.tags.get("run_id") in ids

    # ---- by listing

    def _listed(self, mark: Watermark, now: datetime) -> Watermark:
        """Accept what was missed, at most MOST_VERSIONS, and say where the next listing begins."""
        every = self._every
        try:
            found, whole = self._versions(mark.since)
        except GreenlightError as error:
            log.warning("listing %s: %s", mark.env, error)
            return replace(mark, due=now + every, trouble=str(error)[:500])
        ripe = [v for v in found if v.created_at <= now - self._late]
        missed = [v for v in ripe if not self._known(mark.env, v)]
        for version in missed[:MOST_VERSIONS]:
            self._accept(mark.env, version, self._listing)
        if len(missed) > MOST_VERSIONS or not (whole or len(ripe) < len(found)):
            last = missed[MOST_VERSIONS - 1] if len(missed) > MOST_VERSIONS else found[-1]
            since = max(last.created_at, mark.since + _TICK if len(found) >= MOST_ALIKE else mark.since)
            return replace(mark, since=since, due=now + AGAIN / self._pace, trouble="")
        since = max(mark.floor, now - self._late - OVERLAP / self._pace)
        return replace(mark, since=since, due=now + every, trouble="")

    def _versions(self, since: datetime) -> tuple[Sequence[ModelVersion], bool]:
        """Versions from `since` on, oldest first, and whether these are all. It always gets past `since`."""
        limit, covers = MOST_VERSIONS, self._outside.policy.covers
        while True:
            found = self._source().models_since(covers, since, limit)
            if len(found) < limit:
                return found, True
            if found[-1].created_at > since or limit >= MOST_ALIKE:
                return found, False
            limit *= 4

    def _known(self, env: str, version: ModelVersion) -> bool:
        """Is it a promotion, or accepted here and waiting to become one?"""
        key, ledger = SlotKey(version.name, env), self._outside.ledger
        registration = registration_of(version, str(self._source().id))
        try:
            return ledger.knows(key, registration) or ledger.fact(key, _key_of(version)) is not None
        except Unreadable:  # it is there, whatever it says
            return True

    # ---- both

    @property
    def _listing(self) -> str:
        registry = self._outside.policy.registry
        return f"a listing of {registry}" if registry else "a listing of the workspace"

    def _source(self) -> WorkspacePort:
        return self._outside.workspace(self._outside.policy.source.workspace)

    def _accept(self, env: str, version: ModelVersion, by: str) -> None:
        """Its own event may come as well: the creation time tells that both mean one registration."""
        fact = Fact(
            key=_key_of(version),
            kind=FactKind.REGISTERED,
            model=version.name,
            env=env,
            version=version.version,
            at=version.created_at,
            accepted_at=self._clock.now(),
            by=by,
        )
        try:
            accepted = self._intake.fact(fact)
        except Unreadable:  # its slot is left alone, and no other waits: kept as if its event had come
            accepted = self._intake.event(self._event(version))
        log.info("%s: %s:%s %s", by, version.name, version.version, accepted.kind)

    def _event(self, version: ModelVersion) -> dict[str, object]:
        """The event that did not come: what `greenlight replay` takes."""
        return {
            "id": _key_of(version),
            "topic": self._outside.policy.registry or str(self._source().id),
            "subject": f"models/{version.name}:{version.version}",
            "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
            "eventTime": version.created_at.isoformat(),
            "data": {"ModelName": version.name, "ModelVersion": version.version},
        }


def _key_of(version: ModelVersion) -> str:
    return f"seen {version.name} {version.version} {version.created_at:%Y%m%dT%H%M%S%f}"


def _metrics(family: tuple[Run | None, ...]) -> Mapping[str, float]:
    """Metrics of the run and its children; the run's own win."""
    merged: dict[str, float] = {}
    for member in reversed(family):
        merged |= dict(member.metrics) if member else {}
    return merged
