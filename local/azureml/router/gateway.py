"""A scoring request from key to answer, with the status codes and headers of a managed online endpoint."""

from __future__ import annotations

import asyncio
import random
import re
import time
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.azureml.router.backends import BackendDown, Backends
from local.azureml.router.http import JSON, Request, Response, answer

if TYPE_CHECKING:
    from local.azureml.router.access_log import AccessLog
    from local.azureml.router.metrics import Metrics
    from local.azureml.router.routes import Route, Routes

DEPLOYMENT = "azureml-model-deployment"
LIVE = "greenlight-local-live"  # brought by traffic: no copy, and not asked for by name
ERROR_STATUS = "ms-azureml-model-error-statuscode"
ERROR_REASON = "ms-azureml-model-error-reason"
CLIENT_ID_LENGTH = 40
_NOT_IN_CLIENT_ID = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class Exchange:
    """What a deployment answered, as the caller gets it. `model_status` is the container's own."""

    response: Response
    model_status: int | None = None


class Gateway:
    def __init__(
        self, routes: Routes, backends: Backends, metrics: Metrics, log: AccessLog, seed: int | None = None
    ) -> None:
        self._routes = routes
        self._backends = backends
        self._metrics = metrics
        self._log = log
        self._chance = random.Random(seed)  # noqa: S311 - splits traffic, keeps no secret
        self._copies: set[asyncio.Task[None]] = set()

    async def score(self, endpoint: str, path: str, request: Request) -> Response:
        at, request_id = time.time(), str(uuid.uuid4())
        client_id = _NOT_IN_CLIENT_ID.sub("", request.headers.get("x-ms-client-request-id", ""))
        client_id = client_id[:CLIENT_ID_LENGTH]
        response = await self._route(endpoint, path, request, request_id)
        if DEPLOYMENT not in response.headers:
            self._log.write(at, endpoint=endpoint, status=response.status, request_id=request_id)
        headers = {**response.headers, "x-request-id": request_id}
        if client_id:
            headers["x-ms-client-request-id"] = client_id
        return replace(response, headers=headers)

    async def _route(self, endpoint: str, path: str, request: Request, request_id: str) -> Response:
        route = self._routes.get(endpoint)
        if route is None:
            return answer(404, {"message": f"There is no endpoint {endpoint} in this region."})
        if not route.admits(request.headers.get("authorization", "")):
            return answer(401, {"message": "Unauthorized: the key is missing or not valid."})
        if path != "/score":
            return answer(404, {"message": f"{path} is not found; requests are scored at /score."})
        if request.method != "POST":
            return answer(405, {"message": "Requests are scored by POST."}, allow="POST")
        named = request.headers.get(DEPLOYMENT)
        if named is not None and named not in route.ports:
            return answer(404, {"message": f"The deployment {named} is not found in {endpoint}."})
        deployment = named or route.pick(self._chance)
        if deployment is None:
            return answer(404, {"message": f"No deployment of {endpoint} has a positive weight."})
        if named is None:
            for copy in route.copies(self._chance):
                self._mirror(route, copy, request, request_id)
        return await self._forward(route, deployment, request, request_id, by_name=named is not None)

    async def _forward(
        self,
        route: Route,
        deployment: str,
        request: Request,
        request_id: str,
        *,
        by_name: bool = False,
        mirrored: bool = False,
    ) -> Response:
        at, began = time.time(), time.perf_counter()
        exchange = await self._ask(route, deployment, request, request_id, live=not (by_name or mirrored))
        seconds, status = time.perf_counter() - began, exchange.response.status
        self._metrics.record(route.endpoint, deployment, status, seconds, at, mirrored=mirrored)
        self._log.write(
            at,
            endpoint=route.endpoint,
            deployment=deployment,
            status=status,
            model_status=exchange.model_status,
            ms=round(seconds * 1000, 2),
            request_id=request_id,
            client_request_id=request.headers.get("x-ms-client-request-id"),
            by_name=by_name,
            mirror=mirrored,
        )
        headers = {**exchange.response.headers, DEPLOYMENT: deployment}
        return replace(exchange.response, headers=headers)

    async def _ask(
        self, route: Route, deployment: str, request: Request, request_id: str, *, live: bool
    ) -> Exchange:
        port = route.ports.get(deployment)
        if port is None:
            return Exchange(answer(500, {"message": f"{deployment} has no running instance."}))
        if self._backends.busy(port) >= route.most_pending(deployment):
            return Exchange(answer(429, {"message": f"Too many requests are pending at {deployment}."}))
        with self._backends.use(port):
            try:
                async with asyncio.timeout(route.timeout(deployment)):
                    wire = _wire(route, deployment, request, request_id, live=live)
                    answered = await self._backends.send(port, wire)
            except TimeoutError:
                message = f"{deployment} did not answer in {route.timeout(deployment):g} s."
                return Exchange(answer(408, {"message": message}))
            except BackendDown:
                return Exchange(answer(500, {"message": f"{deployment} has no running instance."}))
        return _as_the_platform_answers(answered, deployment)

    def _mirror(self, route: Route, deployment: str, request: Request, request_id: str) -> None:
        async def send() -> None:
            await self._forward(route, deployment, request, request_id, mirrored=True)

        task = asyncio.create_task(send())
        self._copies.add(task)
        task.add_done_callback(self._copies.discard)


def _wire(route: Route, deployment: str, request: Request, request_id: str, *, live: bool) -> bytes:
    kind = request.headers.get("content-type", JSON)
    head = (
        "POST /score HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"{DEPLOYMENT}: {route.endpoint}/{deployment}\r\nx-request-id: {request_id}\r\n"
        f"{LIVE}: {int(live)}\r\n"
        f"content-type: {kind}\r\ncontent-length: {len(request.body)}\r\n\r\n"
    )
    return head.encode("latin-1") + request.body


def _as_the_platform_answers(answered: Response, deployment: str) -> Exchange:
    kind = {"content-type": answered.headers.get("content-type", JSON)}
    if answered.status == 200:
        return Exchange(Response(200, answered.body, kind), 200)
    if answered.status == 421:  # the port belongs to another deployment by now
        return Exchange(answer(500, {"message": f"{deployment} has no running instance."}))
    error = {ERROR_STATUS: str(answered.status), ERROR_REASON: "model_error"}
    return Exchange(Response(424, answered.body, {**kind, **error}), answered.status)
