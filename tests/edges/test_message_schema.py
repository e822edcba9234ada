"""Every message on `approval-requests` is as docs/approval-requests.schema.json says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from orchestrator.approval import Decision
from orchestrator.notices import message_of
from orchestrator.outbox import NoticeKind
from shared.notify.queue import approval_requested, noticed
from shared.queues import APPROVAL_REQUESTS
from tests.edges.telling import asking, ending
from tests.edges.test_cards import BASE, HOSTILE, NOTICE, hostile_ask
from tests.edges.world import World
from tests.engine.town import ANA, Town

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "approval-requests.schema.json").read_text())
EXAMPLES = re.findall(r"```json\n(.*?)```", (DOCS / "messages.md").read_text(), re.DOTALL)


def wrong(message: Any) -> list[str]:
    """What the schema says against it."""
    which = "requested" if message.get("kind") == "approval.requested" else "noticed"
    named = {**SCHEMA, "oneOf": [{"$ref": f"#/$defs/{which}"}]}
    return [f"{e.json_path}: {e.message}" for e in Draft202012Validator(named).iter_errors(message)]


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_is_as_the_schema_says(kind: NoticeKind) -> None:
    world = World()
    telling = asking(world, kind) if kind.asks else ending(world, kind)

    assert wrong(json.loads(message_of(telling, base_url=BASE))) == []


def test_superseded_and_repeated_is_as_the_schema_says() -> None:
    telling = ending(World(), NoticeKind.SUPERSEDED)
    telling = replace(telling, repeat=True, notice=replace(telling.notice, newer_n=3, newer_version="1.2.0"))

    assert wrong(json.loads(message_of(telling, base_url=BASE))) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_as_the_schema_says(text: str) -> None:
    page = f"{BASE}/promotions/titanic.qa.2.1"

    assert wrong(json.loads(approval_requested(hostile_ask(text), url=page))) == []
    assert wrong(json.loads(noticed(replace(NOTICE, sentence=text * 50, title=text), url=page))) == []


def test_a_promotion_told_from_end_to_end_is_as_the_schema_says(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.register("1")
    town.announce("1")
    town.settle()
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    sent = town.queues.parsed(APPROVAL_REQUESTS)

    assert len(sent) == 3
    assert [wrong(message) for message in sent] == [[], [], []]


def test_the_examples_of_the_documentation_have_the_fields_that_the_schema_names() -> None:
    sent = [
        json.loads(text)
        for text in EXAMPLES
        if '"approval.requested"' in text or '"approval.noticed"' in text
    ]

    assert len(sent) == 2
    for message in sent:
        which = SCHEMA["$defs"]["requested" if message["kind"] == "approval.requested" else "noticed"]
        assert set(message) == set(which["required"])
        assert set(message) | {"shortened"} == set(which["properties"])
