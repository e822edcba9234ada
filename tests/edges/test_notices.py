"""From stored values to what people and systems are told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from orchestrator.model import Ending, Reason, Verdict
from orchestrator.notices import ask_card, ask_message, ask_of, end_card, end_message
from orchestrator.snapshot import shown
from orchestrator.views import TONES, id_of
from shared.links import RequestRef
from tests.edges.test_cards import texts
from tests.edges.world import BASE, World


def test_an_ask_says_what_the_snapshot_froze():
    world = World()
    p, request = world.asked(required=2)
    later = replace(p, metrics={"test_auc": 0.1}, gates=())

    ask = ask_of(later, request)

    assert [(m.name, m.candidate, m.serving) for m in ask.metrics] == [
        ("test_auc", 0.8612, 0.8431),
        ("rows", 179.0, None),
    ]
    assert ask.gates[0].verdict == "pass"
    assert (ask.serving_version, ask.required, ask.commit, ask.data_version) == ("1", 2, "0a1b2c3d", "3")
    assert "kept warm for 24 h" in ask.plan


def test_the_card_leads_to_the_review_and_the_message_does_not():
    world = World()
    p, request = world.asked()

    card = ask_card(p, request, links=world.links, base_url=BASE)
    message = json.loads(ask_message(p, request, base_url=BASE))

    url = card["body"][-1]["actions"][0]["url"]
    token = url.removeprefix(f"{BASE}/review/")
    assert world.links.open_review(token) == RequestRef(id_of(p), 1)
    assert message["url"] == f"{BASE}/promotions/{id_of(p)}"
    assert token not in json.dumps(message)
    assert message["request"]["hash"] == request.hash


@pytest.mark.parametrize("verdict", list(Verdict))
def test_an_end_is_told_with_its_tone(verdict):
    world = World()
    p = replace(
        world.promotion(), verdict=verdict, reason=Reason.LIVE, sentence="because", ended_at=world.now
    )

    card = end_card(p, base_url=BASE)
    message = json.loads(end_message(p, base_url=BASE))

    assert "because" in " ".join(texts(card))
    assert (message["title"], message["tone"]) == (verdict.value, TONES[verdict])


def test_a_certain_verdict_is_told_before_the_cleaning_up_is_done():
    world = World()
    ending = Ending(
        verdict=Verdict.FAILED, reason=Reason.PROBE, sentence="answered 500", actor="x", at=world.now
    )

    assert (
        json.loads(end_message(world.promotion(ending=ending), base_url=BASE))["sentence"] == "answered 500"
    )


def test_a_snapshot_of_a_first_deployment_says_that_nothing_serves():
    seen = shown({"subject": {"digest": "d", "target": "/a/b/mlw-qa titanic-qa", "incumbent": ""}})

    assert (seen.workspace, seen.endpoint, seen.serving_version) == ("mlw-qa", "titanic-qa", "")
    assert "first deployment" in seen.plan
    assert "nothing serves here yet" in seen.rollback


def test_an_empty_or_strange_snapshot_is_still_shown():
    assert shown({}).metrics == ()
    assert shown({"metrics": None, "serving": None, "gates": None, "plan": None, "subject": "x"}).gates == ()
