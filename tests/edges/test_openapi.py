"""The API's description is made from its routes, and what it says of a body is what the door takes."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.web.app import ROUTES
from tests.edges.test_api_commands import post
from tests.edges.world import World


def document() -> dict[str, Any]:
    status, found = World().api("/api/openapi.json")
    assert status == 200
    return found


def bodies() -> dict[str, dict[str, Any]]:
    return {
        path: methods["post"]["requestBody"]["content"]["application/json"]["schema"]
        for path, methods in document()["paths"].items()
        if "post" in methods
    }


def test_every_route_of_the_api_is_in_it():
    paths = document()["paths"]
    told = {(path, method.upper()) for path, methods in paths.items() for method in methods}

    assert told == {
        (r.pattern, m) for r in ROUTES if r.pattern.startswith(("/api/", "/healthz")) for m in r.handlers
    }
    ids = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("command", ["hold", "resume", "adopt", "restore", "promote", "rollback", "retire"])
def test_a_slots_command_takes_exactly_what_is_said(command: str):
    world = World()
    world.asked()
    schema = bodies()[f"/api/slots/{{model}}/{{env}}/{command}"]
    values = {"reason": "because", "key": "1", "version": "1", "confirm": "titanic@qa"}
    whole = {name: values[name] for name in schema["properties"]}
    path = f"/api/slots/titanic/qa/{command}"

    for name in schema.get("required", ()):
        less = {k: v for k, v in whole.items() if k != name}
        assert post(world, path, less)[0] == 400, f"without {name}"
    least = {name: whole[name] for name in schema.get("required", ())}
    assert post(world, path, least)[0] == 202
    assert post(world, path, whole)[0] == 202
    assert post(world, path, {**whole, "more": 1})[0] == 400


def test_what_is_public_needs_no_sign_in():
    paths = document()["paths"]

    assert paths["/healthz"]["get"]["security"] == []
    assert paths["/api/slots"]["get"]["security"] == [{"entra": []}]
