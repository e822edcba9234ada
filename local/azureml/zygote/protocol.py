"""What travels over the zygote's unix socket: JSON, one message a line.

Requests carry an `id`, answers repeat it. `start` answers with the child at once; afterwards whoever started
or listed a child is sent its `report`s and, last, its `exit`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.config import LocalConfig

MAX_SOCKET_PATH = 100  # sockaddr_un holds 108 bytes on Linux, 104 on macOS


@dataclass(frozen=True)
class Task:
    """What a child does. Exactly one of `call` ("module:function", given `args`) and `command` is set."""

    name: str  # unique among the running children
    env: dict[str, str]  # the child's whole environment
    cwd: str
    log: str  # stdout and stderr are appended here
    call: str = ""
    args: dict[str, Any] = field(default_factory=dict[str, Any])
    command: str = ""


@dataclass(frozen=True)
class Errand:
    """A task as its child sees it: with the pipe to report on and the one that ends with the zygote."""

    task: Task
    report_to: int
    lifeline: int


def socket_path(config: LocalConfig) -> Path:
    path = config.home / "zygote.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"greenlight-{digest}.sock"


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"
