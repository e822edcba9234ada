"""Numbers that the benchmarks print."""

from __future__ import annotations

from bench.report import percentiles


def test_percentiles_are_by_nearest_rank() -> None:
    assert percentiles([float(n) for n in range(1, 21)]) == (10.5, 19.0)
    assert percentiles([float(n) for n in range(1, 101)]) == (50.5, 95.0)
    assert percentiles([3.0]) == (3.0, 3.0)
