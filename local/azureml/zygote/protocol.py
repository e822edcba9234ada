"""What travels over the zygote's unix socket: JSON, one message a line.

Requests carry an `id`, answers repeat it. `start` answers with the child's pid at once; afterwards every
connected client is sent that child's `report`s and, last, its `exit`.
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

REPORT_ENV = "GREENLIGHT_LOCAL_REPORT"  # names the descriptor on which a child reports to whoever started it
MAX_SOCKET_PATH = 100  # sockaddr_un holds 108 bytes on Linux, 104 on macOS


@dataclass(frozen=True)
class Task:
    """What a child does. Exactly one of `call` ("module:function", given `args`) and `command` is set."""

    name: str
    env: dict[str, str]  # the child's whole environment
    cwd: str
    log: str  # stdout and stderr are appended here
    call: str = ""
    args: dict[str, Any] = field(default_factory=dict[str, Any])
    command: str = ""


def socket_path(config: LocalConfig) -> Path:
    path = config.home / "zygote.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"greenlight-{digest}.sock"


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def report(data: dict[str, Any]) -> None:
    """Called in a child: tell whoever started it something, such as the port it listens on."""
    descriptor = os.environ.get(REPORT_ENV)
    if descriptor:
        os.write(int(descriptor), encode(data))
