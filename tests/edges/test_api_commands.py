"""Operators over the JSON API: who may, what is accepted, what a foreign page cannot send, and verify."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.model import FactKind, Reason, SlotKey, Verdict
from orchestrator.views import id_of
from tests.edges.world import ANA, BASE, BEN, OUTSIDER, World, signed_in

KEY = SlotKey("titanic", "qa")
OF_SLOT = ("hold", "resume", "adopt", "restore")


def post(
    world: World, path: str, body: object = None, oid: str = BEN, **headers: str
) -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    sent = {"content-type": "application/json", **signed_in(oid), **headers}
    answer = world.app.handle("POST", f"{BASE}{path}", sent, raw)
    return answer.status, json.loads(answer.body)


def facts(world: World) -> list[dict[str, Any]]:
    loaded = world.ledger.load(KEY)
    return [dict(f.detail) for f in loaded.state.facts.values()] if loaded else []


def test_an_operator_aborts_a_promotion_once():
    world = World()
    p, _ = world.asked()

    first = post(world, f"/api/promotions/{id_of(p)}/abort", {"reason": "wrong data"})
    again = post(world, f"/api/promotions/{id_of(p)}/abort", {"reason": "wrong data"})

    assert (first[0], first[1]["outcome"]) == (202, "accepted")
    assert (again[0], again[1]["outcome"]) == (200, "repeated")
    assert [(f["command"], f["reason"], f["name"]) for f in facts(world)] == [
        ("abort", "wrong data", "Ben Approver")
    ]


def test_what_has_ended_can_be_retried_and_not_aborted():
    world = World()
    p = world.promotion()
    world.end(p, Verdict.REJECTED, Reason.REJECTED, "no")

    status, data = post(world, f"/api/promotions/{id_of(p)}/abort")
    assert (status, data["error"]["code"]) == (409, "closed")
    assert post(world, f"/api/promotions/{id_of(p)}/retry")[0] == 202
    (fact,) = facts(world)
    assert fact["registration"]["version"] == "2"


def test_what_is_open_is_not_retried():
    world = World()
    p, _ = world.asked()

    status, data = post(world, f"/api/promotions/{id_of(p)}/retry")

    assert (status, data["error"]["code"]) == (409, "closed")


@pytest.mark.parametrize("command", OF_SLOT)
def test_a_slot_takes_commands_with_a_reason_and_a_key(command):
    world = World()
    world.asked()
    body = {"reason": "incident 4711", "key": "ticket-1"}

    kinds = [post(world, f"/api/slots/titanic/qa/{command}", body)[1]["outcome"] for _ in range(2)]
    assert kinds == ["accepted", "repeated"]
    assert post(world, f"/api/slots/titanic/qa/{command}", {"reason": "x"})[0] == 202

    loaded = world.ledger.load(KEY)
    assert loaded is not None
    assert {f.kind for f in loaded.state.facts.values()} == {FactKind.COMMANDED}
    assert len(loaded.state.slot.pending) == 2


@pytest.mark.parametrize("command", ["hold", "adopt"])
@pytest.mark.parametrize("reason", ["", "  ", None])
def test_a_reason_is_asked_for_where_it_is_kept(command, reason):
    world = World()
    world.asked()

    status, data = post(
        world, f"/api/slots/titanic/qa/{command}", {} if reason is None else {"reason": reason}
    )

    assert (status, data["error"]["code"]) == (400, "invalid")
    assert facts(world) == []


def paths(world: World) -> list[str]:
    p, _ = world.asked()
    ended = world.promotion(version="1")
    world.end(ended, Verdict.REJECTED, Reason.REJECTED, "no")
    letter = world.dead.add("event", "not understood", {"a": 1}, world.now)
    return [
        f"/api/promotions/{id_of(p)}/abort",
        f"/api/promotions/{id_of(ended)}/retry",
        *(f"/api/slots/titanic/qa/{command}" for command in OF_SLOT),
        "/api/pause",
        "/api/resume",
        f"/api/deadletters/{letter.id}/replay",
    ]


@pytest.mark.parametrize("oid", [ANA, OUTSIDER])
def test_approvers_and_strangers_are_no_operators(oid):
    world = World()

    for path in paths(world):
        status, data = post(world, path, {} if path.endswith("replay") else {"reason": "x"}, oid)
        assert (status, data["error"]["code"]) == (403, "not_allowed"), path
    assert facts(world) == []
    assert world.operating.paused() is None


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"sec-fetch-site": "cross-site"},
        {"x-ms-client-principal": ""},
    ],
)
def test_what_a_foreign_page_could_send_commands_nothing(headers):
    world = World()

    for path in paths(world):
        assert post(world, path, {"reason": "x"}, **headers)[0] in (400, 401, 403), path
        assert world.app.handle("GET", f"{BASE}{path}", signed_in(BEN)).status == 405
    assert facts(world) == []
    assert world.operating.paused() is None


def test_without_sign_in_nobody_commands():
    world = World(auth_enabled=False)

    for path in paths(world):
        assert post(world, path, {"reason": "x"})[0] == 401, path


@pytest.mark.parametrize("body", [b"[]", b"{", b"", {"reason": 7}, {"reason": "x" * 501}, {"reasons": "x"}])
def test_a_wrong_body_is_refused(body):
    world = World()

    for path in paths(world):
        assert post(world, path, body)[0] == 400, path
    assert facts(world) == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/slots/titanic/prod/hold",
        "/api/slots/churn/qa/hold",
        "/api/slots/titanic/QA/hold",
        "/api/promotions/titanic.qa.2.99/abort",
        "/api/promotions/nonsense/abort",
    ],
)
def test_what_does_not_exist_is_not_commanded(path):
    world = World()
    world.asked()

    assert post(world, path, {"reason": "x"})[0] in (403, 404)


def test_pause_and_resume_show_everywhere():
    world = World()
    world.asked()

    assert post(world, "/api/pause", {"reason": "freeze <b>"})[1]["outcome"] == "done"
    paused = world.api("/api/slots")[1]["paused"]
    page = world.get("/").body.decode()
    assert (paused["reason"], paused["name"]) == ("freeze <b>", "Ben Approver")
    assert "freeze &lt;b&gt;" in page
    assert "greenlight resume --all" in page

    assert post(world, "/api/resume")[1]["outcome"] == "done"
    assert world.api("/api/slots")[1]["paused"] is None
    assert "greenlight resume --all" not in world.get("/").body.decode()


def test_a_slot_page_shows_a_hold_and_what_was_changed_by_hand():
    from orchestrator.model import Foreign

    world = World()
    world.asked()
    world.slot(
        KEY, foreign=Foreign(sentence="traffic is x<y 100 %", traffic={"x": 100}, at=world.now), hold="wait"
    )

    page, board = world.get("/slots/titanic/qa").body.decode(), world.get("/").body.decode()

    for html in (page, board):
        assert "x&lt;y 100 %" in html
        assert "changed by hand" in html
    assert "greenlight restore titanic@qa" in page
    slot = world.api("/api/slots?model=titanic&env=qa")[1]["slots"][0]
    assert (slot["foreign"]["seen"], slot["foreign"]["restoring"]) == ({"x": 100}, False)
