"""host.json: the parts that change behaviour here, typed, with Azure's defaults."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_TIMESPAN = re.compile(r"(?:(?P<d>\d+)\.)?(?P<h>\d{1,2}):(?P<m>\d{1,2})(?::(?P<s>\d{1,2}(?:\.\d{1,7})?))?")
LEVELS = {
    "trace": 5,
    "debug": 10,
    "information": 20,
    "warning": 30,
    "error": 40,
    "critical": 50,
    "none": 100,
}


class HostJsonError(ValueError):
    """host.json is missing or wrong; the message says where and what was expected."""


@dataclass(frozen=True)
class Queues:
    """`extensions.queues`."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: float = 0.0  # before a failed message is visible again; not the lease
    max_polling_interval: float = 60.0
    base64: bool = True


@dataclass(frozen=True)
class HostJson:
    """What the host reads. `timeout` is None when functions may run for ever (`"-1"`)."""

    route_prefix: str = "api"
    custom_headers: dict[str, str] = field(default_factory=dict)
    queues: Queues = field(default_factory=Queues)
    timeout: float | None = 1800.0
    levels: dict[str, int] = field(default_factory=dict)

    def level(self, category: str) -> int:
        """The level of the longest configured prefix of `category`, as .NET's logging chooses it."""
        prefixes = [p for p in self.levels if p != "default" and f"{category}.".startswith(f"{p}.")]
        chosen = max(prefixes, key=len, default="default")
        return self.levels.get(chosen, LEVELS["information"])


def read(path: Path) -> HostJson:
    """Parse the file; every complaint names the key."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HostJsonError(f"{path} does not exist: a function app needs a host.json") from None
    except ValueError as error:
        raise HostJsonError(f"{path} is not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("version") != "2.0":
        raise HostJsonError(f'{path}: "version" must be "2.0"')
    extensions = _object(data, "extensions")
    http = _object(extensions, "http")
    return HostJson(
        route_prefix=_text(http.get("routePrefix", "api"), "extensions.http.routePrefix").strip("/"),
        custom_headers={k: str(v) for k, v in _object(http, "customHeaders").items()},
        queues=_queues(_object(extensions, "queues")),
        timeout=_timeout(data.get("functionTimeout", "00:30:00")),
        levels=_levels(_object(_object(data, "logging"), "logLevel")),
    )


def _queues(data: dict[str, Any]) -> Queues:
    batch = _integer(data.get("batchSize", 16), "batchSize", 1, 32)
    encoding = _text(data.get("messageEncoding", "base64"), "messageEncoding").lower()
    if encoding not in {"base64", "none"}:
        raise HostJsonError(f'extensions.queues.messageEncoding must be "base64" or "none", not {encoding!r}')
    threshold = data.get("newBatchThreshold", batch // 2 * (os.cpu_count() or 1))
    return Queues(
        batch_size=batch,
        new_batch_threshold=_integer(threshold, "newBatchThreshold", 0, 1000),
        max_dequeue_count=_integer(data.get("maxDequeueCount", 5), "maxDequeueCount", 1, 1000),
        visibility_timeout=timespan(data.get("visibilityTimeout", "00:00:00"), "visibilityTimeout"),
        max_polling_interval=max(
            0.1, timespan(data.get("maxPollingInterval", "00:01:00"), "maxPollingInterval")
        ),
        base64=encoding == "base64",
    )


def _timeout(value: object) -> float | None:
    return None if value == "-1" else timespan(value, "functionTimeout")


def _levels(data: dict[str, Any]) -> dict[str, int]:
    unknown = [f"{k}: {v}" for k, v in data.items() if str(v).lower() not in LEVELS]
    if unknown:
        raise HostJsonError(f"logging.logLevel has unknown levels: {', '.join(unknown)}")
    return {category: LEVELS[str(level).lower()] for category, level in data.items()}


def timespan(value: object, where: str) -> float:
    """A .NET TimeSpan (`hh:mm:ss`, `d.hh:mm:ss.fff`) in seconds."""
    match = _TIMESPAN.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise HostJsonError(f'{where} must be a time span such as "00:00:01", not {value!r}')
    parts = {k: float(v or 0) for k, v in match.groupdict().items()}
    return parts["d"] * 86400 + parts["h"] * 3600 + parts["m"] * 60 + parts["s"]


def _object(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key) or {}
    if not isinstance(value, dict):
        raise HostJsonError(f"{key} must be an object, not {value!r}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise HostJsonError(f"{where} must be text, not {value!r}")
    return value


def _integer(value: object, name: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise HostJsonError(f"extensions.queues.{name} must be a whole number {low}–{high}, not {value!r}")
    return value
