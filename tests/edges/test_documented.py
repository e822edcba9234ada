"""What the interface documents say is what the code does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.cli import main
from orchestrator.messages import Claims, Envelope
from orchestrator.notices import message_of
from orchestrator.views import id_of
from orchestrator.web.app import ROUTES
from tests.edges.telling import asking, ending
from tests.edges.world import BASE, World

DOCS = Path(__file__).parents[2] / "docs"
API = (DOCS / "api.md").read_text()
MESSAGES = (DOCS / "messages.md").read_text()


def names(value: object) -> set[str]:
    if isinstance(value, list):
        return {n for item in value for n in names(item)}
    return set(value) | {n for v in value.values() for n in names(v)} if isinstance(value, dict) else set()


def test_every_field_of_an_answer_is_documented():
    world = World()
    p, request = world.asked()
    world.vote_api(p, {"decision": "approve", "hash": request.hash})
    paths = ("/api/slots", "/api/slots/titanic/qa/history", f"/api/promotions/{id_of(p)}")
    answers = [world.api(path) for path in paths]
    free = {"test_auc", "rows"}  # metrics have names of their own

    missing = {n for _, data in answers for n in names(data) if f"`{n}`" not in API and f'"{n}"' not in API}

    assert missing - free == set()


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.pattern.startswith("/api")], ids=lambda r: r.pattern
)
def test_every_api_route_is_documented(route):
    for method in route.handlers:
        assert f"`{method} {route.pattern}`" in API


def test_every_field_of_the_messages_is_documented():
    world = World()
    asked, ended = asking(world), ending(world)
    sent = [json.loads(message_of(telling, base_url=BASE)) for telling in (asked, ended)]

    assert {n for n in names(sent) if f'"{n}"' not in MESSAGES} == set()
    taken = {n for model in (Envelope, Claims) for n in model.model_fields}
    assert {n for n in taken if f'"{n}"' not in MESSAGES and f"`{n}`" not in MESSAGES} == set()


def test_every_exit_code_of_the_help_is_documented(capsys):
    main(["--help"], {})
    said = capsys.readouterr().out

    for code in range(7):
        assert f"{code} " in said
        assert f"| {code} |" in API
