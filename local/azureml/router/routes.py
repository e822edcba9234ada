"""Which deployment answers: every endpoint's keys, weights and ports, replaced whole and kept on disk."""

from __future__ import annotations

import hmac
import json
import random
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_SECONDS = 5.0  # Azure ML's default for a deployment's requestTimeout
PENDING = 200  # the platform's default (2 for one small instance) would throttle a laptop's load generator


@dataclass(frozen=True)
class Route:
    endpoint: str
    keys: tuple[str, ...]
    traffic: dict[str, int]
    mirror: dict[str, int]
    ports: dict[str, int]
    timeouts: dict[str, float] = field(default_factory=dict[str, float])
    pending: dict[str, int] = field(default_factory=dict[str, int])

    def admits(self, authorization: str) -> bool:
        scheme, _, key = authorization.partition(" ")
        return scheme.lower() == "bearer" and any(
            hmac.compare_digest(key.strip().encode(), known.encode()) for known in self.keys
        )

    def pick(self, chance: random.Random) -> str | None:
        """By weight; None when no deployment has any."""
        live = {name: weight for name, weight in self.traffic.items() if weight > 0}
        if len(live) <= 1:
            return next(iter(live), None)
        return chance.choices(list(live), list(live.values()))[0]

    def copies(self, chance: random.Random) -> list[str]:
        """Deployments that get a copy of this request."""
        return [name for name, percent in self.mirror.items() if chance.random() * 100 < percent]

    def timeout(self, deployment: str) -> float:
        return self.timeouts.get(deployment, TIMEOUT_SECONDS)

    def most_pending(self, deployment: str) -> int:
        return self.pending.get(deployment, PENDING)


class Routes:
    """The table. A change is on disk before it is acknowledged, so that a restart routes the same."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._routes: dict[str, Route] = {}
        if path.exists():
            stored: list[dict[str, Any]] = json.loads(path.read_text())
            self._routes = {row["endpoint"]: _route(row) for row in stored}

    def get(self, endpoint: str) -> Route | None:
        return self._routes.get(endpoint)

    def replace(self, endpoint: str, values: dict[str, Any]) -> Route:
        """Raises TypeError or ValueError when this is not a route."""
        route = _route({**values, "endpoint": endpoint})
        self._store({**self._routes, endpoint: route})
        return route

    def drop(self, endpoint: str) -> None:
        self._store({name: route for name, route in self._routes.items() if name != endpoint})

    def describe(self) -> list[dict[str, Any]]:
        """Without the keys."""
        return [{k: v for k, v in asdict(route).items() if k != "keys"} for route in self._routes.values()]

    def _store(self, routes: dict[str, Route]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(route) for route in routes.values()], indent=1))
        fresh.chmod(0o600)
        fresh.replace(self._path)
        self._routes = routes


def _route(values: dict[str, Any]) -> Route:
    unknown = values.keys() - {f.name for f in fields(Route)}
    if unknown:
        raise ValueError(f"a route has no {', '.join(sorted(unknown))}")
    route = Route(**{**values, "keys": tuple(values["keys"])})
    for weights in (route.traffic, route.mirror):
        for name, weight in weights.items():
            if not isinstance(weight, int) or not 0 <= weight <= 100:
                raise ValueError(f"the weight of {name} is not a percentage: {weight!r}")
    if sum(route.traffic.values()) not in (0, 100):
        raise ValueError(f"the weights add up to {sum(route.traffic.values())}, not to 0 or 100")
    return route
