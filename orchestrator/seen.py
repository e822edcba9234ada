"""What the outside looked like when it was looked at: frozen values, fetched by the looks of world.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from orchestrator.model import Promotion, Registration

AT_REST = ("Succeeded", "Failed", "Canceled")
"""provisioningStates in which no operation is under way."""


@dataclass(frozen=True)
class SourceSeen:
    """A version as its workspace knows it; `known`: this very registration was accepted before."""

    registration: Registration | None
    known: bool
    archived: bool = False


@dataclass(frozen=True)
class OriginSeen:
    """A version as the first environment's workspace knows it, and what was digested of it there."""

    registration: Registration | None
    known: bool = False
    """This very registration was accepted in this slot before."""
    archived: bool = False
    digest: str = ""
    """Empty: nothing was promoted from it there."""
    size: int = 0


@dataclass(frozen=True)
class PastSeen:
    """A promotion that has ended, and on whose word its bytes may serve here; empty: on nobody's."""

    promotion: Promotion | None
    vouched: str = ""


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
    instance_type: str = ""
    instance_count: int = 0

    @property
    def at_rest(self) -> bool:
        return self.state in AT_REST


class Split(NamedTuple):
    """Who gets how many of a hundred requests, and who gets copies of them; without zero entries."""

    weights: Mapping[str, int]
    mirror: Mapping[str, int] = MappingProxyType({})

    def __str__(self) -> str:
        said = [f"{name} {weight} %" for name, weight in self.weights.items()]
        said += [f"copies of {share} % for {name}" for name, share in self.mirror.items()]
        return ", ".join(said) or "nobody's"


@dataclass(frozen=True)
class EndpointSeen:
    name: str
    state: str
    traffic: Mapping[str, int] = field(default_factory=dict[str, int])
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    deployments: Mapping[str, DeploymentSeen] = field(default_factory=dict[str, DeploymentSeen])
    mirror: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def weights(self) -> dict[str, int]:
        """Traffic without zero entries."""
        return {name: weight for name, weight in self.traffic.items() if weight}

    @property
    def split(self) -> Split:
        return Split(self.weights, {name: share for name, share in self.mirror.items() if share})

    def used(self, name: str) -> bool:
        """Does it get requests, or copies of them?"""
        return bool(self.traffic.get(name) or self.mirror.get(name))

    @property
    def at_rest(self) -> bool:
        return self.state in AT_REST


@dataclass(frozen=True)
class TargetSeen:
    version: str
    uri: str
    digest: str  # our digest property; empty: not registered by us
    archived: bool = False


# ---- before people are asked -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ModelSeen:
    """The candidate's MLmodel file. Empty texts: nothing is wrong."""

    problem: str = ""
    """Why it cannot be served."""
    mismatch: str = ""
    """What clients of the version that serves now send, and it does not take."""
    note: str = ""
    """What could not be looked at, and why."""


@dataclass(frozen=True, kw_only=True)
class CapacitySeen:
    """What the region has for the instance type that policy names."""

    offered: bool = True
    similar: tuple[str, ...] = ()
    cores: int = 0
    """Of one instance."""
    free: int | None = None
    """Cores of the quota; None: nobody could tell."""
    limit: int = 0
    family: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class RightsSeen:
    """The actions that the identity's roles do not grant."""

    missing: tuple[str, ...] = ()
    note: str = ""
