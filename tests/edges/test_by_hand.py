"""Rollback, promote and retire over the API and the command line: asked for completely, by whom it may be."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator import cli
from orchestrator.model import SlotKey
from orchestrator.serving import Orphan, Rollback
from tests.edges.front import Front, serving
from tests.edges.test_api_commands import facts, post
from tests.edges.test_cli import run
from tests.edges.test_cli_commands import commands
from tests.edges.world import ANA, OUTSIDER, World

BEN = "token-ben"
SLOT = "/api/slots/titanic/qa"
BODIES = {
    "rollback": {"reason": "wrong scores"},
    "promote": {"version": "1"},
    "retire": {"reason": "no longer needed", "confirm": "titanic@qa"},
}


@pytest.fixture
def front() -> Iterator[Front]:
    with serving(World()) as server:
        yield server


@pytest.mark.parametrize("command", BODIES)
def test_a_command_is_accepted_once_for_each_key(command):
    world = World()
    world.asked()
    body = BODIES[command] | {"key": "ticket-1"}

    kinds = [post(world, f"{SLOT}/{command}", body)[1]["outcome"] for _ in range(2)]

    assert kinds == ["accepted", "repeated"]
    (fact,) = facts(world)
    assert (fact["command"], fact["reason"]) == (command, body.get("reason", ""))


@pytest.mark.parametrize("command", BODIES)
@pytest.mark.parametrize("oid", [ANA, OUTSIDER])
def test_nobody_but_operators(command, oid):
    world = World()
    world.asked()

    status, data = post(world, f"{SLOT}/{command}", BODIES[command], oid)

    assert (status, data["error"]["code"]) == (403, "not_allowed")
    assert facts(world) == []


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("rollback", {}),
        ("rollback", {"reason": " "}),
        ("rollback", {"reason": "x", "version": "1"}),
        ("promote", {}),
        ("promote", {"version": 1}),
        ("promote", {"version": "a/b"}),
        ("promote", {"version": "1", "confirm": "titanic@qa"}),
        ("retire", {"reason": "x"}),
        ("retire", {"reason": "x", "confirm": "titanic"}),
        ("retire", {"confirm": "titanic@qa"}),
    ],
    ids=str,
)
def test_what_is_not_said_completely_is_refused(command, body):
    world = World()
    world.asked()

    status, data = post(world, f"{SLOT}/{command}", body)

    assert (status, data["error"]["code"]) == (400, "invalid"), data
    assert facts(world) == []


def test_promote_needs_no_slot_yet_but_a_model_and_an_environment_of_the_pipeline():
    world = World()

    assert post(world, "/api/slots/churn/qa/promote", {"version": "1"})[0] == 202
    assert post(world, "/api/slots/churn/qa/rollback", {"reason": "x"})[0] == 202, "it has a row now"
    status, data = post(world, "/api/slots/other/qa/rollback", {"reason": "x"})
    assert status == 404
    assert "nothing has happened there yet" in data["error"]["message"]
    assert post(world, "/api/slots/churn/nowhere/promote", {"version": "1"})[0] in (403, 404)


def test_a_slot_says_what_it_would_go_back_to():
    world = World()
    world.asked()
    (slot,) = world.api("/api/slots")[1]["slots"]

    assert slot["previous"] is None
    assert (slot["rolling_back"], slot["retirement"], slot["orphaned"]) == (None, None, [])


def test_the_slots_page_says_what_is_ordered_and_what_is_left_over():
    world = World()
    world.asked()
    loaded = world.ledger.load(SlotKey("titanic", "qa"))
    assert loaded is not None
    before = loaded.state.slot.serving
    assert before is not None
    before = replace(before, version="0<b>")
    back = Rollback(by=ANA, name="Ana", reason="<i>bad</i>", at=world.now, to=before)
    left = Orphan(since=world.now, instance_type="DS3", instance_count=1, hourly="1 instance-hour of DS3")
    world.slot(
        SlotKey("titanic", "qa"), previous=before, rollback=back, orphaned={"v9": left}, orphans=("v9",)
    )

    page = world.get("/slots/titanic/qa").body.decode()

    assert "rolling back" in page
    assert "greenlight rollback titanic@qa" in page
    assert "1 instance-hour of DS3 each hour" in page
    assert "<i>bad" not in page
    assert "0<b>" not in page


def test_on_the_command_line(front, capsys):
    front.world.asked()

    assert run(front, "rollback", "titanic@qa", "--reason", "wrong scores", token=BEN) == cli.OK
    assert run(front, "promote", "titanic", "1.2.0", "qa", token=BEN) == cli.OK
    assert run(front, "retire", "titanic@qa", "--reason", "gone", "--yes", token=BEN) == cli.OK

    assert commands(front) == [("rollback", "wrong scores"), ("promote", ""), ("retire", "gone")]
    out = capsys.readouterr().out
    assert out.count("is accepted") == 3


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "code", "given"),
    [("titanic@qa\n", cli.OK, 1), ("yes\n", cli.USAGE, 0), ("\n", cli.USAGE, 0), ("", cli.USAGE, 0)],
)
def test_retire_asks_for_the_slots_name(front, capsys, monkeypatch, typed, code, given):
    front.world.asked()
    monkeypatch.setattr("sys.stdin", Terminal(typed))

    assert run(front, "retire", "titanic@qa", "--reason", "gone", token=BEN) == code

    assert "Type titanic@qa" in capsys.readouterr().err
    assert len(commands(front)) == given


def test_a_script_that_does_not_say_yes_retires_nothing(front, monkeypatch):
    front.world.asked()
    monkeypatch.setattr("sys.stdin", io.StringIO("titanic@qa\n"))

    assert run(front, "retire", "titanic@qa", "--reason", "gone", token=BEN) == cli.USAGE
    assert commands(front) == []


@pytest.mark.parametrize(
    "argv",
    [("rollback", "titanic@qa"), ("promote", "titanic", "1"), ("retire", "titanic@qa", "--yes")],
    ids=" ".join,
)
def test_what_is_missing_is_not_sent(front, argv):
    front.world.asked()

    assert run(front, *argv, token=BEN) == cli.USAGE
    assert [path for method, path, _ in front.seen if method == "POST"] == []
