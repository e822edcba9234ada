"""Rows of a newer release, broken rows, rows that are gone: one slot stops and says why, no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.app import web_of
from orchestrator.model import SCHEMA, Phase
from shared.store import Delete, Merge, Value
from tests.edges.world import signed_in
from tests.engine.test_edges import asked, live
from tests.engine.town import ANA, DEV, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def change(town: Town, key: str, **values: Value) -> None:
    town.store.table("slots").commit("titanic@qa", [Merge(key, values)])


BROKEN: list[tuple[str, dict[str, Value], str]] = [
    ("slot", {"schema": SCHEMA + 1}, "this release reads up to"),
    ("slot", {"open": "{"}, "cannot be read as Slot"),
    ("p~0000000001", {"schema": SCHEMA + 1}, "this release reads up to"),
    ("p~0000000001", {"registration": "[]"}, "cannot be read as Promotion"),
]


@pytest.mark.parametrize(("key", "values", "said"), BROKEN)
def test_a_slot_with_such_a_row_is_left_alone_and_the_others_go_on(
    town: Town, key: str, values: dict[str, Value], said: str
) -> None:
    asked(town, "1")
    change(town, key, **values)
    before = {r.key: r.values for r in town.store.table("slots").query("titanic@qa")}

    town.app.engine.wake(QA)
    for _ in range(3):
        town.sweep()
    asked(town, "2", content="others")

    after = {r.key: r.values for r in town.store.table("slots").query("titanic@qa")}
    assert {k: after[k] for k in before if k != "slot"} == {k: before[k] for k in before if k != "slot"}
    serving = town.state(DEV).slot.serving
    assert serving is not None
    assert serving.version == "2"
    listed = _api(town, "/api/slots")["slots"]
    assert {s["environment"] for s in listed} == {"dev", "qa"}
    assert said in json.dumps(listed)
    assert _api(town, "/api/promotions")["promotions"]


@pytest.mark.parametrize("key", ["slot"])
def test_a_slot_row_that_vanished_crashes_nothing(town: Town, key: str) -> None:
    asked(town, "1")
    row = town.store.table("slots").get("titanic@qa", key)
    assert row is not None
    town.store.table("slots").commit("titanic@qa", [Delete(key, row.etag)])

    town.app.engine.wake(QA)
    for _ in range(3):
        town.sweep()

    assert town.app.ledger.load(QA) is None
    assert {s["environment"] for s in _api(town, "/api/slots")["slots"]} == {"dev"}


def test_a_promotion_whose_model_is_archived_at_the_source_still_waits_for_people(town: Town) -> None:
    live(town, "1")
    asked(town, "2")
    town.dev.archive("titanic", "2")

    for _ in range(3):
        town.sweep()

    assert town.state(QA).promotions[2].phase is Phase.AWAITING_APPROVAL, "its bytes are frozen"


def _api(town: Town, path: str) -> dict[str, list[dict[str, object]]]:
    answer = web_of(town.app).handle("GET", f"https://greenlight.example{path}", signed_in(ANA.oid))
    assert answer.status == 200, answer.body
    return json.loads(answer.body)
