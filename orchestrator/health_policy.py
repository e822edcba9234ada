"""`health:` inside `rollout:` in greenlight.yaml: when a watched candidate is healthy or sick. Pure."""

from __future__ import annotations

from pydantic import Field

from orchestrator.policy_parts import Duration, Strict, written


class HealthPolicy(Strict):
    min_requests: int = Field(50, ge=1)
    """Fewer answers than this say nothing."""
    max_error_rate: float = Field(0.02, ge=0, le=1)
    """How much larger the share of failed answers may be than that of what serves beside it."""
    p95_ms: float | None = Field(None, gt=0)
    p95_ratio: float = Field(1.5, ge=1)
    """How many times as slow as what serves beside it."""
    patience: Duration = written("30m")
    """How long past its bake a step is held without a verdict before a person is asked."""
    synthetic: bool = True
    """Where nobody asks the endpoint: send both the golden and recorded requests."""
