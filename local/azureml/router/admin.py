"""What the platform tells and asks the router, on loopback without TLS: routes, draining, metrics."""

from __future__ import annotations

import json
import urllib.parse
from typing import TYPE_CHECKING

from local.azureml.router.http import Request, Response, answer

if TYPE_CHECKING:
    from local.azureml.router.backends import Backends
    from local.azureml.router.metrics import Metrics
    from local.azureml.router.routes import Routes

DRAIN_SECONDS = 5.0


class Admin:
    """`PUT|DELETE /-/routes/{endpoint}`, `POST /-/drain/{port}`, `GET /-/{routes,metrics,series}`."""

    def __init__(self, routes: Routes, backends: Backends, metrics: Metrics) -> None:
        self._routes = routes
        self._backends = backends
        self._metrics = metrics

    async def handle(self, request: Request) -> Response:
        query = dict(urllib.parse.parse_qsl(request.query))
        match request.method, request.path.split("/")[2:]:
            case "GET", ["ready"]:
                return answer(200, {"status": "ready"})
            case "GET", ["metrics"]:
                return answer(200, {"endpoints": self._metrics.describe(query.get("endpoint"))})
            case "GET", ["series"]:
                return self._series(query)
            case "GET", ["routes"]:
                return answer(200, {"routes": self._routes.describe()})
            case "PUT", ["routes", endpoint]:
                return self._replace(endpoint, request.body)
            case "DELETE", ["routes", endpoint]:
                self._routes.drop(endpoint)
                return Response(204)
            case "POST", ["drain", port] if port.isdecimal():
                return await self._drain(int(port), query)
            case _:
                return answer(404, {"message": f"{request.method} {request.path} is not found."})

    def _series(self, query: dict[str, str]) -> Response:
        try:
            since, until, grain = (float(query[name]) for name in ("since", "until", "grain"))
            return answer(200, {"series": self._metrics.series(query["endpoint"], since, until, grain)})
        except (KeyError, ValueError, ZeroDivisionError) as error:
            return answer(400, {"message": f"this is no span: {error}"})

    def _replace(self, endpoint: str, body: bytes) -> Response:
        try:
            self._routes.replace(endpoint, json.loads(body))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            return answer(400, {"message": f"this is not a route: {error}"})
        return Response(204)

    async def _drain(self, port: int, query: dict[str, str]) -> Response:
        try:
            seconds = float(query.get("seconds", DRAIN_SECONDS))
        except ValueError:
            return answer(400, {"message": "seconds is not a number"})
        return answer(200, {"drained": await self._backends.drain(port, seconds)})
