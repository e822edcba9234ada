"""How surprising a count of failures is: exact one-sided tests, by sums. Pure.

Fisher's exact test conditions on all failures that were seen, so it needs no guess of the usual rate; for
small counts it errs on the side of chance, as a watch that rolls back by itself should.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, lgamma, log


def at_least(failed: int, requests: int, usual: float) -> float:
    """P(X >= failed), X binomial with `requests` tries at rate `usual`."""
    if failed <= 0 or usual >= 1.0:
        return 1.0
    if usual <= 0.0:
        return 0.0
    first = _log_choose(requests, failed) + failed * log(usual) + (requests - failed) * log(1 - usual)
    odds = usual / (1 - usual)
    return _tail(first, failed, requests, lambda k: (requests - k) / (k + 1) * odds)


def more_than_chance(failed: int, requests: int, others_failed: int, others: int) -> float:
    """P(X >= failed) if all failures had fallen on all requests by chance: Fisher's exact test, one-sided."""
    bad, every = failed + others_failed, requests + others
    if failed <= max(0, bad - others):
        return 1.0
    first = (
        _log_choose(bad, failed) + _log_choose(every - bad, requests - failed) - _log_choose(every, requests)
    )
    good = every - bad - requests
    return _tail(
        first, failed, min(bad, requests), lambda k: (bad - k) * (requests - k) / ((k + 1) * (good + k + 1))
    )


def _tail(log_first: float, start: int, most: int, ratio: Callable[[int], float]) -> float:
    """The sum of terms from `start` to `most`; each is the one before times `ratio(its number)`."""
    total, term = 0.0, 1.0
    for k in range(start, most + 1):
        total += term
        term *= ratio(k)
        if term < total * 1e-12:
            break
    return min(1.0, exp(min(0.0, log_first + log(total))))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
