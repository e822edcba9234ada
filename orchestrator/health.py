"""What is made of two deployments' answers in the same minutes: healthy, sick, or nobody can tell. Pure.

No data is never health.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.chance import at_least, more_than_chance

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


ALARM = 0.01
"""Chance that a whole step of a candidate no worse than stable is called sick for its failures."""
LOOKS = 20
"""A bake is looked at about so often (baking.POLL_SHARE): each look may use its share of that chance."""
HOPELESS = 0.5
"""A candidate that fails more than this is no health, whatever stable does."""
LEAST_SLOWER_MS = 10.0
"""A difference in p95 below this is noise of the network."""


def judge_health(seen: HealthSeen, replayed: HealthSeen | None, rule: HealthPolicy) -> HealthVerdict:
    """One verdict, from real requests and from replayed ones: each source by itself, the worse one wins.

    Sick: fails more often than stable by more than the policy allows, and by more than chance explains
    (Fisher's exact test, one-sided, Bonferroni over the looks); or is too slow. Healthy: enough answers, and
    neither. Else nobody can tell yet. The platform counts replayed requests, too, so the two are never added.
    """
    if not seen.known:
        return HealthVerdict(INCONCLUSIVE, "nobody can say how it answers: the metrics could not be read")
    sources = [seen, *([replayed] if replayed else [])]
    most = max(source.candidate.requests for source in sources)
    if most < rule.min_requests:
        return HealthVerdict(INCONCLUSIVE, f"{most} of {rule.min_requests} answers that a verdict needs")
    worst: HealthVerdict | None = None
    for source in sources:
        judged = _judged(source.candidate, source.stable or Sample(), rule)
        if source.candidate.requests < rule.min_requests:
            judged = _hint(judged)
        if judged is not None:
            worst = judged if worst is None else _worse(worst, judged)
    return worst or HealthVerdict(INCONCLUSIVE, "no source has enough answers")


def _judged(candidate: Sample, stable: Sample, rule: HealthPolicy) -> HealthVerdict:
    """From one source."""
    if not candidate.requests:
        return HealthVerdict(HEALTHY, "")
    worst = _failing(candidate, stable, rule)
    for judged in (_refusing(candidate, stable, rule), _slow(candidate, stable, rule)):
        worst = _worse(worst, judged)
    return worst


def _hint(judged: HealthVerdict) -> HealthVerdict | None:
    """Too few answers say nothing good, and nothing certain."""
    return HealthVerdict(INCONCLUSIVE, judged.sentence) if judged.verdict != HEALTHY else None


def _worse(one: HealthVerdict, other: HealthVerdict) -> HealthVerdict:
    order = (HEALTHY, INCONCLUSIVE, SICK)
    return other if order.index(other.verdict) > order.index(one.verdict) else one


def _failing(candidate: Sample, stable: Sample, rule: HealthPolicy) -> HealthVerdict:
    said = _said(candidate.rate, candidate, stable.rate, stable, "failed")
    if candidate.rate > HOPELESS:
        return HealthVerdict(SICK, said)
    return _compared(candidate.failed, candidate, stable.failed, stable, rule, said)


def _refusing(candidate: Sample, stable: Sample, rule: HealthPolicy) -> HealthVerdict:
    """4xx is the caller's mistake, unless stable takes what the candidate refuses."""
    if not stable.requests:
        return HealthVerdict(HEALTHY, "")
    mine, theirs = candidate.errors.get("4xx", 0), stable.errors.get("4xx", 0)
    said = _said(mine / candidate.requests, candidate, theirs / stable.requests, stable, "were refused (4xx)")
    return _compared(mine, candidate, theirs, stable, rule, said)


def _compared(
    bad: int, candidate: Sample, theirs: int, stable: Sample, rule: HealthPolicy, said: str
) -> HealthVerdict:
    usual = theirs / stable.requests if stable.requests else 0.0
    if bad / candidate.requests <= usual + rule.max_error_rate:
        return HealthVerdict(HEALTHY, said)
    chance = (
        more_than_chance(bad, candidate.requests, theirs, stable.requests)
        if stable.requests
        else at_least(bad, candidate.requests, rule.max_error_rate)
    )
    if chance <= ALARM / LOOKS:
        return HealthVerdict(SICK, said)
    return HealthVerdict(INCONCLUSIVE, f"{said}; that may be chance")


def _slow(candidate: Sample, stable: Sample, rule: HealthPolicy) -> HealthVerdict:
    """Nobody knows the spread of a p95: it needs twice the answers before it is believed."""
    took, usual = candidate.p95_ms, stable.p95_ms
    if took is None:
        wanted = rule.p95_ms is not None or usual is not None
        return HealthVerdict(INCONCLUSIVE if wanted else HEALTHY, "nobody can say how long its answers take")
    said = ""
    if rule.p95_ms is not None and took > rule.p95_ms:
        said = f"p95 is {took:.0f} ms, at most {rule.p95_ms:.0f} ms are allowed"
    elif usual and stable.requests >= rule.min_requests and _slower(took, usual, rule.p95_ratio):
        said = f"p95 is {took:.0f} ms, more than {rule.p95_ratio:g} times stable's {usual:.0f} ms"
    if not said:
        return HealthVerdict(HEALTHY, "")
    enough = candidate.requests >= 2 * rule.min_requests
    return HealthVerdict(SICK if enough else INCONCLUSIVE, said)


def _slower(took: float, usual: float, ratio: float) -> bool:
    return took > ratio * usual and took > usual + LEAST_SLOWER_MS


def _said(rate: float, candidate: Sample, usual: float, stable: Sample, what: str) -> str:
    beside = f", beside {usual:.1%} of stable's {stable.requests}" if stable.requests else ""
    return f"{rate:.1%} of {candidate.requests} answers {what}{beside}"


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
