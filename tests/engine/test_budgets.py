"""Budgets of design: counted, so they can be asserted."""

from __future__ import annotations

from pathlib import Path

from tests.engine.counting import measured


def test_storage_transactions_stay_within_their_budgets(tmp_path: Path) -> None:
    costs = measured(tmp_path)

    assert costs.event <= 5
    assert all(cost <= 60 for cost in costs.environments.values()), costs.environments
    assert costs.polls
    assert max(costs.polls) <= 6
    assert costs.waiting <= 100, "an hour of waiting: the sweep's one query a minute, and its first few looks"
