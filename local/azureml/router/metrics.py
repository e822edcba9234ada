"""Requests and latencies per deployment: totals since the start, and one window for each minute."""

from __future__ import annotations

import bisect
import datetime
from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import Any

MINUTES_KEPT = 120
# Upper bounds in milliseconds, each a tenth above the one before: percentiles are right within 10 %.
BOUNDS = tuple(0.1 * 1.1**n for n in range(150))


@dataclass
class Window:
    statuses: Counter[int] = field(default_factory=Counter[int])
    mirrored: int = 0
    latencies: Counter[int] = field(default_factory=Counter[int])  # index of the bound -> count
    slowest: float = 0.0

    def add(self, status: int, milliseconds: float) -> None:
        self.statuses[status] += 1
        self.latencies[bisect.bisect_left(BOUNDS, milliseconds)] += 1
        self.slowest = max(self.slowest, milliseconds)

    def percentile(self, share: float) -> float | None:
        """None without requests: no data is not a fast answer."""
        rest = share * self.latencies.total()
        for index in sorted(self.latencies):
            rest -= self.latencies[index]
            if rest <= 0:
                return round(min(BOUNDS[min(index, len(BOUNDS) - 1)], self.slowest), 3)
        return None

    def describe(self) -> dict[str, Any]:
        classes: Counter[str] = Counter()
        for status, count in self.statuses.items():
            classes[f"{status // 100}xx"] += count
        return {
            "requests": self.statuses.total(),
            "statuses": {str(s): n for s, n in sorted(self.statuses.items())},
            "classes": dict(sorted(classes.items())),
            "mirrored": self.mirrored,
            "latency_ms": {
                "p50": self.percentile(0.5),
                "p95": self.percentile(0.95),
                "max": round(self.slowest, 3) if self.latencies else None,
            },
        }


class Metrics:
    def __init__(self) -> None:
        self._totals: defaultdict[tuple[str, str], Window] = defaultdict(Window)
        self._minutes: defaultdict[tuple[str, str], OrderedDict[int, Window]] = defaultdict(OrderedDict)

    def record(
        self, endpoint: str, deployment: str, status: int, seconds: float, at: float, *, mirrored: bool
    ) -> None:
        """A copy counts as mirrored only: its answer reaches nobody."""
        for window in (self._totals[endpoint, deployment], self._minute((endpoint, deployment), at)):
            if mirrored:
                window.mirrored += 1
            else:
                window.add(status, seconds * 1000)

    def describe(self, endpoint: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for (of, deployment), total in self._totals.items():
            if endpoint in (None, of):
                minutes = [
                    {"minute": _iso(minute * 60), **window.describe()}
                    for minute, window in self._minutes[of, deployment].items()
                ]
                found.setdefault(of, {})[deployment] = {**total.describe(), "minutes": minutes}
        return found

    def _minute(self, key: tuple[str, str], at: float) -> Window:
        windows, minute = self._minutes[key], int(at // 60)
        if minute not in windows:
            windows[minute] = Window()
            while len(windows) > MINUTES_KEPT:
                windows.popitem(last=False)
        return windows[minute]


def _iso(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
