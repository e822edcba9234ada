"""Azure Monitor's metrics of an online endpoint, from what the router counted.

The service's manners: one-minute grains, complete ones only and a grain late; averages; filters by dimension;
ten time series unless more are asked for. Where the clock runs faster (`pace`), so do the minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from local.azureml.refusals import Refusal
from local.azureml.routing import Table, route
from local.config import REGION

if TYPE_CHECKING:
    from local.azureml.arm import Call
    from local.azureml.endpoints import Endpoints
    from local.azureml.runtime import Runtime
    from local.config import LocalConfig

MINUTE = 60.0
GRAINS = (1, 5, 15, 30, 60)
"""Minutes that the service offers."""
LATE = 1
"""The newest grains that nobody can read yet."""
USUAL_SERIES = 10
DIMENSIONS = {
    "RequestsPerMinute": ("deployment", "statusCode", "statusCodeClass"),
    "RequestLatency_P95": ("deployment",),
}
UNITS = {"RequestsPerMinute": "Count", "RequestLatency_P95": "Milliseconds"}
_INTERVAL = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")
_CLAUSE = re.compile(r"\s*(\w+) eq '([^']*)'\s*")

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Asked:
    metric: str
    since: float
    until: float
    grain: float
    chosen: Mapping[str, str]
    most: int


class Monitor:
    """`GET …/onlineEndpoints/{name}/providers/Microsoft.Insights/metrics`."""

    def __init__(self, config: LocalConfig, endpoints: Endpoints, runtime: Runtime) -> None:
        self._minute = MINUTE / config.pace
        self._endpoints = endpoints
        self._runtime = runtime

    def table(self) -> Table:
        path = "/onlineEndpoints/{endpoint}/providers/Microsoft.Insights/metrics"
        return [route("GET", path, self._metrics)]

    async def _metrics(self, call: Call) -> Response:
        record = self._endpoints.need(call)
        asked = self._read(call.request.query_params)
        grains = await self._runtime.series(record.private["name"], asked.since, asked.until, asked.grain)
        series = list(_series(asked, grains))[: asked.most]
        name = {"value": asked.metric, "localizedValue": asked.metric}
        value = {
            "id": f"{call.request.url.path}/{asked.metric}",
            "type": "Microsoft.Insights/metrics",
            "name": name,
            "unit": UNITS[asked.metric],
            "timeseries": series,
            "errorCode": "Success",
        }
        return JSONResponse(
            {
                "cost": 0,
                "timespan": f"{_iso(asked.since)}/{_iso(asked.until)}",
                "interval": call.request.query_params.get("interval", "PT1M"),
                "namespace": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
                "resourceregion": REGION,
                "value": [value],
            }
        )

    def _read(self, query: Mapping[str, str]) -> _Asked:
        metric = query.get("metricnames", "")
        if metric not in DIMENSIONS:
            raise _bad(f"Failed to find metric configuration for provider, metric: {metric!r}")
        if query.get("aggregation", "Average").lower() != "average":
            raise _bad(f"Metric {metric} does not support aggregation {query['aggregation']!r}")
        grain = _seconds(query.get("interval", "PT1M"))
        if not any(abs(grain - n * self._minute) < 1e-6 for n in GRAINS):
            raise _bad(f"Detected invalid time grain input {query.get('interval')!r}: it is not offered")
        since, until = (_moment(part) for part in query.get("timespan", "/").split("/", 1))
        readable = (datetime.now(UTC).timestamp() // grain - LATE + 1) * grain
        chosen = _chosen(query.get("$filter", ""), metric)
        most = int(query.get("top", USUAL_SERIES)) if chosen else 1
        return _Asked(metric, since, min(until, readable), grain, chosen, most)


def _series(asked: _Asked, grains: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    found: dict[Labels, list[dict[str, Any]]] = {}
    for grain in grains:
        for labels, value in _values(asked, grain).items():
            found.setdefault(labels, []).append({"timeStamp": _iso(grain["at"]), "average": value})
    for labels, data in sorted(found.items()):
        named = [{"name": {"value": k.lower(), "localizedValue": k}, "value": v} for k, v in labels]
        yield {"metadatavalues": named, "data": data}


def _values(asked: _Asked, grain: dict[str, Any]) -> dict[Labels, float]:
    """What one deployment's grain adds to which series."""
    values: dict[Labels, float] = {}
    if asked.metric == "RequestLatency_P95":
        full = {"deployment": grain["deployment"]}
        if grain["p95"] is not None and _fits(asked, full):
            values[_labels(asked, full)] = grain["p95"]
        return values
    for status, count in grain["statuses"].items():
        full = {
            "deployment": grain["deployment"],
            "statusCode": status,
            "statusCodeClass": f"{status[0]}xx",
        }
        if _fits(asked, full):
            labels = _labels(asked, full)
            values[labels] = values.get(labels, 0.0) + count
    return values


def _fits(asked: _Asked, full: Mapping[str, str]) -> bool:
    return all(wanted in ("*", full[name]) for name, wanted in asked.chosen.items())


def _labels(asked: _Asked, full: Mapping[str, str]) -> Labels:
    return tuple((name, full[name]) for name in asked.chosen)


def _chosen(text: str, metric: str) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for clause in re.split(r"\band\b", text) if text else []:
        match = _CLAUSE.fullmatch(clause)
        if match is None or match[1] not in DIMENSIONS[metric]:
            raise _bad(f"The filter {text!r} names what is no dimension of {metric}")
        chosen[match[1]] = match[2]
    return chosen


def _seconds(interval: str) -> float:
    match = _INTERVAL.fullmatch(interval)
    if match is None or not any(match.groups()):
        raise _bad(f"{interval!r} is no duration")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise _bad(f"{text!r} in timespan is no time") from None


def _iso(at: float) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at)
    return moment.isoformat().replace("+00:00", "Z")


def _bad(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)
