"""TwinMetrics: what the platform counts of the requests that an even load sends to twin endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.ports import DeploymentHealth, WorkspaceId
from simulation.twins.faults import Faults
from simulation.twins.workspace import TwinWorkspace


@dataclass(frozen=True)
class Answers:
    """How a model version answers: share of failures, and seconds."""

    failing: float = 0.0
    p95_ms: float = 20.0


class TwinMetrics:
    """Satisfies `MetricsPort`. `load`: requests a minute at each endpoint; nobody asks by default."""

    def __init__(self, *workspaces: TwinWorkspace, load: float = 0.0) -> None:
        self._workspaces = {w.id: w for w in workspaces}
        self.load = load
        self.answers: dict[tuple[str, str], Answers] = {}
        self.faults = Faults(workspaces[0].clock)

    def health(
        self,
        workspace: WorkspaceId,
        endpoint: str,
        deployments: Sequence[str],
        since: datetime,
        until: datetime,
    ) -> Mapping[str, DeploymentHealth]:
        return self.faults.around(
            "health", lambda: self._counted(workspace, endpoint, deployments, since, until)
        )

    def _counted(
        self, workspace: WorkspaceId, name: str, deployments: Sequence[str], since: datetime, until: datetime
    ) -> Mapping[str, DeploymentHealth]:
        endpoint = self._workspaces[workspace].online.find(name)
        counted: dict[str, DeploymentHealth] = {}
        for deployment in deployments if endpoint else ():
            found = endpoint.deployments.get(deployment) if endpoint else None
            if endpoint is None or found is None:
                continue
            share = endpoint.traffic.get(deployment, 0) + endpoint.mirror.get(deployment, 0)
            requests = int(self.load * (until - since).total_seconds() / 60 * share / 100)
            if requests:
                said = self.answers.get(found.model, Answers())
                failed = int(requests * said.failing)
                errors = {"424": failed} if failed else {}
                counted[deployment] = DeploymentHealth(requests, errors, said.p95_ms)
        return counted
