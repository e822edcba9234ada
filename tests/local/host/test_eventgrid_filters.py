"""Filters of event subscriptions, as data."""

from __future__ import annotations

from typing import Any

import pytest

from local.eventgrid.events import EVENT_GRID, Event
from local.eventgrid.filters import FilterError, parse

BODY = {
    "id": "1",
    "subject": "models/Churn:14",
    "eventType": "ML.ModelRegistered",
    "data": {
        "ModelName": "churn",
        "n": 5,
        "on": True,
        "none": None,
        "tags": {"stage": "Candidate"},
        "list": ["red", "green"],
    },
}


@pytest.mark.parametrize(
    ("properties", "wanted"),
    [
        ({}, True),
        ({"includedEventTypes": ["ml.modelregistered", "x"]}, True),
        ({"includedEventTypes": ["x"]}, False),
        ({"subjectBeginsWith": "MODELS/"}, True),
        ({"subjectBeginsWith": "MODELS/", "isSubjectCaseSensitive": True}, False),
        ({"subjectEndsWith": ":14"}, True),
        ({"subjectEndsWith": ":15"}, False),
    ],
)
def test_types_and_subject(properties: dict[str, Any], wanted: bool) -> None:
    assert parse(properties).accepts(Event(BODY, EVENT_GRID)) is wanted


@pytest.mark.parametrize(
    ("operator", "key", "values", "wanted"),
    [
        ("NumberIn", "data.n", [1, 5], True),
        ("NumberNotIn", "data.n", [1, 5], False),
        ("NumberNotIn", "data.missing", [1], True),
        ("NumberLessThan", "data.n", 6, True),
        ("NumberGreaterThan", "data.n", 5, False),
        ("NumberLessThanOrEquals", "data.n", 5, True),
        ("NumberGreaterThanOrEquals", "data.n", 5, True),
        ("NumberInRange", "data.n", [[1, 2], [4, 6]], True),
        ("NumberNotInRange", "data.n", [[4, 6]], False),
        ("NumberIn", "data.on", [1], False),
        ("BoolEquals", "data.on", True, True),
        ("BoolEquals", "data.n", True, False),
        ("StringIn", "data.tags.stage", ["candidate"], True),
        ("StringNotIn", "data.tags.stage", ["candidate"], False),
        ("StringNotIn", "data.tags.missing", ["candidate"], True),
        ("StringContains", "subject", ["CHURN", "x"], True),
        ("StringNotContains", "subject", ["churn"], False),
        ("StringBeginsWith", "subject", ["models/"], True),
        ("StringNotBeginsWith", "subject", ["models/"], False),
        ("StringEndsWith", "subject", [":14"], True),
        ("StringNotEndsWith", "subject", [":14"], False),
        ("StringContains", "data.missing", ["x"], False),
        ("StringNotContains", "data.missing", ["x"], False),
        ("StringIn", "data.modelname", ["churn"], False),  # property names keep their case
        ("StringIn", "data.list", ["green"], False),  # arrays only when switched on
        ("IsNullOrUndefined", "data.none", None, True),
        ("IsNullOrUndefined", "data.n", None, False),
        ("IsNotNull", "data.n", None, True),
        ("IsNotNull", "data.missing", None, False),
    ],
)
def test_advanced(operator: str, key: str, values: Any, wanted: bool) -> None:
    given = {} if values is None else {"values": values} if isinstance(values, list) else {"value": values}
    advanced = {"advancedFilters": [{"operatorType": operator, "key": key, **given}]}

    assert parse(advanced).accepts(Event(BODY, EVENT_GRID)) is wanted


def test_all_filters_must_accept_and_arrays_can_be_searched() -> None:
    red = {"operatorType": "StringIn", "key": "data.list", "values": ["red"]}
    five = {"operatorType": "NumberIn", "key": "data.n", "values": [5]}
    six = {"operatorType": "NumberIn", "key": "data.n", "values": [6]}
    event = Event(BODY, EVENT_GRID)

    assert parse({"advancedFilters": [red, five], "enableAdvancedFilteringOnArrays": True}).accepts(event)
    assert not parse({"advancedFilters": [red, six], "enableAdvancedFilteringOnArrays": True}).accepts(event)


@pytest.mark.parametrize(
    ("filters", "complaint"),
    [
        ([{"operatorType": "StringIn", "key": "a", "values": ["x"]}] * 26, "at most 25"),
        ([{"operatorType": "StringIn", "key": "a", "values": ["x"] * 26}], "at most 25"),
        ([{"operatorType": "StringIn", "key": "a", "values": ["x" * 513]}], "at most 512"),
        ([{"operatorType": "StringIn", "key": "a"}], "no values"),
        ([{"operatorType": "StringIn", "values": ["x"]}], "key is missing"),
        ([{"operatorType": "StringLike", "key": "a", "values": ["x"]}], "unknown operatorType"),
    ],
)
def test_limits(filters: list[Any], complaint: str) -> None:
    with pytest.raises(FilterError, match=complaint):
        parse({"advancedFilters": filters})
