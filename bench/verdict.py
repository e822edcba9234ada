"""The verdict on a canary's health: false alarms among equals, and how large an effect is found how often."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from bench.report import table
from orchestrator.health import HEALTHY, SICK, HealthSeen, Sample, judge_health
from orchestrator.health_policy import HealthPolicy

TITLE = "The verdict on a canary"
PAIRS, TRIES = 1000, 300
LOOKS = 20
EACH_LOOK = (5, 45)
"""Answers of candidate and stable between two looks: a step of 10 %, looked at twenty times."""
USUAL = 0.01
P95_MS, SPREAD = 40.0, 0.5
"""Latencies are log-normal: their p95, and sigma of the logarithm."""
WORSE = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.4)
SLOWER = (1.0, 1.2, 1.5, 1.8, 2.2, 3.0)
THEN = datetime(2026, 1, 1, tzinfo=UTC)
RULE = HealthPolicy()
ABOUT = f"""\
`orchestrator/health.py` with the default policy, over simulated steps: {LOOKS} looks, and between two of them
{EACH_LOOK[0]} answers of the candidate and {EACH_LOOK[1]} of stable. Stable's usual rate of failures is
{USUAL:.0%}; latencies are log-normal. Every look judges all that was answered since the step began; one
*sick* is an alarm, and rolls back. Seeds are fixed.

"""


def run() -> str:
    alarms, healthy = _pairs()
    return (
        ABOUT
        + f"{PAIRS:,} pairs of equals: {alarms} false alarms ({alarms / PAIRS:.1%}), "
        + f"{healthy / PAIRS:.0%} healthy at the end of the bake; the others were held and asked about.\n\n"
        + "Failures more often than stable's, by so many percentage points:\n\n"
        + _curve([(f"{w:.0%}", USUAL + w, 1.0) for w in WORSE])
        + "\n\nAs many failures, and slower:\n\n"
        + _curve([(f"{s:g} x", USUAL, s) for s in SLOWER])
    )


def _pairs() -> tuple[int, int]:
    ends = [_step(random.Random(seed), USUAL, 1.0)[0] for seed in range(PAIRS)]  # noqa: S311
    return ends.count(SICK), ends.count(HEALTHY)


def _curve(effects: list[tuple[str, float, float]]) -> str:
    rows: list[list[object]] = []
    for name, rate, slower in effects:
        ends = [_step(random.Random(seed), rate, slower) for seed in range(TRIES)]  # noqa: S311
        found = sorted(answers for end, answers in ends if end == SICK)
        after = f"{found[len(found) // 2]} answers" if found else ""
        held = sum(end not in (SICK, HEALTHY) for end, _ in ends)
        rows.append([name, f"{len(found) / TRIES:.0%}", after, f"{held / TRIES:.0%}"])
    return table(["effect", "rolled back", "after (median)", "held and asked about"], rows)


def _step(chance: random.Random, rate: float, slower: float) -> tuple[str, int]:
    """The verdict at the first alarm or at the last look, and the candidate's answers by then."""
    candidate, stable = _Answers(chance, rate, slower), _Answers(chance, USUAL, 1.0)
    judged = ""
    for _ in range(LOOKS):
        candidate.more(EACH_LOOK[0])
        stable.more(EACH_LOOK[1])
        seen = HealthSeen(
            candidate=candidate.sample, stable=stable.sample, since=THEN, until=THEN, known=True
        )
        judged = judge_health(seen, None, RULE).verdict
        if judged == SICK:
            break
    return judged, candidate.requests


class _Answers:
    def __init__(self, chance: random.Random, rate: float, slower: float) -> None:
        self._chance, self._rate, self._slower = chance, rate, slower
        self.requests = self._failed = 0
        self._took: list[float] = []

    def more(self, requests: int) -> None:
        self.requests += requests
        for _ in range(requests):
            self._failed += self._chance.random() < self._rate
            self._took.append(self._slower * P95_MS * self._chance.lognormvariate(-1.645 * SPREAD, SPREAD))

    @property
    def sample(self) -> Sample:
        ordered = sorted(self._took)
        p95 = ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]
        return Sample(requests=self.requests, errors={"424": self._failed}, p95_ms=p95)
