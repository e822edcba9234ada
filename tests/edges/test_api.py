"""The JSON API: shapes, filters, pages, and refusals in one shape."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.model import Phase, Reason, Verdict
from orchestrator.views import id_of
from tests.edges.world import ANA, BASE, HTML, World, signed_in


def follow(world: World, path: str, items: str) -> tuple[list[Any], int]:
    """All items, page after page, and how many pages there were."""
    found: list[Any] = []
    cursor, pages = "", 0
    while True:
        status, data = world.api(f"{path}{'&' if '?' in path else '?'}cursor={cursor}")
        assert status == 200, data
        found += data[items]
        pages += 1
        cursor = data["cursor"]
        if not cursor:
            return found, pages


def busy_world() -> World:
    """Five models in two environments with histories of different lengths."""
    world = World()
    for i in range(5):
        for env in ("dev", "qa"):
            for version in range(1, 4 + i):
                p = world.promotion(f"m{i}", env, str(version), phase=Phase.DEPLOYING)
                if version % 2:
                    world.end(p, Verdict.FAILED, Reason.GATE, "too low")
    return world


def test_a_slot_and_its_open_promotion_are_listed():
    world = World()
    p, request = world.asked()

    status, data = world.api("/api/slots")

    slot = data["slots"][0]
    assert (status, data["cursor"]) == (200, None)
    assert (slot["slot"], slot["serving"]["version"]) == ("titanic@qa", "1")
    assert slot["open"][0]["id"] == id_of(p)
    assert slot["open"][0]["request"] == {
        "k": 1,
        "state": "open",
        "approvals": 0,
        "required": 1,
        "expires_at": request.expires_at.isoformat().replace("+00:00", "Z"),
        "extensions": 0,
    }
    assert slot["open"][0]["explain"]["headline"] == "Waiting for approval: 0 of 1"


@pytest.mark.parametrize("limit", [1, 3, 7, 200])
def test_pages_put_together_are_the_whole_list_in_order(limit):
    world = busy_world()
    everything = follow(world, "/api/promotions", "promotions")[0]

    found, pages = follow(world, f"/api/promotions?limit={limit}", "promotions")

    assert [p["id"] for p in found] == [p["id"] for p in everything]
    assert len(found) == len({p["id"] for p in found}) == 2 * (3 + 4 + 5 + 6 + 7)
    assert pages == max(1, -(-len(found) // limit)) or limit == 200
    assert [p["n"] for p in found if (p["model"], p["environment"]) == ("m4", "qa")] == list(range(7, 0, -1))


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_slots_come_in_pages(limit):
    found, _ = follow(busy_world(), f"/api/slots?limit={limit}", "slots")

    assert [s["slot"] for s in found] == [f"m{i}@{env}" for i in range(5) for env in ("dev", "qa")]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("model=m1", 8),
        ("env=qa", 25),
        ("model=m1&env=qa", 4),
        ("open=true", 2 * (1 + 2 + 2 + 3 + 3)),
        ("open=false", 2 * (2 + 2 + 3 + 3 + 4)),
        ("verdict=failed&env=dev", 14),
        ("phase=deploying&model=m0", 2),
        ("phase=Gating", 0),
        ("model=nobody", 0),
        ("env=prod", 0),
        ("open=1&verdict=Failed", 0),
    ],
)
@pytest.mark.parametrize("limit", [2, 50])
def test_filters(query, count, limit):
    found, _ = follow(busy_world(), f"/api/promotions?{query}&limit={limit}", "promotions")

    assert len(found) == count


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("limit=٣", "limit"),
        ("cursor=x", "cursor"), ("cursor=W10", "cursor"), ("cursor=bnVsbA", "cursor"), ("open=maybe", "open"),
        ("phase=Nowhere", "Received"), ("verdict=Great", "Live"), ("colour=red", "colour"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(query, word):
    status, data = World().api(f"/api/promotions?{query}")

    assert (status, data["error"]["code"]) == (400, "invalid")
    assert word in data["error"]["message"]


def test_one_promotion_with_everything():
    world = World()
    p, request = world.asked()
    world.vote_api(p, {"decision": "approve", "comment": "fine", "hash": request.hash})

    _, data = world.api(f"/api/promotions/{id_of(p)}")

    found = data["promotion"]
    assert found["registration"]["commit"] == "0a1b2c3d"
    assert found["metrics"] == {"rows": 179.0, "test_auc": 0.8612}
    assert found["gates"][0]["verdict"] == "pass"
    assert found["requests"][0]["votes"][0]["comment"] == "fine"
    assert found["requests"][0]["rule"]["approvers"][0]["name"] == "ML leads"
    assert [row["what"] for row in found["journal"]] == ["promotion.opened", "approval.asked", "vote.approve"]
    assert not found["journal_cut"]


def test_numbers_that_are_none_become_null():
    world = World()
    p = world.promotion(metrics={"auc": float("nan"), "loss": float("inf")})

    _, data = world.api(f"/api/promotions/{id_of(p)}")

    assert data["promotion"]["metrics"] == {"auc": None, "loss": None}


def test_a_trail_is_found_behind_many_rows_of_other_promotions():
    world = World()
    p = world.promotion(version="1")
    world.clock.advance(60)
    other = world.promotion(version="2")
    for _ in range(450):
        world.end(other, Verdict.FAILED, Reason.GATE, "again")

    _, data = world.api(f"/api/promotions/{id_of(p)}")

    assert [row["what"] for row in data["promotion"]["journal"]] == ["promotion.opened"]
    assert not data["promotion"]["journal_cut"]


def test_history_comes_oldest_first_and_in_pages():
    world = World()
    world.asked()

    rows, pages = follow(world, "/api/slots/titanic/qa/history?limit=2", "history")

    assert [r["seq"] for r in rows] == [1, 2, 3, 4]
    assert pages == 3
    assert world.api("/api/slots/nothing/qa/history")[0] == 404


def test_dead_letters_are_listed_with_their_reason():
    world = World()
    world.dead.add("event", "not understood", {"token": "eyJsecretsecret.eyJsecretsecret.x"}, world.now)

    _, data = world.api("/api/deadletters")
    _, other = world.api("/api/deadletters?day=2020-01-01")

    assert data["deadletters"][0]["reason"] == "not understood"
    assert "secretsecret" not in json.dumps(data)
    assert other["deadletters"] == []
    assert world.api("/api/deadletters?day=yesterday")[0] == 400


def test_errors_of_the_api_are_json_even_for_a_browser():
    answer = World().app.handle("GET", f"{BASE}/api/nope", {**HTML, **signed_in(ANA)})

    assert answer.status == 404
    assert json.loads(answer.body) == {"error": {"code": "not_found", "message": "there is no such page"}}


def test_two_requests_of_one_promotion_are_both_shown():
    world = World()
    p, request = world.asked()
    world.vote_api(p, {"decision": "approve", "hash": request.hash})
    again = world.ask(replace(world.read(p), asks=1))

    _, data = world.api(f"/api/promotions/{id_of(p)}")

    assert [r["k"] for r in data["promotion"]["requests"]] == [1, again.k]
    assert [len(r["votes"]) for r in data["promotion"]["requests"]] == [1, 0]
