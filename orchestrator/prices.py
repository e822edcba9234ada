"""`prices:` and `currency:` of greenlight.yaml: what instances cost, as far as somebody wrote it down. Pure.

Without a price only instance-hours are said: an invented number is worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

from pydantic import Field

Price = Annotated[float, Field(gt=0, lt=100_000, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Cost:
    """Instances for a while. `money` is None where there is no price."""

    instance_type: str
    hours: float
    """Instance-hours: two instances for half an hour are one."""
    money: float | None
    currency: str

    def __str__(self) -> str:
        hours = f"{self.hours:.1f}".removesuffix(".0")
        said = f"{hours} instance-hour{'' if hours == '1' else 's'} of {self.instance_type}"
        return said if self.money is None else f"{said}, about {amount(self.money)} {self.currency}"


@dataclass(frozen=True)
class Prices:
    """The table, asked by instance type; Azure compares those without case."""

    table: Mapping[str, float] = field(default_factory=dict[str, float])
    currency: str = "USD"

    def hourly(self, instance_type: str) -> float | None:
        wanted = instance_type.lower()
        return next((price for name, price in self.table.items() if name.lower() == wanted), None)

    def cost(self, instance_type: str, count: int, span: timedelta) -> Cost:
        """What `count` instances cost in `span`."""
        hours, price = count * span.total_seconds() / 3600, self.hourly(instance_type)
        return Cost(instance_type, hours, None if price is None else hours * price, self.currency)


def amount(money: float) -> str:
    """In whole cents; less than one is not nothing."""
    cents = Decimal(repr(money)).quantize(CENT, rounding=ROUND_HALF_UP)
    return "less than 0.01" if money > 0 and not cents else str(cents)
