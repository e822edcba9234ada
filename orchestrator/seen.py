"""What the outside looked like when it was looked at: frozen values, fetched by the looks of world.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.model import Registration

AT_REST = ("Succeeded", "Failed", "Canceled")
"""provisioningStates in which no operation is under way."""


@dataclass(frozen=True)
class SourceSeen:
    """A version as its workspace knows it; `known`: this very registration was accepted before."""

    registration: Registration | None
    known: bool
    archived: bool = False


@dataclass(frozen=True)
class RunSeen:
    metrics: Mapping[str, float]
    owner: str = ""  # object id of who ran it, as the tracking server recorded it


@dataclass(frozen=True)
class DeploymentSeen:
    name: str
    state: str
    """provisioningState: Creating, Updating, Scaling, Deleting, Succeeded, Failed, Canceled."""
    error: str = ""
    model: tuple[str, str] | None = None  # registered in this workspace: name and version
    slot: str = ""  # which slot made it, by its tag

    @property
    def at_rest(self) -> bool:
        return self.state in AT_REST


@dataclass(frozen=True)
class EndpointSeen:
    name: str
    state: str
    traffic: Mapping[str, int] = field(default_factory=dict[str, int])
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    deployments: Mapping[str, DeploymentSeen] = field(default_factory=dict[str, DeploymentSeen])

    @property
    def weights(self) -> dict[str, int]:
        """Traffic without zero entries."""
        return {name: weight for name, weight in self.traffic.items() if weight}

    @property
    def at_rest(self) -> bool:
        return self.state in AT_REST


@dataclass(frozen=True)
class TargetSeen:
    version: str
    uri: str
    digest: str  # our digest property; empty: not registered by us
    archived: bool = False
