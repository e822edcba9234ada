"""Kinds of facts that can be looked at, and how a decision asks for one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sight(StrEnum):
    """Kinds of facts that the shell can fetch."""

    SOURCE = "source"
    """Registration of a version in the source workspace (arg: version) -> SourceSeen."""
    ORIGIN = "origin"
    """A version where all of them come from (arg: version) -> OriginSeen."""
    PAST = "past"
    """A promotion of this slot that has ended (arg: its number) -> PastSeen."""
    RUN = "run"
    """Metrics and owner of a training run (arg: run id) -> RunSeen; empty when unknown."""
    NAME = "name"
    """Who owns the endpoint name in this workspace -> slot id; empty: nobody."""
    ENDPOINT = "endpoint"
    """The endpoint with its deployments -> EndpointSeen | None."""
    TARGET = "target"
    """A model version in this slot's workspace (arg: version) -> TargetSeen | None."""
    FREE_VERSION = "free_version"
    """The next free version number in this slot's workspace -> text."""
    HEALTH = "health"
    """What candidate and stable answered since a promotion's step (arg: its number) began -> HealthSeen."""
    FROZEN = "frozen"
    """Are a promotion's files (arg: its number) still the blobs that were digested? -> bool."""
    NAMESAKE = "namesake"
    """Another workspace of ours in this region that has an endpoint of the name -> text; empty: none."""
    MODEL_FILE = "model_file"
    """What a promotion's files (arg: its number) say of themselves -> ModelSeen."""
    CAPACITY = "capacity"
    """What the region has for the instance type -> CapacitySeen."""
    RIGHTS = "rights"
    """What the identity may not do -> RightsSeen."""


@dataclass(frozen=True)
class Look:
    """One fact to fetch."""

    sight: Sight
    arg: str = ""


class Unseen(LookupError):
    """The decision needs a fact that has not been looked at yet."""

    def __init__(self, look: Look, n: int | None = None) -> None:
        super().__init__(f"{look.sight} {look.arg}".strip())
        self.look = look
        self.n = n  # the promotion that needs it; None: the slot itself does
