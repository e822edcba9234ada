"""The review page: GET changes nothing, a vote is recorded once, what has ended is explained."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.model import Reason, SlotKey, Verdict
from orchestrator.world import Change
from tests.edges.looking import stored, text, votes
from tests.edges.world import ANA, AUTHOR, BEN, World

KEY = SlotKey("titanic", "qa")


def test_the_page_shows_what_why_evidence_lineage_plan_and_two_buttons():
    world = World()
    p, request = world.asked()

    answer = world.get(f"/review/{world.token(p)}")

    assert answer.status == 200
    said = text(answer)
    for part in (
        "titanic v2 → qa",
        "Should it replace v1",
        "0 of 1 approvals",
        "test_auc is 0.8612, at least 0.8431 of what serves now",
        "test_auc 0.8431 0.8612 +0.0181",
        "brave_sun_x1",
        "0a1b2c3d",
        AUTHOR,
        "48.2 KB",
        p.digest,
        request.hash,
        "blue/green",
        "v1-1764012345 keeps its traffic",
        "1 × Standard_DS3_v2",
        "titanic-qa in mlw-qa",
    ):
        assert part in said, part
    html = answer.body.decode()
    assert html.count("<button") == 2
    assert "<script" not in html
    assert "style=" not in html


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_whoever_fetches_the_link_fifty_times_changes_nothing(method):
    world = World()
    p, _ = world.asked()
    before = stored(world)

    for _ in range(50):
        assert world.get(f"/review/{world.token(p)}", method=method).status in (200, 204)

    assert stored(world) == before


def test_the_form_as_the_page_gives_it_records_the_vote():
    world = World()
    p, _ = world.asked()
    path = f"/review/{world.token(p)}"
    html = world.get(path).body.decode()
    fields = dict(re.findall(r'name="(form|hash)" value="([^"]*)"', html))
    action = re.search(r'action="([^"]*)"', html)
    assert action is not None

    answer = world.post(action[1], {**fields, "decision": "approve", "comment": " looks good "})

    assert answer.status == 200
    assert "Approved. It goes to qa by itself" in text(answer)
    vote = world.ledger.votes(KEY, p.n, 1)[0]
    assert (vote.approver.rpartition("/")[2], vote.comment, vote.channel) == (ANA, "looks good", "page")
    assert "You answered approve" in text(world.get(path))


def test_a_second_approval_is_waited_for_when_two_are_required():
    world = World()
    p, request = world.asked(required=2)

    first = world.post(f"/review/{world.token(p)}", world.fields(p, request))
    second = world.post(f"/review/{world.token(p)}", world.fields(p, request, BEN), BEN)

    assert "More approvals are needed" in text(first)
    assert "Approved" in text(second)
    assert votes(world, p.n) == [(ANA, "approve"), (BEN, "approve")]


def test_the_same_answer_again_is_a_success_and_the_opposite_a_conflict():
    world = World()
    p, request = world.asked(required=2)
    path = f"/review/{world.token(p)}"
    world.post(path, world.fields(p, request))

    again = world.post(path, world.fields(p, request))
    opposite = world.post(path, world.fields(p, request, decision="reject"))

    assert (again.status, opposite.status) == (200, 409)
    assert "already answered" in text(again)
    assert "Another answer was given before" in text(opposite)
    assert votes(world, p.n) == [(ANA, "approve")]


def test_the_same_answer_is_still_a_success_when_the_promotion_has_ended():
    world = World()
    p, request = world.asked()
    path = f"/review/{world.token(p)}"
    world.post(path, world.fields(p, request))
    world.end(p, Verdict.LIVE, Reason.LIVE, "seen at 100 %")

    again = world.post(path, world.fields(p, request))
    opposite = world.post(path, world.fields(p, request, decision="reject"))
    other = world.post(path, world.fields(p, request, BEN), BEN)

    assert (again.status, opposite.status, other.status) == (200, 409, 409)
    assert "takes no more answers" in text(other)


def test_an_expired_link_says_so():
    world = World()
    p, _ = world.asked()
    path = f"/review/{world.token(p)}"
    world.clock.advance(timedelta(days=61).total_seconds())

    answer = world.get(path)

    assert answer.status == 410
    assert "expired" in text(answer)


def test_a_request_that_was_replaced_leads_to_the_one_that_replaced_it():
    world = World()
    p, request = world.asked()
    loaded = world.ledger.load(KEY)
    assert loaded is not None
    old = replace(request, closed="lapsed: what serves now is not what was shown")
    new = replace(request, k=2, hash="e" * 64)
    change = Change(slot=loaded.state.slot, promotions=(replace(p, asks=2),), requests=(old, new))
    world.ledger.commit(loaded, change, now=world.now)

    shown = world.get(f"/review/{world.token(p)}")
    answer = world.post(f"/review/{world.token(p)}", world.fields(p, request))

    assert "what serves now is not what was shown" in text(shown)
    newer = re.search(r'href="(/review/[^"]+)">Show the request that replaced it', shown.body.decode())
    assert newer is not None
    assert "<button" in world.get(newer[1]).body.decode()
    assert answer.status == 409


@pytest.mark.parametrize(
    ("verdict", "reason", "sentence"),
    [
        (Verdict.SUPERSEDED, Reason.SUPERSEDED, "version 3 was registered later and awaits approval"),
        (Verdict.EXPIRED, Reason.EXPIRED, "nobody decided within 7 days"),
        (Verdict.LIVE, Reason.LIVE, "seen at 100 %"),
    ],
)
def test_the_link_of_an_ended_request_shows_what_happened(verdict, reason, sentence):
    world = World()
    p, _ = world.asked()
    world.end(p, verdict, reason, sentence)

    answer = world.get(f"/review/{world.token(p)}")

    assert answer.status == 200
    assert sentence in text(answer)
    assert "<button" not in answer.body.decode()


def test_an_expired_request_takes_no_vote():
    world = World()
    p, request = world.asked(expires=timedelta(hours=1))
    fields = world.fields(p, request)
    world.clock.advance(3601)

    answer = world.post(f"/review/{world.token(p)}", fields)

    assert answer.status == 409
    assert "expired" in text(answer)
    assert votes(world, p.n) == []
