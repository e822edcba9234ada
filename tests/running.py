"""What tests of running processes share: a block of free ports, and waiting with a deadline."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING, TypeVar

from local.config import PORTS

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
POLL_SECONDS = 0.05


def free_port_base() -> int:
    """A base whose whole block is free now; each pytest-xdist worker looks in its own range."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for base in range(22000 + 500 * (worker % 10), 22000 + 500 * (worker % 10 + 1), len(PORTS) + 1):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(base, base + len(PORTS)):
                probe = stack.enter_context(socket.socket())
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
            return base
    raise RuntimeError("no free block of ports")


def eventually(condition: Callable[[], T], seconds: float, what: str, poll: float = POLL_SECONDS) -> T:
    """The first true answer of `condition`; fails, saying `what` was expected, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; last answer: {answer!r}")
        time.sleep(poll)
    return answer
