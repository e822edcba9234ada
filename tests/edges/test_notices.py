"""From stored values to what people and systems are told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from orchestrator.model import Verdict
from orchestrator.notices import TITLES, ask_of, card_of, message_of
from orchestrator.outbox import NoticeKind
from orchestrator.snapshot import shown
from orchestrator.telling import ENDS
from orchestrator.views import TONES, id_of
from shared.links import RequestRef
from tests.edges.telling import asking, ending
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
    telling = asking(world)
    p, request = telling.promotion, telling.request

    card = card_of(telling, links=world.links, base_url=BASE)
    message = json.loads(message_of(telling, base_url=BASE))

    url = card["body"][-1]["actions"][0]["url"]
    token = url.removeprefix(f"{BASE}/review/")
    assert p is not None
    assert request is not None
    assert world.links.open_review(token) == RequestRef(id_of(p), 1)
    assert message["url"] == f"{BASE}/promotions/{id_of(p)}"
    assert token not in json.dumps(message)
    assert message["request"]["hash"] == request.hash


@pytest.mark.parametrize("kind", [kind for kind in NoticeKind if kind.asks])
def test_what_asks_for_a_decision_leads_to_the_review_and_says_why_it_asks_again(kind):
    world = World()
    telling = asking(world, kind, "open for two days more")

    card = card_of(telling, links=world.links, base_url=BASE)

    said = " ".join(texts(card))
    assert TITLES[kind][0] in said
    assert "/review/" in card["body"][-1]["actions"][0]["url"]
    assert ("open for two days more" in said) == (kind is not NoticeKind.ASKED)


@pytest.mark.parametrize("kind", [kind for kind in NoticeKind if not kind.asks])
def test_an_end_is_told_with_its_title_and_tone(kind):
    world = World()
    telling = ending(world, kind)

    card = card_of(telling, links=world.links, base_url=BASE)
    message = json.loads(message_of(telling, base_url=BASE))

    assert "because" in " ".join(texts(card))
    assert "/review/" not in json.dumps(card)
    assert (message["notice"], message["title"], message["tone"]) == (kind.value, *TITLES[kind])


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_a_notice_of_the_same_tone(verdict):
    assert TITLES[ENDS[verdict]][1] == TONES[verdict]


def test_what_replaced_it_is_one_click_away():
    world = World()
    telling = ending(world, NoticeKind.SUPERSEDED)
    telling = replace(telling, notice=replace(telling.notice, newer_n=3, newer_version="7"))

    card = card_of(telling, links=world.links, base_url=BASE)
    message = json.loads(message_of(telling, base_url=BASE))

    urls = [action["url"] for action in card["body"][-1]["actions"]]
    assert urls == [f"{BASE}/promotions/titanic.qa.2.2", f"{BASE}/promotions/titanic.qa.7.3"]
    assert message["replaced_by"] == "titanic.qa.7.3"


@pytest.mark.parametrize("made", [asking, ending])
def test_what_may_have_arrived_already_says_so(made):
    telling = replace(made(World()), repeat=True)

    card = card_of(telling, links=World().links, base_url=BASE)

    assert "Repeated" in " ".join(texts(card))
    assert json.loads(message_of(telling, base_url=BASE))["repeat"] is True


def test_a_snapshot_of_a_first_deployment_says_that_nothing_serves():
    seen = shown({"subject": {"digest": "d", "target": "/a/b/mlw-qa titanic-qa", "incumbent": ""}})

    assert (seen.workspace, seen.endpoint, seen.serving_version) == ("mlw-qa", "titanic-qa", "")
    assert "first deployment" in seen.plan
    assert "nothing serves here yet" in seen.rollback


def test_an_empty_or_strange_snapshot_is_still_shown():
    assert shown({}).metrics == ()
    assert shown({"metrics": None, "serving": None, "gates": None, "plan": None, "subject": "x"}).gates == ()
