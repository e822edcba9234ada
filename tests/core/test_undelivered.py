"""Blobs of events that Event Grid gave up on, as letters with the reason in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.events import ModelRegistered, parse
from orchestrator.undelivered import _OUTCOMES, LONGEST, letters_of, reason_of

WORKSPACE = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg"
    "/providers/Microsoft.MachineLearningServices/workspaces/mlw-dev"
)
EVENT: dict[str, Any] = {
    "id": "e1",
    "topic": WORKSPACE,
    "subject": "models/titanic:5",
    "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
    "eventTime": "2026-01-05T09:00:00Z",
    "dataVersion": "2",
    "metadataVersion": "1",
    "data": {"ModelName": "titanic", "ModelVersion": "5", "ModelTags": {}},
    "deadLetterReason": "MaxDeliveryAttemptsExceeded",
    "deliveryAttempts": 30,
    "lastDeliveryOutcome": "NotFound",
    "publishTime": "2026-01-05T09:00:01Z",
    "lastDeliveryAttemptTime": "2026-01-06T09:00:01Z",
}
CLOUD_EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e1",
    "source": WORKSPACE,
    "type": "Microsoft.MachineLearningServices.ModelRegistered",
    "time": "2026-01-05T09:00:00Z",
    "data": {"ModelName": "titanic", "ModelVersion": "5"},
    "deadletterreason": "TimeToLiveExceeded",
    "deliveryattempts": 1,
    "lastdeliveryoutcome": "TimedOut",
    "publishtime": "2026-01-05T09:00:01Z",
}


@pytest.mark.parametrize("event", [EVENT, CLOUD_EVENT], ids=["event grid", "cloud events"])
def test_an_event_stays_one_that_can_be_replayed(event: dict[str, Any]) -> None:
    (letter,) = letters_of(json.dumps([event]).encode())

    assert letter.replayable
    assert letter.payload == event
    assert isinstance(parse(letter.payload), ModelRegistered)


def test_reasons_are_in_words_and_say_what_to_do() -> None:
    assert reason_of(EVENT) == (
        "Event Grid gave it up after 30 attempts, after its last attempt (MaxDeliveryAttemptsExceeded). "
        "The last answer was NotFound: the function was not there: is `on_model_event` deployed, and named "
        "in the subscription? Mend that, then replay it"
    )
    assert "after one attempt, when its time was over (TimeToLiveExceeded)" in reason_of(CLOUD_EVENT)
    assert "the app did not answer in 30 s" in reason_of(CLOUD_EVENT)


DOCUMENTED = (
    "NotFound Disabled Full Unauthorized BadRequest TimedOut Busy PayloadTooLarge Probation Canceled Aborted "
    "SocketError ResolutionError Delivering SessionQueueNotSupported Forbidden "
    "InvalidAzureFunctionDestination"
)


@pytest.mark.parametrize("outcome", DOCUMENTED.split())
def test_every_documented_outcome_gets_a_sentence(outcome: str) -> None:
    said = reason_of(EVENT | {"lastDeliveryOutcome": outcome})

    assert f"The last answer was {outcome}: " in said
    assert outcome.lower() in _OUTCOMES or "Event Grid's documentation" in said


def test_an_event_without_facts_and_one_with_foreign_ones_are_said_too() -> None:
    bare = reason_of({})
    odd = reason_of({"deadLetterReason": "\x1b[31m" + "x" * 500, "deliveryAttempts": "many"})

    assert "(no reason was given). The last answer was not recorded" in bare
    assert "\x1b" not in odd
    assert len(odd) < 400


def test_a_blob_holds_several_events() -> None:
    letters = letters_of(json.dumps([EVENT, EVENT | {"id": "e2"}, 7]).encode())

    assert [letter.replayable for letter in letters] == [True, True, False]
    assert [letter.payload["id"] for letter in letters[:2] if not isinstance(letter.payload, str)] == [
        "e1",
        "e2",
    ]


def test_a_long_event_keeps_what_replaying_needs() -> None:
    tags = {f"tag{n}": "x" * 1000 for n in range(LONGEST // 1000)}
    long = EVENT | {"data": EVENT["data"] | {"ModelTags": tags}}

    (letter,) = letters_of(json.dumps([long]).encode())

    assert len(json.dumps(letter.payload)) < LONGEST
    assert parse(letter.payload) == parse(EVENT)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is not JSON"),
        (b"\xff\xfe{", "it is not JSON"),
        (b"[]", "it holds no event"),
        (b"3", "no event"),
    ],
)
def test_what_cannot_be_read_is_a_letter_that_says_so(data: bytes, why: str) -> None:
    (letter,) = letters_of(data)

    assert not letter.replayable
    assert why in letter.reason


plain = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
nested = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*EVENT, "x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.binary(max_size=200) | nested.map(lambda found: json.dumps(found).encode()))
def test_whatever_a_blob_holds_there_is_a_letter_for_it(data: bytes) -> None:
    letters = letters_of(data)

    assert letters
    assert all(letter.reason and json.dumps(letter.payload) for letter in letters)
