"""Operators by group: who carries it may command; who carries too many groups to list them may not."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from orchestrator.policy import load
from orchestrator.views import id_of
from shared.names import legal_name
from tests.edges.world import ANA, BASE, BEN, GROUP, POLICY, TENANT, World, signed_in

COMMANDS = ("abort", "hold", "resume", "pause", "replay")


@pytest.fixture
def world() -> World:
    """The operators of qa are a group that Ana carries, and no person by name."""
    world, policy = World(), copy.deepcopy(POLICY)
    policy["environments"][1]["operators"] = [{"name": "ML ops", "group": GROUP}]
    world.operating._policy = load(policy, {}, legal_name)
    return world


def overflowing(oid: str) -> dict[str, str]:
    """A sign-in whose groups did not fit: the claims that it does carry name the group all the same."""
    claims = [("oid", oid), ("tid", TENANT), ("groups", GROUP), ("hasgroups", "true")]
    return signed_in(oid, claims=[{"typ": t, "val": v} for t, v in claims])


def command(world: World, name: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    p = world.promotion()
    letter = world.dead.add("event", "not understood", {"id": "1"}, world.now)
    path = {
        "abort": f"promotions/{id_of(p)}/abort",
        "hold": "slots/titanic/qa/hold",
        "resume": "slots/titanic/qa/resume",
        "pause": "pause",
        "replay": f"deadletters/{letter.id}/replay",
    }[name]
    body = {} if name == "replay" else {"reason": "an incident"}
    sent = {"content-type": "application/json", **headers}
    answer = world.app.handle("POST", f"{BASE}/api/{path}", sent, json.dumps(body).encode())
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("name", COMMANDS)
def test_groups_that_could_not_be_listed_count_as_none(world, name):
    status, said = command(world, name, overflowing(ANA))

    assert status == 403
    assert "too many groups" in said["error"]["message"]


@pytest.mark.parametrize("name", COMMANDS)
def test_without_the_group_nobody_commands_and_with_it_one_does(world, name, monkeypatch):
    in_group, _ = command(world, name, signed_in(ANA))
    monkeypatch.setattr("tests.edges.world.GROUPS", {})
    removed, _ = command(world, name, signed_in(BEN))

    assert in_group != 403
    assert removed == 403
