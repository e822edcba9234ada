"""The Event Grid extension's webhook, `/runtime/webhooks/eventgrid?functionName=…&code=…`, with its status
codes (Microsoft.Azure.WebJobs.Extensions.EventGrid, HttpRequestProcessor).
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from local.functions import bindings
from local.functions.http_trigger import given_key, read_body
from local.functions.keys import EVENT_GRID

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.functions.app import LoadedFunction
    from local.functions.invoke import Invoker, Outcome
    from local.functions.keys import Keys

PATH = "/runtime/webhooks/eventgrid"


class EventGridWebhook:
    """All Event Grid functions of the app."""

    def __init__(self, functions: list[LoadedFunction], invoker: Invoker, keys: Keys) -> None:
        self._functions = {f.name: f for f in functions if f.trigger.type == "eventGridTrigger"}
        self._invoker = invoker
        self._keys = keys

    async def answer(self, request: Request) -> tuple[str, Response]:
        """What to write in the log, and the response."""
        if not self._keys.opens_extension(given_key(request), EVENT_GRID):
            return PATH, Response(status_code=401)
        name = request.query_params.get("functionName") or ""
        function = self._functions.get(name)
        if function is None:
            return PATH, PlainTextResponse(f"cannot find function: '{name}'", status_code=404)
        label = f"{PATH} ({name})"
        kind = request.headers.get("aeg-event-type", "").lower()
        if kind == "unsubscribe":
            return label, Response(status_code=202)
        if kind not in {"notification", "subscriptionvalidation"}:
            return label, Response(status_code=400)
        try:
            body = json.loads(await read_body(request))
            if kind == "subscriptionvalidation":
                return f"{label} handshake", JSONResponse({"validationResponse": _validation_code(body)})
            events = _events(body)
        except (ValueError, KeyError, IndexError, TypeError):
            return label, Response(status_code=500)  # the extension lets the parser's exception through
        return f"{label} {len(events)} events", _response(await self._dispatch(function, events))

    async def _dispatch(self, function: LoadedFunction, events: list[Any]) -> list[Outcome]:
        """One invocation for each event, all at once."""
        runs = (
            self._invoker.run(function, bindings.json_datum(e), {}, f"event {i + 1} of {len(events)}")
            for i, e in enumerate(events)
        )
        return await asyncio.gather(*runs)


def _events(body: Any) -> list[Any]:
    if not isinstance(body, list | dict):
        raise TypeError("neither array nor object")
    return body if isinstance(body, list) else [body]


def _validation_code(body: Any) -> str:
    """An array in Event Grid's schema; for CloudEvents an object whose data is JSON within JSON."""
    data = body[0]["data"] if isinstance(body, list) else json.loads(body["data"])
    return str(data["validationCode"])


def _response(outcomes: list[Outcome]) -> Response:
    """One failure is enough for 500: Event Grid then sends the whole request again."""
    failed = next((o for o in outcomes if not o.succeeded), None)
    return PlainTextResponse(str(failed.error), status_code=500) if failed else Response(status_code=202)
