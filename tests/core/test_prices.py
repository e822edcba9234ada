"""What instances cost is said from a table that people wrote, and not invented where it has no price."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.policy import PolicyError, load
from orchestrator.prices import Prices, amount
from shared.names import legal_name

DS3 = "Standard_DS3_v2"
TABLE = Prices({DS3: 0.27, "Standard_F2s_v2": 0.1}, "EUR")


def test_money_is_said_where_there_is_a_price() -> None:
    cost = TABLE.cost("standard_ds3_v2", 2, timedelta(hours=36))

    assert (cost.hours, cost.money) == (72.0, pytest.approx(19.44))
    assert str(TABLE.cost(DS3, 2, timedelta(hours=36))) == f"72 instance-hours of {DS3}, about 19.44 EUR"


def test_without_a_price_hours_are_said() -> None:
    assert str(TABLE.cost("Standard_X", 1, timedelta(hours=1))) == "1 instance-hour of Standard_X"
    assert str(TABLE.cost("Standard_X", 1, timedelta(minutes=30))) == "0.5 instance-hours of Standard_X"


@pytest.mark.parametrize(("money", "said"), [(0.0, "0.00"), (0.001, "less than 0.01"), (0.125, "0.13")])
def test_little_money(money: float, said: str) -> None:
    assert amount(money) == said


def _policy(**more: object) -> Prices:
    data = {
        "version": 1,
        "environments": [{"name": "dev", "workspace": "/w"}],
        "models": [{"match": "*", "probe": {"request": "r.json"}}],
    }
    return load(data | more, {}, legal_name).prices


def test_prices_of_the_pipeline() -> None:
    assert _policy() == Prices({}, "USD")
    assert _policy(prices={DS3: 0.27}, currency="EUR").hourly(DS3) == 0.27


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), "cheap"])
def test_a_price_is_a_positive_number(wrong: object) -> None:
    with pytest.raises(PolicyError, match=rf"prices.{DS3}"):
        _policy(prices={DS3: wrong})


def test_a_currency_is_three_letters() -> None:
    with pytest.raises(PolicyError, match="currency"):
        _policy(currency="euros")
