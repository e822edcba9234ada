"""`rollout:` in greenlight.yaml, and the steps that it means. Pure.

rollout: {strategy: canary, steps: [10, 50, 100], bake: 10m, mirror: {percent: 20, bake: 5m}, warm: 24h}
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Literal

from pydantic import Field, TypeAdapter, model_validator

from orchestrator.health_policy import HealthPolicy
from orchestrator.plan import MIRROR_MOST, NO_TIME, RolloutPlan, RolloutStep
from orchestrator.policy_parts import Duration, Strict, written


class MirrorPolicy(Strict):
    """Copies of live requests for the candidate before it gets any: the answers reach nobody."""

    percent: int = Field(ge=1, le=MIRROR_MOST)
    bake: Duration


class RolloutPolicy(Strict):
    strategy: Literal["blue_green", "canary", "all_at_once"] = "blue_green"
    """blue_green: all traffic in one write. canary: in steps. all_at_once: one write, unwatched."""
    steps: tuple[int, ...] = ()
    """Percent for the candidate, rising to 100; only for a canary."""
    bake: Duration | tuple[Duration, ...] | None = None
    """How long each weight is watched, or one span for each step. A canary has 10 minutes by default."""
    mirror: MirrorPolicy | None = None
    warm: Duration = written("0s")
    """How long what served before is kept after the last bake."""
    keep_failed: Duration = written("0s")
    """How long a candidate that was rolled back is kept for a look, without traffic."""

    health: HealthPolicy = HealthPolicy()  # pyright: ignore[reportCallIssue] -- all fields have defaults

    @model_validator(mode="after")
    def _consistent(self) -> RolloutPolicy:
        for why in (self._bad_steps(), self._bad_bakes(), self._bad_extras()):
            if why:
                raise ValueError(why)
        return self

    def _bad_steps(self) -> str:
        if self.strategy != "canary":
            return f"steps are for a canary, not for {self.strategy}" if self.steps else ""
        if not self.steps:
            return "a canary needs steps: [10, 50, 100]"
        rising = all(a < b for a, b in zip(self.steps, self.steps[1:], strict=False))
        if not rising or self.steps[0] < 1 or self.steps[-1] != 100:
            return f"steps {list(self.steps)} must rise from at least 1 to 100"
        return ""

    def _bad_bakes(self) -> str:
        if isinstance(self.bake, tuple) and len(self.bake) != len(self.weights):
            return f"{len(self.bake)} bakes for {len(self.weights)} steps: write one for each, or one for all"
        return ""

    def _bad_extras(self) -> str:
        if self.strategy == "all_at_once" and (self.mirror or self.bake is not None):
            return "all_at_once watches nothing: write blue_green to bake or mirror"
        return ""

    @property
    def weights(self) -> tuple[int, ...]:
        return self.steps or (100,)

    @property
    def bakes(self) -> tuple[timedelta, ...]:
        """One for each weight."""
        if isinstance(self.bake, tuple):
            return self.bake
        usual = timedelta(minutes=10) if self.strategy == "canary" else NO_TIME
        return (usual if self.bake is None else self.bake,) * len(self.weights)

    @property
    def longest(self) -> timedelta:
        """The longest that one step is watched."""
        return max((*self.bakes, *([self.mirror.bake] if self.mirror else [])))


def plan_of(policy: RolloutPolicy, *, first: bool = False) -> tuple[RolloutStep, ...]:
    """The steps in order. `first`: nothing serves yet, so that there is nothing to share requests with."""
    if first:
        return (RolloutStep(100, 0, policy.bakes[-1]),)
    mirror = (RolloutStep(0, policy.mirror.percent, policy.mirror.bake),) if policy.mirror else ()
    return (*mirror, *(RolloutStep(w, 0, b) for w, b in zip(policy.weights, policy.bakes, strict=True)))


def rollout(policy: RolloutPolicy, *, first: bool) -> RolloutPlan:
    """What this policy means now, to be frozen."""
    steps, health = plan_of(policy, first=first), policy.health.model_dump(mode="json")
    return RolloutPlan(policy.strategy, steps, policy.warm, policy.keep_failed, health)


@cache
def plans() -> TypeAdapter[RolloutPlan]:
    """A plan as rows have it."""
    return TypeAdapter(RolloutPlan)
