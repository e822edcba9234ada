"""A private address book for one test: fresh home, a block of free ports."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

import pytest

from local.config import PORTS, LocalConfig

if TYPE_CHECKING:
    from pathlib import Path


def free_port_base() -> int:
    """A base whose whole block is free now; each pytest-xdist worker looks in its own range."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for base in range(22000 + 500 * (worker % 10), 22000 + 500 * (worker % 10 + 1), len(PORTS) + 1):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(base, base + len(PORTS)):
                sock = stack.enter_context(socket.socket())
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(("127.0.0.1", port))
            return base
    raise RuntimeError("no free block of ports")


@pytest.fixture
def config(tmp_path: Path) -> LocalConfig:
    made = LocalConfig(home=tmp_path / "home", port_base=free_port_base())
    made.save()
    return made
