"""One JSON line for each request, written a moment later: a disk must not slow an answer down."""

from __future__ import annotations

import asyncio
import datetime
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FLUSH_SECONDS = 0.2
ROTATE_BYTES = 64 * 1024 * 1024


class AccessLog:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, at: float, **facts: Any) -> None:
        time = datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")
        self._lines.append(json.dumps({"time": time, **facts}, separators=(",", ":")))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if not self._lines:
            return
        with self._path.open("a") as log:
            log.write("\n".join(self._lines) + "\n")
            full = log.tell() > ROTATE_BYTES
        self._lines.clear()
        if full:
            self._path.replace(self._path.with_suffix(".log.1"))
