"""The host's own interface below `/admin`, for the platform and for tools; needs the master key."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from azure.functions.meta import Datum
from starlette.responses import JSONResponse, Response

from local.functions import bindings
from local.functions.http_trigger import given_key, read_body

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.functions.app import LoadedFunction
    from local.functions.invoke import Invoker, Outcome
    from local.functions.keys import Keys

VERSION = "4.0.0-local"


class Admin:
    """Status, keys, and running a function by hand."""

    def __init__(self, functions: list[LoadedFunction], invoker: Invoker, keys: Keys) -> None:
        self._functions = {f.name: f for f in functions}
        self._invoker = invoker
        self._keys = keys
        self._started = time.monotonic()
        self._runs: set[asyncio.Task[Outcome]] = set()

    async def answer(self, request: Request) -> tuple[str, Response]:
        """What to write in the log, and the response."""
        parts = request.url.path.lower().strip("/").split("/")[1:]
        label = "/admin/" + "/".join(parts[:2])
        if parts == ["host", "ping"]:
            return label, Response(status_code=200)
        if not self._keys.is_master(given_key(request)):
            return label, Response(status_code=401)
        match request.method, parts:
            case "GET", ["host", "status"]:
                return label, JSONResponse(self._status())
            case "GET", ["host", "systemkeys", name]:
                return label, self._system_key(name)
            case "GET", ["functions"]:
                return label, JSONResponse([_described(f) for f in self._functions.values()])
            case "POST", ["functions", name]:
                return f"/admin/functions/{name}", await self._run(name, request)
        return label, Response(status_code=404)

    def _status(self) -> dict[str, Any]:
        uptime = int((time.monotonic() - self._started) * 1000)
        return {"id": "local", "state": "Running", "version": VERSION, "processUptime": uptime, "errors": []}

    def _system_key(self, name: str) -> Response:
        value = self._keys.system_keys.get(name)
        return JSONResponse({"name": name, "value": value}) if value else Response(status_code=404)

    async def _run(self, name: str, request: Request) -> Response:
        function = next((f for f in self._functions.values() if f.name.lower() == name), None)
        if function is None:
            return Response(status_code=404)
        try:
            body = json.loads(await read_body(request) or b"{}")
            datum, metadata = _input(function, body.get("input"))
        except (ValueError, AttributeError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        task = asyncio.ensure_future(self._invoker.run(function, datum, metadata, "run by hand"))
        self._runs.add(task)
        task.add_done_callback(self._runs.discard)
        return Response(status_code=202)


def _described(function: LoadedFunction) -> dict[str, Any]:
    properties = {k: str(v) for k, v in function.trigger.properties.items()}
    return {"name": function.name, "language": "python", "trigger": properties}


def _input(function: LoadedFunction, given: Any) -> tuple[Datum, bindings.Metadata]:
    match function.trigger.type:
        case "timerTrigger":
            return bindings.json_datum({"IsPastDue": False}), {}
        case "eventGridTrigger":
            return bindings.json_datum(json.loads(given) if isinstance(given, str) else given), {}
        case "queueTrigger":
            return Datum(str(given or ""), "string"), {"Id": Datum("by-hand", "string")}
    raise ValueError("HTTP functions are called by their route")
