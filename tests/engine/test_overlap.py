"""What runs twice during a rollout, and what it costs, as approvers are shown it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.approval import Decision
from orchestrator.costing import hours_of, money_of, said
from orchestrator.overlap import overlap
from orchestrator.plan import RolloutPlan, RolloutStep
from orchestrator.prices import Prices
from orchestrator.serving import Instances, Serving
from orchestrator.snapshot import shown
from tests.engine.town import ANA, PIPELINE, QA, Town

DS2, DS3 = "Standard_DS2_v2", "Standard_DS3_v2"
PRICES = Prices({DS3: 0.27, DS2: 0.135}, "EUR")
MINE = Instances(type=DS3, count=1)
THEIRS = Instances(deployment="blue", type=DS2, count=2)
BLUE = Serving(
    version="1",
    target_version="1",
    digest="d",
    deployment="blue",
    since=datetime(2026, 1, 1, tzinfo=UTC),
    n=1,
)
HOUR = timedelta(hours=1)
WARM = RolloutPlan(warm=24 * HOUR)
CANARY = RolloutPlan(
    "canary", (RolloutStep(0, 20, HOUR), RolloutStep(10, 0, 3 * HOUR), RolloutStep(100, 0, 2 * HOUR))
)


def told(
    plan: RolloutPlan, seen: Instances | None = THEIRS, prices: Prices | None = PRICES
) -> dict[str, Any]:
    """As the snapshot keeps it."""
    kept: dict[str, Any] = json.loads(json.dumps(overlap(plan, MINE, BLUE, seen, prices)))
    return kept


def test_what_is_kept_warm_is_the_extra_one() -> None:
    row = told(WARM)

    assert (hours_of(row), money_of(row)) == (48.0, pytest.approx(6.48))
    assert said(row) == (
        f"1 × {DS3} (0.27 EUR an hour) beside 2 × {DS2} for 24 h: 48 instance-hours more, about 6.48 EUR"
    )


def test_until_the_switch_the_candidate_is() -> None:
    row = told(CANARY)

    assert (hours_of(row), money_of(row)) == (4 * 1 + 2 * 2, pytest.approx(4 * 0.27 + 4 * 0.135))


def test_without_a_price_hours_are_said() -> None:
    for prices in (Prices({DS3: 0.27}, "EUR"), Prices(), None):
        row = told(WARM, prices=prices)
        assert (hours_of(row), money_of(row)) == (48.0, None)
        assert said(row).endswith(f"beside 2 × {DS2} for 24 h: 48 instance-hours more")


@pytest.mark.parametrize("seen", [None, Instances(deployment="red", type=DS2, count=2)])
def test_what_was_not_observed_is_not_assumed(seen: Instances | None) -> None:
    row = told(WARM, seen)

    assert (hours_of(row), money_of(row)) == (None, None)
    assert said(row).endswith("beside what serves now, whose instances are not known, for 24 h")


def test_nothing_is_kept() -> None:
    row = told(RolloutPlan())

    assert (hours_of(row), money_of(row)) == (0, 0)
    assert said(row).endswith(f"beside 2 × {DS2} only until the switch is seen")


def test_nothing_serves_yet() -> None:
    row = overlap(WARM, MINE, None, None, PRICES)

    assert hours_of(row) == 0
    assert said(row) == f"1 × {DS3} (0.27 EUR an hour); nothing serves here yet, so nothing runs twice"


WARM_PIPELINE = (
    PIPELINE.replace('endpoint: "{model}-qa"', 'endpoint: "{model}-qa"\n    rollout: {warm: 24h}')
    + f"prices: {{{DS3}: 0.27, {DS2}: 0.1}}\ncurrency: EUR\n"
)


def test_approvers_see_what_really_runs(tmp_path: Path) -> None:
    """Somebody scaled the incumbent out by hand: its instances are those that were seen."""
    town = Town(tmp_path, WARM_PIPELINE)
    town.register("1")
    town.announce("1")
    town.settle()
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    first = shown(town.app.ledger.request(QA, 1, 1).snapshot)  # type: ignore[union-attr]
    (incumbent,) = town.qa.online.get("titanic-qa").deployments.values()
    incumbent.instance_type, incumbent.instance_count = DS2, 3

    town.register("2")
    town.announce("2")
    town.settle()

    assert first.cost == f"1 × {DS3} (0.27 EUR an hour); nothing serves here yet, so nothing runs twice"
    seen = shown(town.state(QA).requests[2].snapshot)
    sentence = (
        f"1 × {DS3} (0.27 EUR an hour) beside 3 × {DS2} for 24 h: 72 instance-hours more, about 7.20 EUR"
    )
    assert (seen.cost, seen.extra_hours, seen.extra_cost) == (sentence, 72.0, pytest.approx(7.2))
    message = town.requests()[-1]
    assert message["overlap"] == {
        "sentence": sentence, "instance_hours": 72.0, "cost": pytest.approx(7.2), "currency": "EUR"
    }  # fmt: skip
    assert message["checks"].startswith("20 requests in a row are answered without error")
