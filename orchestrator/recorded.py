"""Recorded requests: what clients sent, one JSON document a line, replayed where nobody asks an endpoint.

Read and checked when the policy is read, like golden requests; nobody knows their answers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import Invalid

if TYPE_CHECKING:
    from orchestrator.policy import Policy, SlotPolicy

LARGEST_FILE = 1024 * 1024
MOST = 500
"""Lines of a file."""


def recorded_of(root: Path, policy: SlotPolicy) -> tuple[bytes, ...]:
    """The recorded requests of a slot's model; none: its policy names no file."""
    return read_recorded(root, policy.replay.file) if policy.replay is not None else ()


def check_recorded(root: Path, policy: Policy) -> None:
    """Every file that the policy names can be read. Raises Invalid, naming the file and the line."""
    for model in policy.file.models:
        if model.replay is not None:
            read_recorded(root, model.replay.file)


def read_recorded(root: Path, file: str) -> tuple[bytes, ...]:
    """Raises Invalid."""
    path = (root / file).resolve()
    if not path.is_relative_to(root.resolve()):
        raise Invalid(f"recorded requests {file}: they must lie in the app's folder")
    try:
        with path.open("rb") as opened:
            data = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise Invalid(f"recorded requests {file}: cannot be read: {error.strerror}") from error
    if len(data) > LARGEST_FILE:
        raise Invalid(f"recorded requests {file}: larger than {LARGEST_FILE} bytes")
    lines = [(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    if not lines:
        raise Invalid(f"recorded requests {file}: there is none in it; write one JSON document a line")
    if len(lines) > MOST:
        raise Invalid(f"recorded requests {file}: {len(lines)} lines, at most {MOST} are asked")
    for number, line in lines:
        try:
            json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Invalid(f"recorded requests {file}, line {number}: this is no JSON document") from error
    return tuple(line for _, line in lines)
