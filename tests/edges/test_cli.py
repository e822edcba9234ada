"""The CLI by argv, against the real pages behind a real HTTP server on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from orchestrator import cli
from orchestrator.model import Phase, Reason, SlotKey, Verdict
from orchestrator.views import id_of
from tests.edges.front import Front, serving
from tests.edges.world import World


@pytest.fixture
def front() -> Iterator[Front]:
    with serving(World()) as server:
        yield server


def run(front: Front, *argv: str, token: str = "token-ana") -> int:  # noqa: S107 -- a made-up one
    return cli.main(argv, {"GREENLIGHT_BASE_URL": front.url, "GREENLIGHT_TOKEN": token})


def test_status_shows_what_serves_and_what_is_under_way(front, capsys):
    p, _ = front.world.asked()
    front.world.promotion("churn", "dev", "14")
    front.world.slot(SlotKey("churn", "dev"), hold="incident 4711")

    assert run(front, "status") == cli.OK

    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["MODEL", "ENV", "SERVING", "SINCE", "PROMOTION", "STATE", "WHY"]
    assert id_of(p) in out
    assert "Waiting for approval: 0 of 1" in out
    assert "incident 4711" in out


def test_status_follows_pages_and_filters(front, capsys):
    for i in range(130):
        front.world.promotion(f"m{i:03d}", "dev", "1")

    assert run(front, "status", "--json") == cli.OK
    assert len(json.loads(capsys.readouterr().out)["slots"]) == 130

    assert run(front, "status", "--model", "m007", "--json") == cli.OK
    assert [s["model"] for s in json.loads(capsys.readouterr().out)["slots"]] == ["m007"]


def test_an_empty_status_says_so(front, capsys):
    assert run(front, "status") == cli.OK
    assert "No model has been registered yet" in capsys.readouterr().out


def test_show_explain_and_history(front, capsys):
    p, _ = front.world.asked()

    assert run(front, "show", id_of(p)) == cli.OPEN
    shown = capsys.readouterr().out
    assert run(front, "explain", id_of(p)) == cli.OPEN
    explained = capsys.readouterr().out
    assert run(front, "history", "titanic@qa") == cli.OK
    history = capsys.readouterr().out
    assert run(front, "history", "titanic@qa", "--last", "1") == cli.OK
    last = capsys.readouterr().out

    for part in (
        "titanic v2 → qa",
        "✓ test_auc",
        "0.8612",
        "brave_sun_x1",
        "0 of 1 approvals",
        "approval.asked",
    ):
        assert part in shown, part
    assert "Waiting for approval: 0 of 1" in explained
    assert len(history.splitlines()) == 4
    assert last.splitlines() == history.splitlines()[-1:]


@pytest.mark.parametrize("verb", ["show", "explain"])
def test_json_is_json(front, capsys, verb):
    p, _ = front.world.asked()

    run(front, verb, id_of(p), "--json")

    assert json.loads(capsys.readouterr().out)["id"] == id_of(p)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_exit_code_tells_the_outcome(front, verdict):
    p = front.world.promotion()
    front.world.end(p, verdict, Reason.LIVE, "because")
    good, neutral = {Verdict.LIVE, Verdict.UNCHANGED}, {Verdict.SUPERSEDED, Verdict.EXPIRED}
    expected = cli.OK if verdict in good else cli.NO_EFFECT if verdict in neutral else cli.NO

    assert run(front, "show", id_of(p)) == expected


def test_approve_votes_on_what_is_asked_now(front, capsys):
    p, _ = front.world.asked(required=2)

    assert run(front, "approve", id_of(p), "--comment", "fine") == cli.OK
    assert "recorded" in capsys.readouterr().out
    assert run(front, "approve", id_of(p), token="token-ben") == cli.OK
    assert "granted" in capsys.readouterr().out
    votes = front.world.ledger.votes(SlotKey("titanic", "qa"), p.n, 1)
    assert [(v.comment, v.channel) for v in votes] == [("fine", "api"), ("", "api")]


def test_a_refused_vote_says_why_and_leaves_with_2(front, capsys):
    p, _ = front.world.asked()
    other = front.world.promotion(version="3", phase=Phase.GATING)

    assert run(front, "approve", id_of(p), token="token-oscar") == cli.NO
    assert "not among the approvers" in capsys.readouterr().err
    assert run(front, "approve", id_of(p), "--hash", "0" * 64) == cli.NO
    assert "changed" in capsys.readouterr().err
    assert run(front, "reject", id_of(other)) == cli.NO
    assert "has not asked for approval" in capsys.readouterr().err
    assert run(front, "reject", id_of(p), "--comment", "slice regressed") == cli.OK
    assert run(front, "approve", id_of(p)) == cli.NO
    assert "conflict" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["show", "nope"],
        ["show", "titanic.qa.9.9"],
        ["show", "../../api/slots"],
        ["history", "titanic"],
        ["history", "nothing@qa"],
        ["history", "@qa"],
        ["approve", "nope"],
        [],
        ["frobnicate"],
        ["show"],
        ["history", "a@b", "--last", "x"],
    ],
)
def test_wrong_usage_and_unknown_things_leave_with_1_and_words(front, capsys, argv):
    assert run(front, *argv) == cli.USAGE
    assert capsys.readouterr().err.strip()


def test_help_documents_the_exit_codes(front, capsys):
    assert run(front, "--help") == cli.OK
    assert "4 not signed in" in capsys.readouterr().out


def test_a_token_that_is_not_taken_leaves_with_4(front, capsys):
    assert run(front, "status", token="stale") == cli.SIGN_IN
    assert "sign in anew" in capsys.readouterr().err


def test_nobody_listening_leaves_with_5(capsys):
    environ = {"GREENLIGHT_BASE_URL": "http://127.0.0.1:9", "GREENLIGHT_TOKEN": "secret-token"}

    assert cli.main(["status"], environ) == cli.UNREACHABLE
    said = capsys.readouterr().err
    assert "cannot be reached" in said
    assert "secret-token" not in said


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "GREENLIGHT_BASE_URL"),
        ("greenlight.example", "not an http"),
        ("ftp://greenlight.example", "not an http"),
        ("http://greenlight.example", "https only"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_before_a_token_is_sent(capsys, url, words):
    assert cli.main(["status"], {"GREENLIGHT_BASE_URL": url, "GREENLIGHT_TOKEN": "x"}) == cli.USAGE
    assert words in capsys.readouterr().err


def test_hostile_text_cannot_steer_a_terminal(front, capsys):
    evil = "\x1b]0;owned\x07\u202egnp.exe\n\x9b31m"
    p = front.world.promotion(
        description=evil,
        run_id=evil,
        tags={"commit": evil},
        trouble=evil,
        candidate=evil,
        metrics={evil: 1.0},
    )
    front.world.slot(SlotKey("titanic", "qa"), hold=evil)

    for argv in (["status"], ["show", id_of(p)], ["explain", id_of(p)], ["history", "titanic@qa"]):
        run(front, *argv)
        out = capsys.readouterr().out
        assert not any(c in out for c in "\x1b\x07\x9b\u202e")


def test_a_model_with_any_name_can_be_asked_for(front, capsys):
    p = front.world.promotion("a/b c.d@é", "dev", "1.2.0")

    assert run(front, "show", id_of(p)) == cli.OPEN
    assert run(front, "history", "a/b c.d@é@dev") == cli.OK
    assert run(front, "status", "--model", "a/b c.d@é") == cli.OK
    assert "1.2.0" in capsys.readouterr().out.replace("=2E", ".")


def test_the_command_runs_by_itself_without_the_heavy_sdks(front):
    code = (
        "import sys; from orchestrator import cli; code = cli.main(['status']);"
        "heavy = {'azure.ai.ml', 'azure.identity', 'mlflow', 'pandas', 'jinja2', 'azure.functions'};"
        "bad = heavy & set(sys.modules);"
        "sys.exit(f'imported: {bad}' if bad else code)"
    )
    environ = {"GREENLIGHT_BASE_URL": front.url, "GREENLIGHT_TOKEN": "token-ana", "PATH": "/usr/bin:/bin"}

    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
