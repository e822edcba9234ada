"""HTTP triggers: which function answers, may the caller call it, the library's converters both ways."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from azure.functions.meta import Datum
from starlette.responses import Response

from local.functions import bindings, routes

if TYPE_CHECKING:
    from http.cookies import Morsel, SimpleCookie

    from starlette.requests import Request

    from local.functions.app import LoadedFunction
    from local.functions.invoke import Invoker, Outcome
    from local.functions.keys import Keys

log = logging.getLogger("host.http")

BODY_LIMIT = 104_857_600
ANSWER_SECONDS = 230.0  # the platform's front ends give up then, whatever functionTimeout says
NO_ROUTE = "(no route)"
WITHOUT_BODY = {204, 205, 304}


class BodyTooLargeError(Exception):
    """More than the host accepts."""


class HttpTriggers:
    """All HTTP functions of the app behind one prefix."""

    def __init__(
        self,
        functions: list[LoadedFunction],
        prefix: str,
        invoker: Invoker,
        keys: Keys,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._functions = {f.name: f for f in functions if f.trigger.type == "httpTrigger"}
        self._invoker = invoker
        self._keys = keys
        self._answer_seconds = answer_seconds
        self._routes = routes.candidates(
            (routes.compile_route(prefix, f.trigger.properties.get("route") or f.name), _methods(f), f.name)
            for f in self._functions.values()
        )
        self._background: set[asyncio.Task[Outcome]] = set()

    def describe(self) -> list[str]:
        """One line per route, for the start of the log."""
        return [
            f"{name}: {' '.join(sorted(methods)) or 'any method'} {r.template}"
            for r, methods, name in self._routes
        ]

    async def answer(self, request: Request) -> tuple[str, Response | None]:
        """What to write in the log instead of the path, and the response; None: no function answers here."""
        path = routes.decoded(request.scope["raw_path"])
        found = next(routes.matches(self._routes, request.method, path), None)
        if found is None:
            return NO_ROUTE, None
        route, name, values = found
        function = self._functions[name]
        if not self._may_call(function, request):
            return route.template, Response(status_code=401)
        datum = await _request_datum(request, values)
        task = asyncio.ensure_future(
            self._invoker.run(function, datum, {}, f"{request.method} {route.template}")
        )
        self._background.add(task)  # it goes on after the caller has been given up
        task.add_done_callback(self._background.discard)
        done, _ = await asyncio.wait({task}, timeout=self._answer_seconds)
        if not done:
            log.error("%s %s: no answer within %.0f s", request.method, route.template, self._answer_seconds)
            return route.template, Response(status_code=504)
        return route.template, _response(function, task.result())

    def _may_call(self, function: LoadedFunction, request: Request) -> bool:
        level = str(function.trigger.properties.get("authLevel") or "function").rpartition(".")[2].lower()
        given = given_key(request)
        if level == "anonymous":
            return True
        return self._keys.is_master(given) if level == "admin" else self._keys.opens_function(given)


def given_key(request: Request) -> str | None:
    """The header wins over the query."""
    return request.headers.get("x-functions-key") or request.query_params.get("code")


def _methods(function: LoadedFunction) -> frozenset[str]:
    methods = function.trigger.properties.get("methods") or ()
    return frozenset(str(getattr(m, "value", m)).upper() for m in methods)


async def read_body(request: Request) -> bytes:
    if int(request.headers.get("content-length") or 0) > BODY_LIMIT:
        raise BodyTooLargeError
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise BodyTooLargeError
    return bytes(body)


async def _request_datum(request: Request, route_values: dict[str, str]) -> Datum:
    """As the host sends it to the worker: empty query values are dropped, repeated ones joined."""
    query: dict[str, list[str]] = {}
    for key, value in request.query_params.multi_items():
        query.setdefault(key, []).append(value)
    headers: dict[str, list[str]] = {}
    for key, value in request.headers.items():
        headers.setdefault(key.lower(), []).append(value)
    joined = {k: ",".join(v) for k, v in query.items()}
    value = {
        "method": bindings.text_datum(request.method),
        "url": bindings.text_datum(str(request.url)),
        "headers": {k: bindings.text_datum(",".join(v)) for k, v in headers.items()},
        "query": {k: bindings.text_datum(v) for k, v in joined.items() if v},
        "params": {k: bindings.text_datum(v) for k, v in route_values.items()},
        "body": Datum(await read_body(request), "bytes"),
    }
    return Datum(value, "http")


def _response(function: LoadedFunction, outcome: Outcome) -> Response:
    output = next((b for b in function.outputs if b.type == "http"), None)
    if not outcome.succeeded:
        return Response(status_code=500)
    value = outcome.outputs.get(output.name) if output else None
    if output is None or value is None:
        return Response(status_code=204)
    try:
        datum = bindings.encode(output, value)
    except (TypeError, ValueError):
        log.exception("%s: the response cannot be sent", function.name)
        return Response(status_code=500)
    if datum.type != "http":
        return Response(datum.value, media_type="text/plain")
    return _rich_response(datum.value)


def _rich_response(value: dict[str, Any]) -> Response:
    status = int(value["status_code"].value)
    response = Response(b"" if status in WITHOUT_BODY else value["body"].value, status_code=status)
    for name, header in value["headers"].items():
        if name.lower() not in {"content-length", "transfer-encoding"}:
            response.headers[name] = header.value
    for cookie in value.get("cookies") or ():
        for text in _cookies(cookie):
            response.headers.append("set-cookie", text)
    return response


def _cookies(cookie: SimpleCookie) -> list[str]:
    """The host writes cookies itself, and escapes their values."""

    def text(morsel: Morsel[str]) -> str:
        value = quote(morsel.value, safe="")
        return f"{morsel.key}={value}{morsel.OutputString()[len(f'{morsel.key}={morsel.coded_value}') :]}"

    return [text(m) for m in cookie.values()]
