"""Every event becomes a fact, a reasoned refusal, or is known and unused. Nothing raises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.events import Ignored, ModelRegistered, Refused, RunCompleted, parse

WORKSPACE = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-ml-dev"
    "/providers/Microsoft.MachineLearningServices/workspaces/mlw-dev"
)


def event(**changes: Any) -> dict[str, Any]:
    """An event as the Event Grid schema writes it; None removes a field."""
    made: dict[str, Any] = {
        "id": "6f0c1c0e",
        "topic": WORKSPACE,
        "subject": "models/churn-gbm:14",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "eventTime": "2026-11-20T08:15:30.1234567Z",
        "dataVersion": "",
        "metadataVersion": "1",
        "data": {"ModelName": "churn-gbm", "ModelVersion": "14", "ModelTags": {}, "ModelProperties": {}},
    }
    made |= changes
    return {k: v for k, v in made.items() if v is not None}


def cloud_event(**changes: Any) -> dict[str, Any]:
    plain = event()
    made: dict[str, Any] = {
        "specversion": "1.0",
        "id": plain["id"],
        "source": plain["topic"],
        "type": plain["eventType"],
        "time": plain["eventTime"],
        "data": plain["data"],
    }
    return made | changes


@pytest.mark.parametrize("payload", [event(), cloud_event()], ids=["event grid schema", "cloud events"])
def test_both_schemas_say_the_same(payload: dict[str, Any]) -> None:
    parsed = parse(payload)

    assert isinstance(parsed, ModelRegistered)
    assert (parsed.model, parsed.version, parsed.workspace, parsed.id) == (
        "churn-gbm",
        "14",
        WORKSPACE,
        "6f0c1c0e",
    )
    assert parsed.at.isoformat() == "2026-11-20T08:15:30.123456+00:00"


@pytest.mark.parametrize(
    "data",
    [
        {"ModelName": "m", "ModelVersion": 20},
        {"modelName": "m", "modelVersion": "20"},
        {"MODELNAME": "m", "modelversion": "20", "unknown": object()},
    ],
)
def test_field_casing_and_numeric_versions_do_not_matter(data: dict[str, Any]) -> None:
    parsed = parse(event(data=data))

    assert isinstance(parsed, ModelRegistered)
    assert (parsed.model, parsed.version) == ("m", "20")


def test_a_finished_run_is_a_fact() -> None:
    parsed = parse(
        event(
            eventType="Microsoft.MachineLearningServices.RunCompleted",
            data={"experimentName": "churn", "runId": "brave_sun_x1", "runType": None},
        )
    )

    assert isinstance(parsed, RunCompleted)
    assert parsed.run_id == "brave_sun_x1"


@pytest.mark.parametrize("kind", ["ModelDeployed", "RunStatusChanged", "DatasetDriftDetected"])
def test_known_events_that_nothing_needs_are_ignored(kind: str) -> None:
    assert isinstance(parse(event(eventType=f"Microsoft.MachineLearningServices.{kind}")), Ignored)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("text", "must be a JSON object, not str"),
        ([], "must be a JSON object, not list"),
        (None, "must be a JSON object, not NoneType"),
        ({}, "no eventType"),
        (event(eventType="Microsoft.Storage.BlobCreated"), "unknown"),
        (event(eventType="ModelRegistered"), "unknown"),
        (event(eventType=7), "unknown"),
        (event(id=""), "no usable id"),
        (event(id="x" * 256), "no usable id"),
        (event(topic=None), "not the ARM id"),
        (event(topic="https://evil.example/workspaces/x"), "not the ARM id"),
        (event(topic=WORKSPACE + "/../../other"), "not the ARM id"),
        (event(eventTime="yesterday"), "no eventTime"),
        (event(eventTime=None), "no eventTime"),
        (event(data=None), "no data object"),
        (event(data="{}"), "no data object"),
        (event(data={}), "is not a model name"),
        (event(data={"ModelName": "", "ModelVersion": "1"}), "is not a model name"),
        (event(data={"ModelName": ["m"], "ModelVersion": "1"}), "is not a model name"),
        (event(data={"ModelName": "m\n", "ModelVersion": "1"}), "is not a model name"),
        (event(data={"ModelName": "m" * 256, "ModelVersion": "1"}), "is not a model name"),
        (event(data={"ModelName": "m", "ModelVersion": True}), "is not a version"),
        (event(data={"ModelName": "m", "ModelVersion": 1.5}), "is not a version"),
        (event(data={"ModelName": "m"}), "is not a version"),
        (event(eventType="Microsoft.MachineLearningServices.RunCompleted", data={}), "is not a run id"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_reason(payload: object, said: str) -> None:
    parsed = parse(payload)

    assert isinstance(parsed, Refused)
    assert said in parsed.why


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(ANYTHING)
def test_anything_at_all_gets_an_answer(payload: object) -> None:
    assert parse(payload) is not None


@given(st.sampled_from(sorted(event())), ANYTHING)
def test_any_field_may_be_anything(field: str, value: object) -> None:
    assert parse(event() | {field: value}) is not None
