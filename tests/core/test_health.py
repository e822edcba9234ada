"""What is made of two deployments' answers."""

from __future__ import annotations

from datetime import UTC, datetime
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.chance import at_least, more_than_chance
from orchestrator.health import HEALTHY, INCONCLUSIVE, SICK, HealthSeen, Sample, judge_health
from orchestrator.health_policy import HealthPolicy

THEN = datetime(2026, 11, 21, tzinfo=UTC)
RULE = HealthPolicy()
counts = st.integers(0, 400)


def seen(candidate: Sample, stable: Sample | None = None, *, known: bool = True) -> HealthSeen:
    return HealthSeen(candidate=candidate, stable=stable, since=THEN, until=THEN, known=known)


def verdict(candidate: Sample, stable: Sample | None = None) -> str:
    return judge_health(seen(candidate, stable), None, RULE).verdict


def sample(requests: int, failed: int = 0, refused: int = 0, p95_ms: float | None = 20.0) -> Sample:
    return Sample(requests=requests, errors={"424": failed, "4xx": refused}, p95_ms=p95_ms)


@pytest.mark.parametrize(
    ("candidate", "stable", "expected"),
    [
        (sample(0), sample(0), INCONCLUSIVE),
        (sample(49), sample(500), INCONCLUSIVE),
        (sample(50), sample(500), HEALTHY),
        (sample(50), None, HEALTHY),
        (sample(50, 1), sample(450), HEALTHY),  # 2 %: as the policy allows
        (sample(50, 2), sample(450), INCONCLUSIVE),  # 4 %, and may be chance
        (sample(50, 5), sample(450), SICK),
        (sample(50, 2), None, INCONCLUSIVE),
        (sample(50, 8), None, SICK),
        (sample(100, 30), sample(900, 270), HEALTHY),  # stable is as sick
        (sample(100, 0), sample(900, 800), HEALTHY),  # a sick stable does not block its replacement
        (sample(100, 60), sample(900, 800), SICK),  # but that is no replacement
        (sample(100, refused=30), sample(900, refused=270), HEALTHY),  # callers' mistakes
        (sample(100, refused=30), sample(900), SICK),  # it refuses what stable takes
        (sample(100, refused=30), None, HEALTHY),
        (sample(100, p95_ms=45.0), sample(900), SICK),
        (sample(99, p95_ms=45.0), sample(900), INCONCLUSIVE),
        (sample(100, p95_ms=29.0), sample(900), HEALTHY),
        (sample(100, p95_ms=8.0), sample(900, p95_ms=2.0), HEALTHY),  # a few milliseconds are noise
        (sample(100, p95_ms=90.0), sample(10), HEALTHY),  # nothing to compare with
    ],
)
def test_what_is_made_of_it(candidate: Sample, stable: Sample | None, expected: str) -> None:
    assert verdict(candidate, stable) == expected


def test_a_budget_of_milliseconds_needs_no_stable() -> None:
    rule = HealthPolicy(p95_ms=100)

    judged = judge_health(seen(sample(100, p95_ms=120.0)), None, rule)

    assert (judged.verdict, judged.sentence) == (SICK, "p95 is 120 ms, at most 100 ms are allowed")


def judged(real: HealthSeen, replayed: HealthSeen) -> str:
    return judge_health(real, replayed, RULE).verdict


def test_no_source_is_no_health_and_replayed_requests_are_not_counted_twice() -> None:
    good = seen(sample(50), sample(50))

    assert judge_health(seen(Sample(), known=False), good, RULE).verdict == INCONCLUSIVE
    assert judged(seen(sample(30), sample(30)), seen(sample(30), sample(30))) == INCONCLUSIVE
    assert judged(seen(Sample(), Sample()), good) == HEALTHY


def test_what_is_replayed_hides_no_real_failure() -> None:
    good = seen(sample(100), sample(100))

    assert judged(seen(sample(60, 60), sample(60)), good) == SICK
    assert judged(seen(sample(30, 30), sample(30)), good) == INCONCLUSIVE
    assert judged(good, seen(sample(60, 60), sample(60))) == SICK


def test_each_source_has_its_own_pair() -> None:
    """Requests of our own take longer than most, for candidate and stable alike."""
    replayed = seen(sample(200, p95_ms=40.0), sample(200, p95_ms=38.0))

    assert judged(seen(sample(60, p95_ms=11.0), sample(900, p95_ms=10.0)), replayed) == HEALTHY


def test_latency_that_nobody_knows_is_not_good_latency() -> None:
    assert verdict(sample(200, p95_ms=None), sample(900)) == INCONCLUSIVE
    assert verdict(sample(200, p95_ms=None), sample(900, p95_ms=None)) == HEALTHY
    budget = HealthPolicy(p95_ms=100)
    assert judge_health(seen(sample(200, p95_ms=None)), None, budget).verdict == INCONCLUSIVE


@given(st.integers(1, 400), st.integers(1, 4000), st.data())
def test_a_candidate_no_worse_than_stable_is_never_sick(
    requests: int, others: int, data: st.DataObject
) -> None:
    theirs = data.draw(st.integers(0, others // 2))
    bad = data.draw(st.integers(0, requests * theirs // others))

    assert verdict(sample(requests, bad), sample(others, theirs)) != SICK


@given(st.integers(50, 400), st.data())
def test_one_failure_more_never_makes_it_healthier(requests: int, data: st.DataObject) -> None:
    others = data.draw(counts)
    theirs, bad = data.draw(st.integers(0, others)), data.draw(st.integers(0, requests - 1))
    order = (HEALTHY, INCONCLUSIVE, SICK)

    before = order.index(verdict(sample(requests, bad), sample(others, theirs)))
    after = order.index(verdict(sample(requests, bad + 1), sample(others, theirs)))

    assert after >= before


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_fishers_test_is_the_sum_of_the_hypergeometric_tail(
    requests: int, others: int, data: st.DataObject
) -> None:
    failed, theirs = data.draw(st.integers(0, requests)), data.draw(st.integers(0, others))
    bad, every = failed + theirs, requests + others
    ways = sum(comb(bad, k) * comb(every - bad, requests - k) for k in range(failed, min(bad, requests) + 1))

    assert more_than_chance(failed, requests, theirs, others) == pytest.approx(ways / comb(every, requests))


@given(st.integers(1, 80), st.data(), st.floats(0.001, 0.999))
def test_the_binomial_tail_is_its_sum(requests: int, data: st.DataObject, usual: float) -> None:
    failed = data.draw(st.integers(0, requests))
    exact = sum(
        comb(requests, k) * usual**k * (1 - usual) ** (requests - k) for k in range(failed, requests + 1)
    )

    assert at_least(failed, requests, usual) == pytest.approx(exact, rel=1e-6, abs=1e-12)


def test_certain_and_impossible_rates() -> None:
    assert (at_least(3, 10, 0.0), at_least(3, 10, 1.0), at_least(0, 10, 0.0)) == (0.0, 1.0, 1.0)
