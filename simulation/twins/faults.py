"""What a test tells a twin to do wrong: fail before the effect, after it, or let the effect come late."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from shared.errors import GreenlightError, Unknown
from simulation.twins.clock import TwinClock

T = TypeVar("T")


@dataclass
class _Rule:
    operation: str
    error: GreenlightError
    times: int
    after_effect: bool
    late: float | None


class Faults:
    """Rules by operation name ("*" is any); the first that matches is used up `times` times."""

    def __init__(self, clock: TwinClock) -> None:
        self._clock = clock
        self._rules: list[_Rule] = []
        self._late: list[tuple[datetime, Callable[[], object]]] = []

    def fail(
        self, operation: str, error: GreenlightError, *, times: int = 1, after_effect: bool = False
    ) -> None:
        """`after_effect`: the platform did it, the answer was lost on the way."""
        self._rules.append(_Rule(operation, error, times, after_effect, None))

    def late(self, operation: str, seconds: float, error: GreenlightError | None = None) -> None:
        """The next such call gets no answer, and takes effect `seconds` from now if still legal then."""
        unknown = error or Unknown(f"{operation}: no answer in time")
        self._rules.append(_Rule(operation, unknown, 1, False, seconds))

    def arrive(self) -> None:
        """Let late effects happen whose time has come; one that the platform refuses by then is lost."""
        due = [entry for entry in self._late if entry[0] <= self._clock.now()]
        self._late = [entry for entry in self._late if entry[0] > self._clock.now()]
        for _, effect in due:
            with contextlib.suppress(GreenlightError):
                effect()

    def around(self, operation: str, effect: Callable[[], T]) -> T:
        """Do `effect` as the rules say."""
        self.arrive()
        rule = self._take(operation)
        if rule is None:
            return effect()
        if rule.late is not None:
            self._late.append((self._clock.now() + timedelta(seconds=rule.late), effect))
        elif rule.after_effect:
            effect()
        raise rule.error

    def _take(self, operation: str) -> _Rule | None:
        for rule in self._rules:
            if rule.operation in (operation, "*") and rule.times > 0:
                rule.times -= 1
                return rule
        return None
