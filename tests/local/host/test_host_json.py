"""host.json: defaults are Azure's, mistakes are named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local.functions.hostjson import HostJsonError, Queues, read, timespan
from local.functions.queues import Backoff

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, data: Any) -> Path:
    path = folder / "host.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def test_defaults(tmp_path: Path) -> None:
    read_back = read(written(tmp_path, {"version": "2.0"}))

    assert read_back.route_prefix == "api"
    assert read_back.timeout == 1800
    assert read_back.queues.batch_size == 16
    assert read_back.queues.new_batch_threshold >= 8
    assert (read_back.queues.max_dequeue_count, read_back.queues.base64) == (5, True)
    assert (read_back.queues.visibility_timeout, read_back.queues.max_polling_interval) == (0, 60)


def test_everything_given(tmp_path: Path) -> None:
    queues = {
        "batchSize": 8,
        "newBatchThreshold": 4,
        "maxDequeueCount": 2,
        "visibilityTimeout": "00:00:30",
        "maxPollingInterval": "00:00:01.5",
        "messageEncoding": "none",
    }
    http = {"routePrefix": "", "customHeaders": {"X-A": "b"}}
    logs = {"logLevel": {"default": "Warning", "Function": "Information", "Function.a": "None"}}
    data = {
        "version": "2.0",
        "functionTimeout": "-1",
        "extensions": {"http": http, "queues": queues},
        "logging": logs,
    }

    read_back = read(written(tmp_path, data))

    assert read_back.queues == Queues(8, 4, 2, 30.0, 1.5, base64=False)
    assert (read_back.route_prefix, read_back.custom_headers, read_back.timeout) == ("", {"X-A": "b"}, None)
    assert [read_back.level(c) for c in ("Host", "Function.b", "Function.a")] == [30, 20, 100]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("{", "is not JSON"),
        ({}, '"version" must be "2.0"'),
        ({"version": "2.0", "extensions": {"queues": {"batchSize": 0}}}, "batchSize must be a whole number"),
        (
            {"version": "2.0", "extensions": {"queues": {"maxPollingInterval": 5}}},
            "maxPollingInterval must be a time",
        ),
        (
            {"version": "2.0", "extensions": {"queues": {"messageEncoding": "utf8"}}},
            "messageEncoding must be",
        ),
        ({"version": "2.0", "extensions": []}, None),
        ({"version": "2.0", "extensions": {"http": "x"}}, "http must be an object"),
        ({"version": "2.0", "logging": {"logLevel": {"default": "Loud"}}}, "unknown levels: default: Loud"),
        ({"version": "2.0", "functionTimeout": "5 minutes"}, "functionTimeout must be a time span"),
    ],
)
def test_mistakes(tmp_path: Path, data: Any, complaint: str | None) -> None:
    if complaint is None:
        assert read(written(tmp_path, data)).route_prefix == "api"
        return
    with pytest.raises(HostJsonError, match=complaint):
        read(written(tmp_path, data))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(HostJsonError, match=r"needs a host\.json"):
        read(tmp_path / "host.json")


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:00:01", 1), ("1.02:03:04", 93784), ("00:00:00.250", 0.25)]
)
def test_time_spans(text: str, seconds: float) -> None:
    assert timespan(text, "x") == seconds


def test_backoff_doubles_to_its_ceiling_and_starts_again() -> None:
    backoff = Backoff(1.0)

    delays = [backoff.next() for _ in range(6)]

    assert delays[0] == 0.1
    assert 0.18 <= delays[1] <= 0.22
    assert 0.26 <= delays[2] <= 0.34
    assert delays[-1] == 1.0
    backoff.reset()
    assert backoff.next() == 0.1
