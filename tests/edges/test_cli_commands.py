"""Operators on the command line: one POST each, the answer in words, the outcome in the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from orchestrator import cli
from orchestrator.model import Reason, SlotKey, Verdict
from orchestrator.views import id_of
from shared.store import Row
from tests.edges.front import Front, serving
from tests.edges.test_cli import run
from tests.edges.world import World

KEY = SlotKey("titanic", "qa")
BEN = "token-ben"


@pytest.fixture
def front() -> Iterator[Front]:
    with serving(World()) as server:
        yield server


def commands(front: Front) -> list[tuple[str, str]]:
    loaded = front.world.ledger.load(KEY)
    facts = loaded.state.facts.values() if loaded else ()
    return [(str(f.detail["command"]), str(f.detail["reason"])) for f in facts]


def test_abort_and_retry_name_a_promotion(front, capsys):
    p, _ = front.world.asked()
    ended = front.world.promotion(version="1")
    front.world.end(ended, Verdict.REJECTED, Reason.REJECTED, "no")

    assert run(front, "abort", id_of(p), "--reason", "wrong data", token=BEN) == cli.OK
    assert run(front, "retry", id_of(ended), "--json", token=BEN) == cli.OK

    out = capsys.readouterr().out
    assert "abort is accepted" in out
    assert '"outcome": "accepted"' in out
    assert sorted(commands(front)) == [("abort", "wrong data"), ("retry", "")]


@pytest.mark.parametrize("command", ["hold", "adopt", "restore", "resume"])
def test_a_slot_is_commanded_by_its_name(front, command):
    front.world.asked()

    assert run(front, command, "titanic@qa", "--reason", "incident 4711", token=BEN) == cli.OK
    assert run(front, command, "titanic@qa", "--reason", "incident 4711", token=BEN) == cli.OK

    assert commands(front) == [(command, "incident 4711")] * 2, "each call is a command of its own"


def test_a_key_makes_a_repeated_call_the_same_command(front, capsys):
    front.world.asked()

    for _ in range(2):
        assert run(front, "hold", "titanic@qa", "--reason", "x", "--key", "ticket-7", token=BEN) == cli.OK

    assert len(commands(front)) == 1
    assert "accepted before" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        ("hold", "titanic@qa"),
        ("adopt", "titanic@qa"),
        ("pause",),
        ("resume",),
        ("resume", "titanic@qa", "--all"),
        ("hold", "titanic", "--reason", "x"),
        ("abort",),
        ("verify",),
    ],
    ids=" ".join,
)
def test_what_is_not_said_completely_is_not_sent(front, argv):
    front.world.asked()

    assert run(front, *argv, token=BEN) == cli.USAGE
    assert commands(front) == []
    assert [path for method, path, _ in front.seen if method == "POST"] == []


def test_who_is_no_operator_is_told_and_leaves_with_2(front, capsys):
    front.world.asked()

    assert run(front, "hold", "titanic@qa", "--reason", "x", token="token-ana") == cli.NO
    assert "not among the operators of qa" in capsys.readouterr().err


def test_pause_shows_in_the_status_until_everything_is_resumed(front, capsys):
    front.world.asked()

    assert run(front, "pause", "--reason", "freeze", token=BEN) == cli.OK
    assert run(front, "status", token=BEN) == cli.OK
    assert "Everything is paused" in capsys.readouterr().out
    assert run(front, "resume", "--all", token=BEN) == cli.OK
    assert run(front, "status", "--json", token=BEN) == cli.OK
    assert json.loads(capsys.readouterr().out.partition("\n")[2])["paused"] is None


def test_replay_names_a_letter(front, capsys):
    letter = front.world.dead.add("wakes-poison", "why", '{"v":1,"wake":"titanic@qa"}', front.world.now)

    assert run(front, "replay", token=BEN) == cli.OK
    assert f"{letter.id}  " in capsys.readouterr().out
    assert run(front, "replay", letter.id, token=BEN) == cli.OK
    assert "titanic@qa is looked at again" in capsys.readouterr().out
    assert run(front, "replay", token=BEN) == cli.OK
    assert "No dead letter waits" in capsys.readouterr().out
    assert run(front, "replay", "20260105-0123456789ab", token=BEN) == cli.USAGE


def test_verify_says_what_it_found_and_what_it_cannot(front, capsys):
    front.world.asked()

    assert run(front, "verify", "titanic@qa") == cli.OK
    good = capsys.readouterr().out
    rows = front.world.store.table("slots").rows["titanic@qa"]
    key = "journal~0000000002"
    rows[key] = Row(key, {**rows[key].values, "why": "\x1b[31mnothing"}, "x")
    assert run(front, "verify", "titanic@qa") == cli.NO
    bad = capsys.readouterr().out

    assert "4 rows, nothing was changed" in good
    assert "It cannot prove:" in good
    assert "✗ row 2 was edited" in bad
    assert run(front, "verify", "churn@qa") == cli.USAGE
