"""Long-running operations: what a PUT or DELETE of an endpoint or deployment starts.

Each is a row before its answer is sent, so an emulator that dies in the middle takes it up again at its next
start. One at a time per endpoint, as the platform has it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local import faults
from local.azureml.arm import location
from local.azureml.refusals import Refusal, busy
from local.azureml.runtime import ScorerFailed

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.azureml.store import Store
    from local.config import LocalConfig

log = logging.getLogger("azureml")

POLL_AGAIN = {"Retry-After-Ms": "100", "x-ms-async-operation-timeout": "PT1H"}
TERMINAL = ("Succeeded", "Failed", "Canceled")


@dataclass(frozen=True)
class Operation:
    """One accepted write. `arguments` is all that its runner needs besides the stored resource."""

    id: str
    verb: str
    workspace: str
    endpoint: str
    deployment: str
    arguments: dict[str, Any]


Runner = Callable[[Operation], Awaitable[None]]
OnFailure = Callable[[Operation, Refusal], None]


class Operations:
    """Starts, resumes and answers for operations. `runners` are registered by the resource modules."""

    def __init__(self, config: LocalConfig, store: Store) -> None:
        self.config = config
        self.db = store.db
        self.runners: dict[str, tuple[Runner, OnFailure]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._settling: dict[str, float] = {}  # endpoint -> until when it still looks busy

    def routes(self) -> list[Route]:
        return [
            Route("/location/{subscription}/mfeOperationsStatus/{id}", self._status),
            Route("/location/{subscription}/mfeOperationResults/{id}", self._result),
        ]

    def in_flight(self, endpoint: str) -> Operation | None:
        row = self.db.execute(
            "SELECT * FROM operations WHERE endpoint=? AND status='InProgress'", (endpoint.lower(),)
        ).fetchone()
        return _operation(row) if row else None

    def busy(self, endpoint: str) -> bool:
        """Under way, or over but still looking as if it were not."""
        settling = self._settling.get(endpoint.lower(), 0.0) > time.monotonic()
        return settling or self.in_flight(endpoint) is not None

    def begin(self, operation: Operation) -> None:
        """Record and start it; refused while another one holds the endpoint."""
        if self.busy(operation.endpoint):
            raise busy(f"Another operation on endpoint {operation.endpoint} is in progress (Updating).")
        self.db.execute(
            "INSERT INTO operations VALUES (?,?,?,?,?,?,'InProgress',NULL,?,NULL)",
            (
                *(operation.id, operation.verb, operation.workspace, operation.endpoint.lower()),
                *(operation.deployment, json.dumps(operation.arguments), time.time()),
            ),
        )
        self._start(operation)

    def resume(self) -> None:
        """Take up what an earlier process did not finish."""
        for row in self.db.execute("SELECT * FROM operations WHERE status='InProgress'").fetchall():
            self._start(_operation(row))

    def _start(self, operation: Operation) -> None:
        task = asyncio.create_task(self._run(operation), name=f"{operation.verb} {operation.endpoint}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, operation: Operation) -> None:
        run, failed = self.runners[operation.verb]
        started = time.monotonic()
        error: Refusal | None = None
        try:
            rule = await self._told(operation)
            await run(operation)
            self._settling[operation.endpoint] = time.monotonic() + float(rule.get("updating_after", 0))
        except Refusal as refusal:
            error = refusal
        except ScorerFailed as failure:
            error = Refusal(200, failure.code, failure.message)
        except Exception as bug:
            log.exception("operation %s broke the emulator", operation.id)
            error = Refusal(200, "InternalServerError", f"{type(bug).__name__}: {bug}")
        if error:
            failed(operation, error)
        self._end(operation, error)
        log.info(
            "operation %s %s/%s %s after %.2f s",
            *(operation.verb, operation.endpoint, operation.deployment),
            *(f"failed: {error.code}" if error else "succeeded", time.monotonic() - started),
        )

    async def _told(self, operation: Operation) -> faults.Rule:
        arguments = operation.arguments
        rule = faults.take(
            self.config,
            "operation",
            verb=operation.verb,
            workspace=operation.workspace,
            endpoint=operation.endpoint,
            deployment=operation.deployment,
            model=arguments.get("model"),
            version=arguments.get("version"),
        )
        rule = rule or {}
        await asyncio.sleep(float(rule.get("seconds", 0)))
        if "code" in rule:
            raise Refusal(200, rule["code"], rule.get("message") or "Told to fail by a fault rule.")
        return rule

    def _end(self, operation: Operation, error: Refusal | None) -> None:
        self.db.execute(
            "UPDATE operations SET status=?, error=?, ended=? WHERE id=?",
            (
                "Failed" if error else "Succeeded",
                json.dumps(error.error()) if error else None,
                *(time.time(), operation.id),
            ),
        )

    async def _status(self, request: Request) -> Response:
        row = self._row(request)
        answer: dict[str, Any] = {"id": request.scope["original_path"], "name": row["id"]} | {
            "status": row["status"]
        }
        if row["error"]:
            answer["error"] = json.loads(row["error"])
        return JSONResponse(answer, headers=POLL_AGAIN)

    async def _result(self, request: Request) -> Response:
        """Where DELETE and POST point: 202 until it is over."""
        row = self._row(request)
        if row["status"] == "InProgress":
            url = f"{_base(request)}{request.scope['original_path']}?{request.url.query}"
            return Response(status_code=202, headers={**POLL_AGAIN, "Location": url})
        if row["error"]:
            error = json.loads(row["error"])
            raise Refusal(400, error["code"], error["message"], details=error["details"])
        return Response(status_code=204)

    def _row(self, request: Request) -> Any:
        row = self.db.execute("SELECT * FROM operations WHERE id=?", (request.path_params["id"],)).fetchone()
        if row is None:
            raise Refusal(404, "NotFound", "The operation was not found.")
        return row

    def accepted_put(
        self, request: Request, operation: Operation, body: dict[str, Any], status: int
    ) -> Response:
        """The answer to a PUT: the resource as it stands now, and where to ask how it goes."""
        url = _url(request, "mfeOperationsStatus", operation)
        return JSONResponse(body, status, {**POLL_AGAIN, "Azure-AsyncOperation": url})

    def accepted(self, request: Request, operation: Operation) -> Response:
        """The answer to a DELETE or POST."""
        url = _url(request, "mfeOperationResults", operation)
        return Response(status_code=202, headers={**POLL_AGAIN, "Location": url})


def _base(request: Request) -> str:
    return f"https://{request.headers['host']}"


def _url(request: Request, kind: str, operation: Operation) -> str:
    version = request.query_params["api-version"]
    return f"{_base(request)}{location(operation.workspace)}/{kind}/{operation.id}?api-version={version}"


def new_operation(
    verb: str, workspace: str, endpoint: str, deployment: str = "", arguments: dict[str, Any] | None = None
) -> Operation:
    return Operation(str(uuid.uuid4()), verb, workspace, endpoint, deployment, arguments or {})


def _operation(row: Any) -> Operation:
    return Operation(
        *(row["id"], row["verb"], row["workspace"], row["endpoint"], row["deployment"]),
        json.loads(row["arguments"]),
    )
