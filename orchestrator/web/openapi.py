"""`GET /api/openapi.json`: the JSON API as OpenAPI 3.1, made from the routes that answer it.

What the fields of an answer mean is in docs/api.md; here is what can be called, and what a body takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from orchestrator.commands import NEEDS_REASON, Command
from orchestrator.spoken import LONGEST_REASON, LONGEST_VERSION

Json = dict[str, Any]
_PART = re.compile(r"\{(\w+)\}")
_REASON: Json = {"type": "string", "maxLength": LONGEST_REASON, "description": "kept in the journal"}
_KEY: Json = {"type": "string", "maxLength": 100, "description": "makes a repeated call the same command"}
_LISTED = ("model", "env", "limit", "cursor")
_QUERIES: Mapping[str, Sequence[str]] = {
    "/api/slots": _LISTED,
    "/api/promotions": (*_LISTED, "phase", "verdict", "open"),
    "/api/slots/{model}/{env}/history": ("limit", "cursor"),
    "/api/deadletters": ("day", "limit"),
}
_BODIES: Mapping[str, tuple[Json, tuple[str, ...]]] = {
    "/api/promotions/{id}/vote": (
        {
            "decision": {"enum": ["approve", "reject"]},
            "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "the hash that was shown"},
            "comment": {"type": "string", "maxLength": 2000},
            "request": {"type": "integer", "description": "default: the latest"},
        },
        ("decision", "hash"),
    ),
    "/api/pause": ({"reason": _REASON}, ("reason",)),
    "/api/resume": ({"reason": _REASON}, ()),
    "/api/plan": ({"policy": {"type": "string", "description": "the text of greenlight.yaml"}}, ("policy",)),
    "/api/deadletters/{id}/replay": ({}, ()),
}
_MORE: Mapping[str, Json] = {
    "promote": {"version": {"type": "string", "minLength": 1, "maxLength": LONGEST_VERSION}},
    "retire": {"confirm": {"type": "string", "description": "the slot's name again: model@environment"}},
}
_ERROR: Json = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}


class HasRoute(Protocol):
    @property
    def pattern(self) -> str: ...
    @property
    def handlers(self) -> Mapping[str, object]: ...
    @property
    def public(self) -> bool: ...


def described(routes: Sequence[HasRoute]) -> Json:
    """The document. Pages are not part of it."""
    shown = [r for r in routes if r.pattern == "/healthz" or r.pattern.startswith("/api/")]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Greenlight", "version": "1", "description": "See docs/api.md for every field."},
        "paths": {r.pattern: {method.lower(): _operation(r, method) for method in r.handlers} for r in shown},
        "components": {
            "schemas": {"Error": _ERROR},
            "securitySchemes": {"entra": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: HasRoute, method: str) -> Json:
    names = _PART.findall(route.pattern)
    inside = [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]
    asked = [
        {"name": n, "in": "query", "schema": {"type": "string"}} for n in _QUERIES.get(route.pattern, ())
    ]
    answer: Json = {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}}
    wrong: Json = {
        "description": "`error.code` says what is wrong",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    operation: Json = {
        "operationId": "_".join([method.lower(), *(p.strip("{}") for p in route.pattern.split("/") if p)]),
        "responses": {"200": answer, "default": wrong},
        "security": [] if route.public else [{"entra": []}],
    }
    if inside or (asked and method == "GET"):
        operation["parameters"] = [*inside, *(asked if method == "GET" else [])]
    if method == "POST":
        operation["requestBody"] = _body(route.pattern)
        operation["responses"]["202"] = {**answer, "description": "accepted: the engine does it"}
    return operation


def _body(pattern: str) -> Json:
    properties, required = _BODIES.get(pattern) or _of_command(pattern)
    schema: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def _of_command(pattern: str) -> tuple[Json, tuple[str, ...]]:
    name = pattern.rpartition("/")[2]
    more = _MORE.get(name, {})
    needed = ("reason",) if Command(name) in NEEDS_REASON else ()
    key = {"key": _KEY} if pattern.startswith("/api/slots") else {}
    return {"reason": _REASON, **key, **more}, (*needed, *more)
