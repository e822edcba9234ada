"""What the home folder of a local cloud tells: who runs it, and with which processes.

The lock is the kernel's: it is given back when its holder is gone, however that went. So a supervisor killed
with -9 leaves nothing behind that must be cleaned up by hand.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from local.config import LocalConfig


@dataclass(frozen=True)
class Running:
    """The processes of a cloud that runs: the supervisor's id, and each service's."""

    supervisor: int
    services: Mapping[str, int]


def take(home: Path) -> IO[str] | None:
    """The lock of this home, to be closed by whoever took it; None when another supervisor holds it."""
    home.mkdir(parents=True, exist_ok=True)
    lock = (home / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def record(home: Path, services: Mapping[str, int]) -> None:
    """Written by the holder of the lock only."""
    fresh = home / "running.json.new"
    fresh.write_text(json.dumps({"supervisor": os.getpid(), "services": dict(services)}))
    fresh.replace(home / "running.json")


def running(home: Path) -> Running | None:
    """Who runs this home now; None when nobody does."""
    if not (home / "lock").exists():
        return None
    if lock := take(home):
        lock.close()
        return None
    try:
        return Running(**json.loads((home / "running.json").read_text()))
    except FileNotFoundError:
        return Running(0, {})  # it took the home a moment ago and has started nothing yet


def taken(config: LocalConfig, ports: Iterable[str]) -> dict[str, int]:
    """Those of the named ports that something listens on already."""
    numbers = {name: config.port(name) for name in ports}
    return {name: number for name, number in numbers.items() if not _free(number)}


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
