"""Waiting for the world, with a deadline; and what is said when it does not come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
POLL_SECONDS = 0.25


class NotSo(Exception):
    """The world is not as the story says. `read`: the log, page or file that tells more."""

    def __init__(self, expected: str, seen: object, read: object) -> None:
        super().__init__(f"expected {expected}; saw {seen}")
        self.expected = expected
        self.seen = str(seen)
        self.read = str(read)


def wait(
    look: Callable[[], T],
    until: Callable[[T], bool],
    *,
    within: float,
    expected: str,
    read: object,
    show: Callable[[T], object] = str,
) -> T:
    """The first thing seen that is as expected. Raises NotSo with the last thing seen."""
    deadline = time.monotonic() + within
    while not until(seen := look()):
        if time.monotonic() > deadline:
            raise NotSo(f"{expected} within {within:.0f} s", show(seen), read)
        time.sleep(POLL_SECONDS)
    return seen


def check(expected: str, seen: object, read: object, *, holds: bool) -> None:
    if not holds:
        raise NotSo(expected, seen, read)


def equal(what: str, expected: object, seen: object, read: object) -> None:
    check(f"{what}: {expected}", seen, read, holds=expected == seen)
