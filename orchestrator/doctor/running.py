"""Runs checks side by side: none hides another, and none outlasts the whole run's time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from orchestrator.doctor.finding import Finding, Unseen
from shared.errors import GreenlightError

T = TypeVar("T")
AT_ONCE = 8


@dataclass(frozen=True)
class Check:
    """One thing to look at. `needs`: settings without which it cannot be made."""

    name: str
    where: str
    look: Callable[[], Iterable[Finding]]
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Checked:
    """What came of it."""

    name: str
    where: str
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def result(self) -> str:
        if any(f.known for f in self.findings):
            return "wrong"
        return "not_known" if self.findings else "well"


def run(checks: Sequence[Check], seconds: float, broken: frozenset[str] = frozenset()) -> list[Checked]:
    """In the order given. `broken`: settings that are missing or wrong."""
    end = time.monotonic() + seconds
    slots = threading.BoundedSemaphore(AT_ONCE)
    running = [_Running(check, slots, broken) for check in checks]
    for each in running:
        each.thread.start()
    for each in running:
        each.thread.join(max(0.0, end - time.monotonic()))
    return [each.outcome(seconds) for each in running]


def within(seconds: float, call: Callable[[], T]) -> T | Unseen:
    """The answer of one call, or that there was none in time. Its errors are raised."""
    answers: list[T] = []
    errors: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(call())
        except Exception as error:  # noqa: BLE001 -- raised below, in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    return answers[0] if answers else Unseen(f"there was no answer within {seconds:g} s")


class _Running:
    """A check in a thread of its own. One that never returns is left behind with the process."""

    def __init__(self, check: Check, slots: threading.Semaphore, broken: frozenset[str]) -> None:
        self._check = check
        self._slots = slots
        self._broken = sorted(check.needs & broken)
        self._done: Checked | None = None
        self.thread = threading.Thread(target=self._look, daemon=True, name=f"{check.name} {check.where}")

    def outcome(self, seconds: float) -> Checked:
        return self._done or self._told(
            [self._unseen(f"there was no answer within {seconds:g} s of the whole run")], seconds
        )

    def _look(self) -> None:
        found: list[Finding] = []
        with self._slots:
            started = time.monotonic()
            try:
                if self._broken:
                    found.append(self._unseen(f"{', '.join(self._broken)} is missing or wrong"))
                else:
                    found.extend(self._check.look())
            except GreenlightError as error:
                found.append(self._unseen(str(error)))
            except Exception as error:  # noqa: BLE001 -- a check that breaks hides no other
                found.append(self._unseen(f"the check itself broke: {type(error).__name__}: {error}"))
            self._done = self._told(found, time.monotonic() - started)

    def _unseen(self, why: str) -> Finding:
        return Unseen(why).finding(self._check.where or self._check.name)

    def _told(self, found: Sequence[Finding], seconds: float) -> Checked:
        once = tuple(dict.fromkeys(found))
        return Checked(self._check.name, self._check.where, once, round(seconds, 3))
