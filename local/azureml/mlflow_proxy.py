"""The workspace's MLflow address: runs and artifacts go to its own MLflow server, the registry is ours.

On the way it sees what the platform would see: who starts a run, and that a run has ended well.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response, StreamingResponse

from local.azureml import registry_api
from local.azureml.routing import Row, Table
from local.azureml.tracking_client import API, Tracking

if TYPE_CHECKING:
    from local.azureml.arm import Call
    from local.azureml.events import Events
    from local.azureml.models import Models
    from local.config import Workspace

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOT_FORWARDED = {
    "host",
    "authorization",
    "connection",
    "transfer-encoding",
    "content-length",
    "accept-encoding",
}
NOT_RETURNED = {"connection", "transfer-encoding", "content-length", "content-encoding", "date", "server"}
OBSERVED = ("runs/create", "runs/update")
GIT = "mlflow.source.git."


class MlflowProxy:
    """Routes below `/mlflow/{env}`; both spellings of the version in the path lead here."""

    def __init__(self, tracking: Tracking, models: Models, events: Events) -> None:
        self.tracking = tracking
        self.models = models
        self.events = events

    def table(self) -> Table:
        rows: list[Row] = [
            (method, f"{API}/{path}", self._registry(action))
            for (method, path), action in registry_api.ACTIONS.items()
        ]
        rows += [("POST", f"{API}/{path}", self._observed) for path in OBSERVED]
        return [*rows, *((method, "/{path:path}", self._forward) for method in METHODS)]

    def _registry(self, action: registry_api.Action) -> Any:
        async def handle(call: Call) -> Response:
            values: dict[str, Any] = dict(call.request.query_params)
            if call.request.method != "GET":
                values |= await call.body()
            status, body = await registry_api.answer(self.models, action, call.workspace, call.caller, values)
            return JSONResponse(body, status)

        return handle

    async def _observed(self, call: Call) -> Response:
        """Small calls, read whole: a run's creator is the caller, and a good end raises an event."""
        path = call.request.url.path.rsplit(f"{API}/", 1)[1]
        body = await call.body()
        if path == "runs/create":
            body["user_id"] = call.caller.oid
            tags = [t for t in body.get("tags") or [] if t.get("key") != "mlflow.user"]
            body["tags"] = [*tags, {"key": "mlflow.user", "value": call.caller.oid}]
        answer = await self._send(call, f"{API}/{path}", json.dumps(body).encode())
        content = await answer.aread()
        if path == "runs/update" and answer.is_success and body.get("status") == "FINISHED":
            await self._finished(call.workspace, str(body.get("run_id") or body.get("run_uuid")))
        return Response(content, answer.status_code, _returned(answer))

    async def _finished(self, workspace: Workspace, run_id: str) -> None:
        """Runs of jobs end when their job says so, whatever the code inside them reports."""
        run = await self.tracking.run(workspace.env, run_id)
        tags = {t["key"]: t["value"] for t in run["data"].get("tags", [])}
        parent = tags.get("mlflow.parentRunId", "")
        if any(self.models.store.get("jobs", workspace.env, name) for name in (run_id, parent)):
            return
        experiment = await self.tracking.experiment_name(workspace.env, run["info"]["experiment_id"])
        properties = {k: v for k, v in tags.items() if k.startswith(GIT)}
        self.events.run_completed(workspace, run_id, experiment, tags, properties)

    async def _forward(self, call: Call) -> Response:
        answer = await self._send(call, f"/{call.part('path')}", call.request.stream())
        return StreamingResponse(
            answer.aiter_bytes(),
            answer.status_code,
            _returned(answer),
            background=BackgroundTask(answer.aclose),
        )

    async def _send(self, call: Call, path: str, content: Any) -> httpx.Response:
        """The length goes along when it is known: MLflow's server reads no body of unknown length."""
        headers = [(k, v) for k, v in call.request.headers.items() if k not in NOT_FORWARDED]
        length = call.request.headers.get("content-length")
        if length and not isinstance(content, bytes):
            headers.append(("content-length", length))
        request = self.tracking.http.build_request(
            call.request.method,
            httpx.URL(self.tracking.url(call.workspace.env) + path, query=call.request.url.query.encode()),
            headers=headers,
            content=content,
        )
        return await self.tracking.send(call.workspace.env, request)


def _returned(answer: httpx.Response) -> dict[str, str]:
    return {k: v for k, v in answer.headers.items() if k.lower() not in NOT_RETURNED}
