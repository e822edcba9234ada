"""What deployments answered, as Azure Monitor counted it: requests by status, and p95 latency, by the minute.

Metrics of `Microsoft.MachineLearningServices/workspaces/onlineEndpoints`: `RequestsPerMinute` (dimensions
deployment, statusCode, …) and `RequestLatency_P95` (dimension deployment), average over a minute, no finer
grain (source: Azure Monitor's reference of supported metrics). They arrive some minutes late: a minute that
is not there yet is no request, and no data is never health.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shared.arm_id import WorkspaceId
from shared.azure import AzureCloud
from shared.errors import NotFound
from shared.failures import translated
from shared.ports import DeploymentHealth

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.monitor.query import MetricsQueryClient, MetricsQueryResult

REQUESTS, LATENCY = "RequestsPerMinute", "RequestLatency_P95"
GRAIN = timedelta(minutes=1)
SERIES = 1000
"""Most time series of one answer: the service's own default is 10."""
FAILED = 424
"""The platform's status for a model container that answered anything but 200."""


class AzureMonitor:
    """Satisfies `MetricsPort`. `pace`: how much faster than written policy time runs, grains included."""

    def __init__(
        self, cloud: AzureCloud, credential: TokenCredential, *, pace: float = 1.0, timeout: float = 20.0
    ) -> None:
        self._cloud = cloud
        self._credential = credential
        self._grain = GRAIN / pace
        self._timeout = timeout
        self._lock = threading.Lock()
        self._made: MetricsQueryClient | None = None

    @property
    def _client(self) -> MetricsQueryClient:
        from azure.monitor.query import MetricsQueryClient

        with self._lock:
            if self._made is None:
                self._made = MetricsQueryClient(
                    self._credential, endpoint=self._cloud.arm, audience=self._cloud.arm, retry_total=0
                )
            return self._made

    def health(
        self,
        workspace: WorkspaceId,
        endpoint: str,
        deployments: Sequence[str],
        since: datetime,
        until: datetime,
    ) -> Mapping[str, DeploymentHealth]:
        """Whole minutes only: what was answered before `since` says nothing about this span."""
        span = whole(since, until, self._grain)
        if span is None:
            return {}
        resource = f"{workspace}/onlineEndpoints/{endpoint}"
        try:
            with translated(f"read metrics of {endpoint}"):
                requests = self._asked(resource, REQUESTS, "deployment eq '*' and statusCode eq '*'", span)
                latency = self._asked(resource, LATENCY, "deployment eq '*'", span)
        except NotFound:  # deleted meanwhile: nobody answered
            return {}
        counted = _counted(requests, latency)
        return {
            name: counted[name].health for name in deployments if name in counted and counted[name].requests
        }

    def _asked(
        self, resource: str, metric: str, chosen: str, span: tuple[datetime, datetime]
    ) -> MetricsQueryResult:
        return self._client.query_resource(
            resource,
            [metric],
            timespan=span,
            granularity=self._grain,
            aggregations=["Average"],
            filter=chosen,
            max_results=SERIES,
            connection_timeout=self._timeout,
            read_timeout=self._timeout,
        )


def whole(since: datetime, until: datetime, grain: timedelta) -> tuple[datetime, datetime] | None:
    """The whole grains within a span, in UTC; None: there is none yet."""
    seconds = grain.total_seconds()
    first = -(-since.timestamp() // seconds) * seconds
    last = until.timestamp() // seconds * seconds
    if last <= first:
        return None
    return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)


@dataclass
class _Counted:
    requests: float = 0.0
    errors: dict[str, float] = field(default_factory=lambda: defaultdict[str, float](float))
    minutes: dict[datetime, float] = field(default_factory=lambda: defaultdict[datetime, float](float))
    slow: float = 0.0
    """Sum over minutes of requests x p95: minutes count as much as was asked in them."""
    timed: float = 0.0

    @property
    def health(self) -> DeploymentHealth:
        errors = {kind: round(count) for kind, count in self.errors.items() if round(count)}
        return DeploymentHealth(round(self.requests), errors, self.slow / self.timed if self.timed else None)


def _counted(requests: MetricsQueryResult, latency: MetricsQueryResult) -> dict[str, _Counted]:
    found: dict[str, _Counted] = defaultdict(_Counted)
    for labels, at, value in _points(requests):
        told, status = found[labels.get("deployment", "")], labels.get("statuscode", "")
        told.requests += value
        told.minutes[at] += value
        if kind := _kind(status):
            told.errors[kind] += value
    for labels, at, value in _points(latency):
        told = found[labels.get("deployment", "")]
        told.slow += told.minutes[at] * value
        told.timed += told.minutes[at]
    return found


def _kind(status: str) -> str:
    """The class of a failure; empty: it was none. What cannot be read as a status counts as one."""
    if not status.isdecimal():
        return "5xx"
    code = int(status)
    if code == FAILED:
        return "424"
    return f"{code // 100}xx" if code >= 400 else ""


def _points(result: MetricsQueryResult) -> Iterator[tuple[dict[str, str], datetime, float]]:
    """Labels with lower-case names, minute and value; minutes without a value are left out."""
    for metric in result.metrics:
        for series in metric.timeseries:
            labels = {str(k).lower(): str(v) for k, v in dict(series.metadata_values or {}).items()}
            for point in series.data:
                if point.average is not None:
                    yield labels, point.timestamp, float(point.average)
