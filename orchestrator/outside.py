"""Everything outside that the engine may touch, as one value: what observe.py and actions.py are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.delivering import Telling
from orchestrator.ledger import Ledger
from orchestrator.sourcing import sourced
from orchestrator.world import Trouble
from shared.errors import Busy, Conflict, Forbidden, GreenlightError, Refused, Retryable, Unknown
from shared.names import escape
from shared.ports import (
    ContainerPort,
    MetricsPort,
    RunsPort,
    ScoringPort,
    StoragePort,
    WorkspacePort,
    Workspaces,
)
from shared.store import TablePort

if TYPE_CHECKING:
    from orchestrator.policy import Policy

FROZEN_STORE = "greenlight_frozen"
"""Datastore of every later environment: a container that only Greenlight writes."""

Notify = Callable[[Telling], None]
"""Give one notice on one channel. Raises what shared.errors says."""


@dataclass(frozen=True)
class Outside:
    """The ports, and where things are in them."""

    policy: Policy
    ledger: Ledger
    workspaces: Workspaces
    storage: StoragePort
    evidence: ContainerPort
    scoring: ScoringPort
    runs: RunsPort
    names: TablePort
    channels: Mapping[str, Notify]
    root: Path
    """The app's folder: probe requests are files below it."""
    metrics: MetricsPort | None = None
    """None: no source of metrics is configured, so that nobody can say how a deployment answers."""

    def workspace(self, arm_id: str) -> WorkspacePort:
        """The first environment's has the models of the registry, if that is the source."""
        return self.workspaces(*sourced(self.policy, arm_id))

    def files(self, workspace: WorkspacePort, uri: str) -> tuple[ContainerPort, str]:
        """The container and folder that a registered path means."""
        place = workspace.files(uri)
        return self.storage.container(place.account, place.container, place.sas), place.path


def names_partition(workspace: str) -> str:
    """PartitionKey of the `endpoints` table: who owns an endpoint name in this workspace."""
    return escape(workspace.strip("/").lower())


def trouble_of(error: GreenlightError) -> Trouble:
    """One failure as an outcome. A missing right may be a role that is still spreading: tried again."""
    after = timedelta(seconds=error.after) if isinstance(error, Busy) and error.after else None
    retry = isinstance(error, (Retryable, Conflict, Forbidden))
    code = f"{error.code}: " if isinstance(error, Refused) and error.code else ""
    return Trouble(retry=retry, why=f"{code}{error}", after=after, unsure=isinstance(error, Unknown))
