"""Why is it (not) moving: an answer for every phase, every end, and everything that can be in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.approval import Decision, Vote
from orchestrator.explain import ADVICE, explain, explain_slot
from orchestrator.model import Claim, Ending, Phase, Reason, SlotKey, Verdict
from orchestrator.outbox import Delivery, Notice, NoticeKind
from tests.edges.world import World

KEY = SlotKey("titanic", "qa")


def said(world: World, p) -> str:
    loaded = world.ledger.load(KEY)
    assert loaded is not None
    e = explain(loaded.state, loaded.state.promotions.get(p.n, p), world.now)
    return " | ".join([e.headline, *e.because, e.next])


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.ENDED])
@pytest.mark.parametrize("asked", [True, False])
def test_every_phase_has_a_sentence_and_what_comes_next(phase, asked):
    world = World()
    p, _ = world.asked() if asked else (world.promotion(), None)
    world.change(p, phase=phase, candidate="v2-1", wanted={"v2-1": 100}, seen={"v1-1": 100})

    loaded = world.ledger.load(KEY)
    assert loaded is not None
    e = explain(loaded.state, loaded.state.promotions[p.n], world.now)

    assert e.headline
    assert len(e.next) > 5
    assert all(e.because)


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_end_says_how_why_and_what_to_do(verdict, reason):
    world = World()
    p = replace(world.promotion(), phase=Phase.ENDED, verdict=verdict, reason=reason, sentence="the sentence")

    e = explain(None, p, world.now)

    assert e.headline.startswith(verdict.value)
    assert e.because == ("the sentence",)
    assert e.next == ADVICE[reason]


def test_waiting_for_approval_counts_names_and_hurries():
    world = World()
    p, request = world.asked(required=2)
    assert "Waiting for approval: 0 of 2" in said(world, p)
    assert "ML leads may decide within 7 days" in said(world, p)

    loaded = world.ledger.load(KEY)
    assert loaded is not None
    vote = Vote(
        n=p.n, k=1, approver="t/ana", name="Ana", entries=(), decision=Decision.APPROVE, comment="",
        at=world.now, channel="page", hash=request.hash, order=9,
    )  # fmt: skip
    state = replace(loaded.state, votes={p.n: (vote,)})
    e = explain(state, state.promotions[p.n], world.now)

    assert e.headline == "Waiting for approval: 1 of 2"
    assert "Ana said approve" in e.because


def test_an_unknown_author_needs_one_more_and_the_reason_is_said():
    world = World()
    p = world.promotion(author="")
    world.ask(p)

    assert "0 of 2" in said(world, p)
    assert "author is not known" in said(world, p)


def test_channels_that_could_not_be_told_are_named():
    world = World()
    p = world.promotion()
    world.ask(p, gave_up=("teams",))
    late = Delivery(begun=1, not_before=world.now + timedelta(seconds=30), why="it was busy")
    notice = Notice(
        n=p.n, k=1, mark="asked", kind=NoticeKind.ASKED, version="2", sentence="", actor="", at=world.now,
        to={"queue": late, "events": late, "pager": Delivery()},
    )  # fmt: skip
    world.slot(KEY, outbox=(notice,))

    assert "teams could not be told" in said(world, p)
    assert "queue could not be told yet (it was busy); tried again in 30 s" in said(world, p)
    assert "the topic for events could not be told yet" in said(world, p)
    assert "pager" not in said(world, p)


def test_approved_and_waiting_for_its_turn_says_who_is_moving():
    world = World()
    first = world.promotion(version="1", phase=Phase.DEPLOYING)
    p = world.promotion(version="2", phase=Phase.AWAITING_APPROVAL)
    world.slot(KEY, mover=first.n)
    assert f"#{first.n} is moving the slot" in said(world, p)

    world.slot(KEY, mover=None, retiring={"v0-1": world.now})
    assert "v0-1 is still being removed" in said(world, p)


def test_a_hold_is_said_before_anything_else():
    world = World()
    p = world.promotion(phase=Phase.DEPLOYING)
    world.slot(KEY, hold="incident 4711")

    loaded = world.ledger.load(KEY)
    assert loaded is not None
    assert explain(loaded.state, p, world.now).because[0] == "the slot is held: incident 4711"


def test_trouble_says_how_often_what_and_when_again():
    world = World()
    p = world.promotion(
        trouble="the endpoint is busy", troubles=3, not_before=world.now + timedelta(seconds=40)
    )

    assert "3 attempts failed, last: the endpoint is busy; tried again in 40 s" in said(world, p)
    world.clock.advance(60)
    assert "tried again at the next look" in said(world, p)


def test_a_claim_is_believed_until_it_is_not():
    world = World()
    p = world.promotion(phase=Phase.DEPLOYING)
    claim = Claim(action="deploy #1 v2-1", worker="worker-7", until=world.now + timedelta(seconds=50))
    world.slot(KEY, claim=claim)

    assert "worker-7 is doing: deploy #1 v2-1 (believed for another 50 s)" in said(world, p)
    world.clock.advance(51)
    assert "worker-7 went silent" in said(world, p)


def test_a_verdict_that_is_still_being_cleaned_up_says_so():
    world = World()
    ending = Ending(
        verdict=Verdict.FAILED,
        reason=Reason.PROBE,
        sentence="v2-1 answered 500",
        actor="greenlight",
        at=world.now,
    )
    p = world.promotion(candidate="v2-1", ending=ending)

    assert "Failed is certain; putting traffic back" in said(world, p)
    assert "v2-1 answered 500" in said(world, p)


def test_a_person_who_decided_an_end_is_named():
    world = World()
    p = world.promotion()
    ended = replace(
        p, verdict=Verdict.REJECTED, reason=Reason.REJECTED, sentence="rejected by Ana", actor="t/ana"
    )

    assert "decided by t/ana" in explain(None, ended, world.now).because


def test_a_slot_says_what_serves_and_what_it_waits_for():
    world = World()
    world.serve("1")
    world.clock.advance(7200)
    world.slot(
        KEY, retiring={"v0-1": world.now + timedelta(hours=3)}, pending=("a", "b"), offering=(1,), hold="wait"
    )

    loaded = world.ledger.load(KEY)
    assert loaded is not None
    e = explain_slot(loaded.state, world.now)

    assert e.headline == "Version 1 has served for 2 h"
    assert "the slot is held: wait" in e.because
    assert "v0-1 is kept for now" in e.because, "nobody's way back is deleted while the slot is held"
    assert "2 accepted facts not yet looked at" in e.because
    assert "greenlight resume titanic@qa" in e.next
    assert "Nothing is open" in e.next
    world.slot(KEY, hold="")
    resumed = world.ledger.load(KEY)
    assert resumed is not None
    assert "v0-1 is removed in 3 h" in explain_slot(resumed.state, world.now).because
