"""What is made of two deployments' answers in the same minutes: healthy, sick, or nobody can tell. Pure.

No data is never health.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.health_policy import HealthPolicy

HEALTHY, SICK, INCONCLUSIVE = "healthy", "sick", "inconclusive"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one deployment answered in one span."""

    requests: int = 0
    errors: Mapping[str, int] = field(default_factory=dict[str, int])
    """By class: 4xx, 424 (the model failed), 5xx."""
    p95_ms: float | None = None

    @property
    def failed(self) -> int:
        """What counts against the deployment: a caller's own mistake (4xx) does not."""
        return self.errors.get("424", 0) + self.errors.get("5xx", 0)

    @property
    def rate(self) -> float:
        return self.failed / self.requests if self.requests else 0.0


@dataclass(frozen=True, kw_only=True)
class HealthSeen:
    """Candidate and stable in the same minutes."""

    candidate: Sample
    stable: Sample | None
    since: datetime
    until: datetime
    known: bool
    """False: the source could not say."""


@dataclass(frozen=True)
class HealthVerdict:
    verdict: str
    sentence: str


def judge_health(seen: HealthSeen, replayed: HealthSeen | None, rule: HealthPolicy) -> HealthVerdict:
    """One verdict from real requests and from those that were replayed."""
    candidate = _merged(seen.candidate, replayed.candidate if replayed else None)
    stable = _merged(seen.stable or Sample(), replayed.stable if replayed else None)
    if not seen.known and replayed is None:
        return HealthVerdict(INCONCLUSIVE, "nobody can say how it answers: the metrics could not be read")
    if candidate.requests < rule.min_requests:
        few = f"{candidate.requests} of {rule.min_requests} answers that a verdict needs"
        return HealthVerdict(INCONCLUSIVE, few)
    usual = min(stable.rate, 0.5) if stable.requests else 0.0
    said = f"{candidate.rate:.1%} of {candidate.requests} answers failed, beside {usual:.1%} of stable's"
    if candidate.rate > usual + rule.max_error_rate:
        return HealthVerdict(SICK, said)
    slow = _slow(candidate, stable, rule)
    return HealthVerdict(SICK, slow) if slow else HealthVerdict(HEALTHY, said)


def _slow(candidate: Sample, stable: Sample, rule: HealthPolicy) -> str:
    took = candidate.p95_ms
    if took is None:
        return ""
    if rule.p95_ms is not None and took > rule.p95_ms:
        return f"p95 is {took:.0f} ms, at most {rule.p95_ms:.0f} ms are allowed"
    enough = stable.requests >= rule.min_requests and stable.p95_ms
    if enough and stable.p95_ms and took > rule.p95_ratio * stable.p95_ms:
        return f"p95 is {took:.0f} ms, more than {rule.p95_ratio:g} times stable's {stable.p95_ms:.0f} ms"
    return ""


def _merged(real: Sample, other: Sample | None) -> Sample:
    if other is None:
        return real
    errors = {
        key: real.errors.get(key, 0) + other.errors.get(key, 0) for key in {*real.errors, *other.errors}
    }
    slowest = [p for p in (real.p95_ms, other.p95_ms) if p is not None]
    return Sample(
        requests=real.requests + other.requests, errors=errors, p95_ms=max(slowest) if slowest else None
    )


def added(before: HealthSeen | None, more: HealthSeen) -> HealthSeen:
    """Two spans of one source as one."""
    if before is None:
        return more
    stable = _merged(before.stable, more.stable) if before.stable else more.stable
    candidate = _merged(before.candidate, more.candidate)
    return replace(more, candidate=candidate, stable=stable, since=before.since)
