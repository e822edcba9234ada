"""Systems follow what happens as events: every end, and each once, and nobody counts as asked by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.app import build, read_policy
from orchestrator.approval import Decision
from orchestrator.delivering import GIVE_UP
from orchestrator.model import SlotKey, Verdict
from shared.errors import Forbidden, GreenlightError, NotFound, Refused, Unknown
from shared.queues import APPROVAL_REQUESTS, QueuePort
from shared.settings import EVENTS, Flaw
from tests.engine.channel import down, later, why
from tests.engine.test_operators import OPERATED, asked, live
from tests.engine.town import ANA, PIPELINE, QA, TOPIC, Town, settings

DEV = SlotKey("titanic", "dev")


class Topic:
    """A topic that takes events, or fails as it is told to."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.fails: Callable[[], GreenlightError | None] = lambda: None

    def __call__(self, topic: str, *events: Mapping[str, Any]) -> None:
        assert topic == TOPIC
        error = self.fails()
        if error is None or isinstance(error, Unknown):
            self.events += events
        if error is not None:
            raise error

    def told(self) -> list[tuple[str, str]]:
        return [(event["type"].removeprefix("greenlight."), event["subject"]) for event in self.events]


@pytest.fixture
def topic() -> Topic:
    return Topic()


@pytest.fixture
def town(tmp_path: Path, topic: Topic) -> Town:
    return Town(tmp_path, OPERATED, publish=topic)


def test_from_dev_to_live_in_qa_in_order_and_each_once(town: Town, topic: Topic) -> None:
    live(town, "1")
    later(town, timedelta(hours=1))

    assert topic.told() == [
        ("promotion.live", "titanic/dev/1"),
        ("approval.asked", "titanic/qa/1"),
        ("approval.granted", "titanic/qa/1"),
        ("promotion.live", "titanic/qa/1"),
    ]
    assert len({event["id"] for event in topic.events}) == 4
    assert {event["source"] for event in topic.events} == {settings().base_url}
    assert town.state(DEV).slot.idle
    assert town.state(QA).slot.idle


def test_the_data_are_what_the_queue_is_told(town: Town, topic: Topic) -> None:
    live(town, "1")

    queue = [*town.requests(), *town.notices()]
    assert [event["data"] for event in topic.events if "/qa/" in event["subject"]] == queue
    assert [event["id"] for event in topic.events if "/qa/" in event["subject"]] == [m["id"] for m in queue]


def test_an_end_that_nobody_was_asked_about_is_told_to_systems_alone(town: Town, topic: Topic) -> None:
    town.register("1", auc=0.71)
    town.announce("1")
    town.settle()

    (event,) = topic.events
    assert (event["type"], event["id"]) == ("greenlight.promotion.failed", "titanic.dev.1.1 0 end")
    assert (event["data"]["number"], event["data"]["actor"]) == (0, "greenlight")
    assert "0.71" in event["data"]["sentence"]
    assert (town.requests(), town.notices()) == ([], [])
    assert why_in_dev(town, "notify.done") == ["events: failed, accepted by attempt 1"]


def why_in_dev(town: Town, what: str) -> list[str]:
    return [r.entry.why for r in town.app.ledger.journal(DEV, limit=1000) if r.entry.what == what]


class Deaf:
    """Queues of which one takes nothing for a while."""

    def __init__(self, queues: QueuePort) -> None:
        self._queues = queues
        self.deaf = True

    def send(self, queue: str, text: str, *, delay: float = 0.0) -> None:
        if self.deaf and queue == APPROVAL_REQUESTS:
            raise down()
        self._queues.send(queue, text, delay=delay)

    def check(self, queue: str) -> None:
        self._queues.check(queue)


def test_whom_a_topic_tells_nobody_counts_as_asked(town: Town, topic: Topic, tmp_path: Path) -> None:
    queues = Deaf(town.queues)
    policy, ports = read_policy(OPERATED, town.variables), replace(town.ports, queues=queues)
    town.app = build(replace(settings(), events_topic=TOPIC), policy, ports, tmp_path)
    asked(town, "1")

    request = town.state().requests[1]
    assert ("approval.asked", "titanic/qa/1") in topic.told()
    assert (dict(request.notified), request.gave_up) == ({}, ())

    queues.deaf = False
    later(town, timedelta(hours=2))
    assert set(town.state().requests[1].notified) == {"queue"}


@pytest.mark.parametrize("trouble", [down, lambda: Forbidden("no role"), lambda: NotFound("gone")])
def test_a_topic_in_trouble_delays_nothing_and_is_told_afterwards(
    town: Town, topic: Topic, trouble: Callable[[], GreenlightError]
) -> None:
    topic.fails = trouble
    live(town, "1")
    assert town.promotion(1).verdict is Verdict.LIVE
    assert topic.events == []
    (flaw,) = (f for f in town.app.condition.flaws() if f.where == "the channel events")
    assert "people are told as ever" in flaw.refused

    topic.fails = lambda: None
    later(town, timedelta(hours=2))
    assert [kind for kind, about in topic.told() if "/qa/" in about] == ["approval.granted", "promotion.live"]
    assert town.state().slot.idle


def test_an_event_without_an_answer_is_sent_again_under_its_id(town: Town, topic: Topic) -> None:
    topic.fails = lambda: Unknown("no answer") if not topic.events else None
    town.register("1", auc=0.71)
    town.announce("1")
    town.settle()
    later(town, timedelta(minutes=5))

    first, second = topic.events
    assert (first["id"], first["source"], first["time"]) == (second["id"], second["source"], second["time"])
    assert (first["data"]["repeat"], second["data"]["repeat"]) == (False, True)


def test_an_event_that_is_refused_is_not_sent_again(town: Town, topic: Topic) -> None:
    topic.fails = lambda: Refused("too large", code="413")
    live(town, "1")

    assert len(why(town, "notify.refused")) == 3
    assert town.state().slot.outbox == ()


def test_a_topic_that_stays_down_is_given_up(town: Town, topic: Topic) -> None:
    topic.fails = down
    live(town, "1")
    later(town, GIVE_UP + timedelta(hours=2))

    assert town.state().slot.outbox == ()
    assert town.state(DEV).slot.outbox == ()
    assert any(said.startswith("events: live: ") for said in why_in_dev(town, "notify.given_up"))


def test_with_a_wrong_setting_events_wait_until_it_is_mended(tmp_path: Path, topic: Topic) -> None:
    town = Town(tmp_path)
    ports, policy = replace(town.ports, publish=topic), read_policy(PIPELINE, town.variables)
    flaw = Flaw(EVENTS, "it is no topic", "no event is published", "Mend it.")
    town.app = build(replace(settings(), flaws=(flaw,)), policy, ports, tmp_path)
    town.register("1")
    town.announce("1")
    town.settle()
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    assert town.promotion(1, QA).verdict is Verdict.LIVE
    assert topic.events == []

    town.app = build(replace(settings(), events_topic=TOPIC), policy, ports, tmp_path)
    later(town, timedelta(hours=2))
    assert topic.told()[-1] == ("promotion.live", "titanic/qa/1")
    assert ("promotion.live", "titanic/dev/1") in topic.told()
