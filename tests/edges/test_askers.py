"""Withdraw and extend, over the API and on the command line: by those it goes back to, and by operators."""

from __future__ import annotations

import pytest

from orchestrator import cli
from orchestrator.model import Reason, Verdict
from orchestrator.views import id_of
from tests.edges.front import serving
from tests.edges.test_api_commands import facts, post
from tests.edges.test_cli import run
from tests.edges.test_cli_commands import BEN as BEN_TOKEN
from tests.edges.test_cli_commands import commands
from tests.edges.world import ANA, AUTHOR, BEN, OUTSIDER, World


@pytest.mark.parametrize("command", ["withdraw", "extend"])
@pytest.mark.parametrize(("who", "status"), [(AUTHOR, 202), (BEN, 202), (ANA, 403), (OUTSIDER, 403)])
def test_the_author_and_operators_may_and_nobody_else(command, who, status):
    world = World()
    p, _ = world.asked()

    answers = [
        post(world, f"/api/promotions/{id_of(p)}/{command}", {"reason": "too early"}, who) for _ in "ab"
    ]

    assert [s for s, _ in answers] == [status, 200 if status == 202 else status]
    assert [(f["command"], f["reason"]) for f in facts(world)] == (
        [(command, "too early")] if status == 202 else []
    )


def test_nobody_signed_in_withdraws_nothing():
    world = World()
    p, _ = world.asked()

    status, data = post(world, f"/api/promotions/{id_of(p)}/withdraw", oid="")

    assert (status, data["error"]["code"]) == (401, "unauthenticated")


def test_what_was_never_asked_or_has_ended_gets_no_more_time():
    world = World()
    never, ended = world.promotion(), world.promotion(version="1")
    world.end(ended, Verdict.REJECTED, Reason.REJECTED, "no")

    for p, said in ((never, "nobody has been asked"), (ended, "has ended already")):
        status, data = post(world, f"/api/promotions/{id_of(p)}/extend")
        assert (status, data["error"]["code"]) == (409, "closed")
        assert said in data["error"]["message"]


def test_the_command_line_says_the_same_and_a_withdrawal_is_no_failure(capsys):
    with serving(World()) as front:
        p, _ = front.world.asked()
        q = front.world.promotion(version="1")

        assert run(front, "extend", id_of(p), "--reason", "holidays", token=BEN_TOKEN) == cli.OK
        assert run(front, "withdraw", id_of(p), token=BEN_TOKEN) == cli.OK
        front.world.end(q, Verdict.ABORTED, Reason.WITHDRAWN, "withdrawn by Ada")
        assert run(front, "show", id_of(q), token=BEN_TOKEN) == cli.NO_EFFECT

        assert commands(front) == [("extend", "holidays"), ("withdraw", "")]
        assert "withdraw is accepted" in capsys.readouterr().out
