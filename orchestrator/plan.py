"""A rollout as it is approved and carried out: frozen values. What policy means is in rollout_policy.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

MIRROR_MOST = 50
"""The platform copies at most half of the requests."""
NO_TIME = timedelta()


@dataclass(frozen=True)
class RolloutStep:
    """One traffic write and the watched time after it. A mirror step has no weight: copies only."""

    weight: int
    mirror: int = 0
    bake: timedelta = NO_TIME


@dataclass(frozen=True)
class RolloutPlan:
    """A whole rollout as people approve it. What a row that is older than a field lacks has its default."""

    strategy: str = "blue_green"
    steps: tuple[RolloutStep, ...] = (RolloutStep(100),)
    warm: timedelta = NO_TIME
    keep_failed: timedelta = NO_TIME
    health: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The health rule, as HealthPolicy writes it."""
