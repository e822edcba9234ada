"""Corrupt, foreign and newer rows beside those of the slots: told, and no slot waits for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator import triggers
from orchestrator.app import build, web_of
from orchestrator.approval import Decision
from orchestrator.model import SCHEMA, Phase
from orchestrator.sources import MEND_WATERMARK
from shared.store import Delete, Insert, Merge, Put, Value
from tests.edges.world import HTML, signed_in
from tests.engine.test_edges import asked
from tests.engine.town import ANA, DEV, QA, Town, settings

FOREIGN: dict[str, Value] = {"hello": "from another tool"}
NEWER: dict[str, Value] = {"schema": SCHEMA + 1}


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def restart(town: Town, root: Path) -> None:
    """A process that remembers nothing."""
    town.app = build(settings(), town.app.policy, town.ports, root)


def get(town: Town, path: str) -> tuple[int, str]:
    headers = {**(HTML if not path.startswith("/api") else {}), **signed_in(ANA.oid)}
    answer = web_of(town.app).handle("GET", f"https://greenlight.example{path}", headers)
    return answer.status, answer.body.decode()


@pytest.mark.parametrize("values", [FOREIGN, NEWER, {"schema": 1, "since": "yesterday"}])
def test_a_watermark_that_cannot_be_read_stops_the_listing_and_no_slot(
    town: Town, tmp_path: Path, values: dict[str, Value]
) -> None:
    town.sweep()
    town.store.table("sources").commit("dev", [Put("watermark", values)])
    restart(town, tmp_path)
    run = town.event("1") | {
        "eventType": "Microsoft.MachineLearningServices.RunCompleted",
        "data": {"runId": town.register("1").tags["run_id"]},
    }

    triggers.model_event(town.app, run)
    town.queues.messages.clear()
    for _ in range(4):
        town.sweep()

    assert town.state(QA).promotions[1].phase is Phase.AWAITING_APPROVAL, "healed by its run, woken by sweeps"
    mark = town.store.table("sources").get("dev", "watermark")
    assert mark is not None
    assert mark.values == values, "left alone"
    (flaw,) = [f for f in town.app.condition.flaws() if f.where == "the watermark"]
    assert flaw.fix == MEND_WATERMARK

    town.store.table("sources").commit("dev", [Delete("watermark", mark.etag)])
    town.clock.advance(60)
    town.sweep()
    assert not [f for f in town.app.condition.flaws() if f.where == "the watermark"]
    town.register("2")
    for _ in range(70):
        town.sweep()
    assert town.promotion(2, DEV).registration.version == "2", "and listings find what no event told of"


@pytest.mark.parametrize("values", [FOREIGN, NEWER])
def test_a_run_that_cannot_be_read_keeps_no_other_run_waiting(town: Town, values: dict[str, Value]) -> None:
    sources = town.store.table("sources")
    sources.commit("dev", [Insert("run~bad", values), Insert("todo~bad", {"schema": 1, "run_id": "bad"})])
    sources.commit("dev", [Insert("todo~a", FOREIGN)])
    run = town.event("1") | {
        "eventType": "Microsoft.MachineLearningServices.RunCompleted",
        "data": {"runId": town.register("1").tags["run_id"]},
    }

    triggers.model_event(town.app, run)
    town.settle()

    assert town.state(QA).promotions[1].phase is Phase.AWAITING_APPROVAL


def test_what_is_no_slot_among_the_names_of_slots_hides_none(town: Town) -> None:
    asked(town, "1")
    town.store.table("open").commit("known", [Insert("hello", FOREIGN), Insert("=@dev", FOREIGN)])

    assert get(town, "/")[0] == 200
    listed = json.loads(get(town, "/api/slots")[1])["slots"]
    assert {s["environment"] for s in listed} == {"dev", "qa"}
    town.app.anchoring.write()
    (anchor,) = town.ports.anchors.list("")
    assert b"titanic@qa" in town.ports.anchors.read(anchor, 0, anchor.size)


def test_rows_of_others_in_the_open_index_keep_no_slot_from_being_woken(town: Town) -> None:
    asked(town, "1")
    past = town.clock.now()
    for n in range(5):
        town.store.table("open").commit("open", [Put(f"{n} hello", {**FOREIGN, "due": past})])
    town.queues.messages.clear()
    town.vote(ANA, Decision.APPROVE)
    town.queues.messages.clear()

    for _ in range(4):
        town.sweep()

    serving = town.state(QA).slot.serving
    assert serving is not None
    assert serving.version == "1"


def test_what_a_newer_release_keeps_in_the_open_index_stays_there(town: Town) -> None:
    index = town.store.table("open")
    asked(town, "1")
    index.commit("open", [Merge("titanic@qa", {**NEWER, "shard": "7", "due": town.clock.now()})])
    town.queues.messages.clear()
    town.clock.advance(180)

    triggers.sweep(town.app)
    leased = index.get("open", "titanic@qa")
    town.settle()

    planned = index.get("open", "titanic@qa")
    assert leased is not None
    assert planned is not None
    assert (leased.values["sent"], planned.values["sent"]) == (1, 0), "it was looked at"
    for row in (leased, planned):
        assert (row.values["schema"], row.values["shard"]) == (SCHEMA + 1, "7")


@pytest.mark.parametrize("values", [FOREIGN, NEWER, {"schema": 1, "at": "yesterday"}])
def test_a_dead_letter_that_cannot_be_read_hides_no_other(town: Town, values: dict[str, Value]) -> None:
    triggers.model_event(town.app, "not even an object")
    (letter,) = town.app.dead.listed(None, 10, now=town.clock.now())
    town.store.table("deadletters").commit(letter.day, [Insert("20260105-0123456789ab", values)])

    status, text = get(town, "/api/deadletters")

    found = {x["id"]: x for x in json.loads(text)["deadletters"]}
    assert status == 200
    assert found[letter.id]["reason"] == letter.reason
    broken = found["20260105-0123456789ab"]
    assert broken["reason"].startswith("row 20260105-0123456789ab of table deadletters")
    assert not broken["replayable"]


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("in~event=20event-titanic-1", FOREIGN),
        ("p~0000000001~r~001~v~ana", {"schema": SCHEMA + 1}),
        ("p~0000000001~r~001~v~ana", FOREIGN),
    ],
)
def test_a_vote_or_an_accepted_fact_that_cannot_be_read_stops_its_slot_alone(
    town: Town, key: str, values: dict[str, Value]
) -> None:
    asked(town, "1")
    at = "titanic@qa" if key.startswith("p~") else "titanic@dev"
    if key.startswith("in~"):
        town.store.table("slots").commit(
            at, [Merge("slot", {"pending": json.dumps(["event event-titanic-1"])})]
        )
    town.store.table("slots").commit(at, [Put(key, values)])

    for wake in (DEV, QA):
        town.app.engine.wake(wake)
    for _ in range(3):
        town.sweep()

    listed = json.loads(get(town, "/api/slots")[1])["slots"]
    said = {f"{s['model']}@{s['environment']}": s["unreadable"] for s in listed}
    assert said.pop(at)
    assert list(said.values()) == [None]
    assert get(town, f"/slots/titanic/{at.partition('@')[2]}")[0] == 200
