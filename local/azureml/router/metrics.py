"""Requests and latencies per deployment: totals since the start, windows by the minute, and short ones."""

from __future__ import annotations

import bisect
import datetime
from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import Any

MINUTES_KEPT = 120
SLICE = 0.2
"""Seconds of the shortest windows; from them any longer grain is put together."""
SLICES_KEPT = 9000
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

    def join(self, other: Window) -> None:
        self.statuses += other.statuses
        self.latencies += other.latencies
        self.slowest = max(self.slowest, other.slowest)

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
        self._slices: defaultdict[tuple[str, str], OrderedDict[int, Window]] = defaultdict(OrderedDict)
        self._minutes: defaultdict[tuple[str, str], OrderedDict[int, Window]] = defaultdict(OrderedDict)

    def record(
        self, endpoint: str, deployment: str, status: int, seconds: float, at: float, *, mirrored: bool
    ) -> None:
        """A copy counts as mirrored only: its answer reaches nobody. The platform's own count has both."""
        self._slice((endpoint, deployment), at).add(status, seconds * 1000)
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

    def series(self, endpoint: str, since: float, until: float, grain: float) -> list[dict[str, Any]]:
        """What each deployment answered in each grain (seconds) in which it was asked, copies too."""
        found: list[dict[str, Any]] = []
        for (of, deployment), slices in self._slices.items():
            if of != endpoint:
                continue
            grains: OrderedDict[float, Window] = OrderedDict()
            for number, window in slices.items():
                at = since + (number * SLICE + SLICE / 2 - since) // grain * grain
                if since <= at and at + grain <= until + SLICE / 2:
                    grains.setdefault(at, Window()).join(window)
            found += [
                {
                    "deployment": deployment,
                    "at": at,
                    "statuses": {str(s): n for s, n in sorted(window.statuses.items())},
                    "p95": window.percentile(0.95),
                }
                for at, window in grains.items()
            ]
        return found

    def _slice(self, key: tuple[str, str], at: float) -> Window:
        return _window(self._slices[key], int(at // SLICE), SLICES_KEPT)

    def _minute(self, key: tuple[str, str], at: float) -> Window:
        return _window(self._minutes[key], int(at // 60), MINUTES_KEPT)


def _window(windows: OrderedDict[int, Window], number: int, kept: int) -> Window:
    if number not in windows:
        windows[number] = Window()
        while len(windows) > kept:
            windows.popitem(last=False)
    return windows[number]


def _iso(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
