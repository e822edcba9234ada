"""The Event Grid webhook: every status code of the real extension, both schemas, the handshake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.host.host_process import wait_for

if TYPE_CHECKING:
    import httpx

    from tests.local.host.host_process import HostProcess

EVENT = {
    "id": "e1",
    "topic": "/subscriptions/s/workspaces/mlw-dev",
    "subject": "models/churn:14",
    "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
    "eventTime": "2026-11-20T08:15:30.1234567Z",
    "dataVersion": "",
    "metadataVersion": "1",
    "data": {"ModelName": "churn"},
}
CLOUD_EVENT = {"specversion": "1.0", "id": "c1", "source": "/s", "type": "t", "data": {}}


def post(
    host: HostProcess,
    body: Any,
    *,
    name: str | None = "on_event",
    kind: str | None = "Notification",
    code: str | None = None,
    path: str = "/runtime/webhooks/eventgrid",
) -> httpx.Response:
    key = host.keys["system_keys"]["eventgrid_extension"] if code is None else code
    query = {"code": key} | ({"functionName": name} if name is not None else {})
    headers = {"aeg-event-type": kind} if kind else {}
    content = body if isinstance(body, str) else json.dumps(body)
    return host.request("POST", path, params=query, headers=headers, content=content)


def test_events_of_one_request_run_and_are_acknowledged(host: HostProcess) -> None:
    answer = post(host, [EVENT | {"id": "a"}, EVENT | {"id": "b"}])

    assert (answer.status_code, answer.content) == (202, b"")
    noted = host.did("event", id="a")[0]
    assert noted["type"] == EVENT["eventType"]
    assert noted["data"] == {"ModelName": "churn"}
    assert host.did("event", id="b")


def test_one_failure_fails_the_request_but_not_the_other_events(host: HostProcess) -> None:
    answer = post(host, [EVENT | {"id": "bad", "subject": "fail"}, EVENT | {"id": "good"}])

    assert (answer.status_code, answer.text) == (500, "this event is not liked")
    assert host.did("event", id="good")


def test_an_object_is_taken_as_one_event(host: HostProcess) -> None:
    assert post(host, CLOUD_EVENT | {"id": "c7"}, name="on_any_event").status_code == 202
    assert host.did("cloud event", id="c7") == [{"what": "cloud event", "id": "c7", "kind": "CloudEvent"}]


def test_path_ignores_case(host: HostProcess) -> None:
    assert post(host, [EVENT], path="/runtime/WEBHOOKS/EventGrid").status_code == 202


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ({"name": "on_job"}, 404),  # exists, but is no Event Grid function
        ({"name": "nobody"}, 404),
        ({"name": None}, 404),
        ({"kind": None}, 400),
        ({"kind": "Surprise"}, 400),
        ({"kind": "unsubscribe"}, 202),
        ({"code": "wrong"}, 401),
        ({"code": ""}, 401),
    ],
)
def test_refusals(host: HostProcess, arguments: dict[str, Any], status: int) -> None:
    assert post(host, [EVENT], **arguments).status_code == status


def test_unknown_function_is_named(host: HostProcess) -> None:
    assert post(host, [EVENT], name="nobody").text == "cannot find function: 'nobody'"


def test_master_key_opens_the_webhook(host: HostProcess) -> None:
    assert post(host, [EVENT], code=host.key).status_code == 202


@pytest.mark.parametrize("body", ["{", "17", '"text"'])
def test_what_is_no_event_is_an_error_of_the_server(host: HostProcess, body: str) -> None:
    assert post(host, body).status_code == 500


def test_handshake_in_event_grid_schema(host: HostProcess) -> None:
    validation = EVENT | {"data": {"validationCode": "abc"}}

    answer = post(host, [validation], kind="SubscriptionValidation")

    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "abc"})


def test_handshake_for_cloud_events_carries_json_within_json(host: HostProcess) -> None:
    validation = CLOUD_EVENT | {"data": json.dumps({"validationCode": "xyz"})}

    answer = post(host, validation, kind="SubscriptionValidation", name="on_any_event")

    assert answer.json() == {"validationResponse": "xyz"}


def test_log_shows_function_and_count_only(host: HostProcess) -> None:
    post(host, [EVENT])

    wait_for(lambda: "POST /runtime/webhooks/eventgrid (on_event) 1 events 202" in host.log, "the line")
    assert host.keys["system_keys"]["eventgrid_extension"] not in host.log
