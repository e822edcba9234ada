"""Dead letters over the JSON API: replayed through their door, once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.model import SlotKey
from orchestrator.views import id_of
from tests.edges.test_api_commands import KEY, post
from tests.edges.world import ANA, World


def event(world: World) -> dict[str, Any]:
    workspace = world.intake._policy.source.workspace
    return {
        "id": "e1", "topic": workspace, "subject": "models/titanic:5", "eventTime": "2026-01-05T09:00:00Z",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "data": {"ModelName": "titanic", "ModelVersion": "5"},
    }  # fmt: skip


def test_a_letter_goes_through_its_door_again_and_twice_is_once():
    world = World()
    letter = world.dead.add("event", "an older release did not understand it", event(world), world.now)

    answers = [post(world, f"/api/deadletters/{letter.id}/replay") for _ in range(2)]

    assert [a[1]["outcome"] for a in answers] == ["accepted", "repeated"]
    loaded = world.ledger.load(SlotKey("titanic", "dev"))
    assert loaded is not None
    assert len(loaded.state.slot.pending) == 1
    assert world.api("/api/deadletters")[1]["deadletters"][0]["replayed"]


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        ("event", {"a": 1}),
        ("event", "not json"),
        ("approval-decisions", "{}"),
        ("wakes", "rubbish"),
        ("elsewhere", "{}"),
    ],
)
def test_a_letter_that_still_means_nothing_stays_one_letter(source, payload):
    world = World()
    letter = world.dead.add(source, "why", payload, world.now)
    world.clock.advance(86400)

    status, data = post(world, f"/api/deadletters/{letter.id}/replay")

    assert (status, data["error"]["code"]) == (409, "closed")
    letters = world.api("/api/deadletters")[1]["deadletters"]
    assert [(x["id"], x["replayed"]) for x in letters] == [(letter.id, None)]


@pytest.mark.parametrize("source", ["approval-decisions", "approval-decisions-poison"])
def test_a_vote_is_never_replayed_from_dead_letters(source):
    world = World()
    p, request = world.asked()
    from tests.edges.world import TENANT

    vote = {
        "version": 1, "kind": "approval.decided", "promotion": id_of(p), "number": 1, "hash": request.hash,
        "decision": "approve", "approver": f"{TENANT}/{ANA}",
    }  # fmt: skip
    letter = world.dead.add(source, "whatever the reason was", json.dumps(vote), world.now)

    status, data = post(world, f"/api/deadletters/{letter.id}/replay")

    assert (status, data["error"]["code"]) == (409, "closed")
    assert "a vote is never replayed from dead letters" in data["error"]["message"]
    assert world.ledger.votes(KEY, p.n, 1) == ()


@pytest.mark.parametrize("name", ["20260105-0123456789ab", "nonsense", "..", "20260105-XYZ"])
def test_no_such_letter(name):
    assert post(World(), f"/api/deadletters/{name}/replay")[0] == 404
