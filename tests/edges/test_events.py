"""A notice as a CloudEvent, and what a topic may answer to one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest
from azure.core.messaging import CloudEvent

from orchestrator.notices import event_of, message_of
from orchestrator.outbox import END, NoticeKind
from shared.errors import (
    Busy,
    Forbidden,
    GreenlightError,
    NotFound,
    Refused,
    Unavailable,
    Unknown,
)
from shared.notify.eventgrid import SCOPE, EventTopics
from shared.ports import Answer
from tests.edges.telling import asking, ending
from tests.edges.test_message_schema import wrong
from tests.edges.world import BASE, World

TOPIC = "https://greenlight.westeurope-1.eventgrid.azure.net/api/events"
ENDS = [kind for kind in NoticeKind if not kind.asks and kind is not NoticeKind.GRANTED]


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_of_notice_is_an_event_of_the_standard(kind: NoticeKind) -> None:
    world = World()
    telling = asking(world, kind) if kind.asks else ending(world, kind)

    event = CloudEvent.from_dict(event_of(telling, base_url=BASE))

    message = json.loads(message_of(telling, base_url=BASE))
    assert (event.id, event.data, event.source) == (message["id"], message, BASE)
    assert (event.type, event.subject) == (f"greenlight.approval.{kind}", "titanic/qa/2")
    assert (event.specversion, event.datacontenttype) == ("1.0", "application/json")
    assert isinstance(event.time, datetime)
    assert wrong(event.data) == []


@pytest.mark.parametrize("kind", ENDS)
def test_an_end_is_one_of_its_promotion(kind: NoticeKind) -> None:
    telling = ending(World(), kind)
    telling = replace(telling, notice=replace(telling.notice, mark=END, k=0))

    event = event_of(telling, base_url=BASE)

    assert (event["type"], event["id"]) == (f"greenlight.promotion.{kind}", "titanic.qa.2.2 0 end")
    assert wrong(event["data"]) == []


def test_every_attempt_is_the_same_event_and_no_event_has_a_link_that_votes() -> None:
    telling = asking(World())

    first, again = (event_of(replace(telling, repeat=r), base_url=BASE) for r in (False, True))

    assert {**first, "data": ""} == {**again, "data": ""}
    assert "/review/" not in json.dumps(first)


class Service:
    """Answers as it is told to, and keeps what it was asked."""

    def __init__(self, status: int, told: object = None, **headers: str) -> None:
        body = b"" if told is None else json.dumps(told).encode()
        self._answer = Answer(status, body, {k.replace("_", "-"): v for k, v in headers.items()}, 0.0)
        self.asked: list[tuple[str, str, str, Mapping[str, str], object]] = []

    def __call__(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        self.asked.append((method, url, scope, headers or {}, json.loads(body or b"null")))
        return self._answer


def test_an_event_goes_as_a_batch_of_one_with_a_token_for_event_grid() -> None:
    service = Service(200)
    event = event_of(ending(World()), base_url=BASE)

    EventTopics(service)(TOPIC, event)

    kind = {"Content-Type": "application/cloudevents-batch+json; charset=utf-8"}
    assert service.asked == [("POST", f"{TOPIC}?api-version=2018-01-01", SCOPE, kind, [event])]


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (400, Refused, "could not publish to greenlight.westeurope-1.eventgrid.azure.net: 400"),
        (401, Forbidden, "does not take this identity's token"),
        (403, Forbidden, "role EventGrid Data Sender"),
        (404, NotFound, "no such topic"),
        (408, Unknown, "408"),
        (413, Refused, "too large"),
        (429, Busy, "429"),
        (500, Unavailable, "500"),
        (503, Unavailable, "503"),
        (504, Unknown, "504"),
        (302, Refused, "302"),
    ],
)
def test_what_a_topic_may_answer(status: int, error: type[GreenlightError], said: str) -> None:
    with pytest.raises(error, match=said):
        EventTopics(Service(status))(TOPIC, {})


def test_the_topics_own_words_and_its_patience_are_heard() -> None:
    told = {"error": {"code": "Unauthorized", "message": "The principal has no permission. Report 'x'."}}

    with pytest.raises(Forbidden, match="401 Unauthorized The principal has no permission"):
        EventTopics(Service(401, told))(TOPIC, {})
    with pytest.raises(Busy) as busy:
        EventTopics(Service(429, "busy", Retry_After="7"))(TOPIC, {})
    assert busy.value.after == 7
