"""Event Grid over the wire: delivery, the retry schedule, dead letters, restarts, faults."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from local import faults
from local.config import APP_ACCOUNT
from tests.local.host.grid_process import ML, event
from tests.local.host.host_process import wait_for

if TYPE_CHECKING:
    from tests.local.host.grid_process import Endpoint, GridProcess
    from tests.local.host.host_process import Storage

STORE = {
    "endpointType": "StorageBlob",
    "properties": {
        "resourceId": f"/x/storageAccounts/{APP_ACCOUNT}",
        "blobContainerName": "eventgrid-deadletter",
    },
}


def dead_letters(storage: Storage, prefix: str) -> dict[str, Any]:
    container = storage.blobs.get_container_client("eventgrid-deadletter")
    names = [b.name for b in container.list_blobs(name_starts_with=prefix)]
    return {n: json.loads(container.download_blob(n).readall()) for n in names}


def test_event_arrives_with_topic_and_headers(grid: GridProcess, endpoint: Endpoint) -> None:
    assert grid.subscribe(endpoint).status_code == 201
    assert grid.publish(event("e1")).status_code == 200

    got = wait_for(lambda: endpoint.received, "the event")[0]
    assert got.body == [
        event("e1") | {"topic": grid.config.workspaces[0].id, "dataVersion": "", "metadataVersion": "1"}
    ]
    aeg = {k: v for k, v in got.headers.items() if k.startswith("aeg-")}
    assert aeg == {
        "aeg-event-type": "Notification",
        "aeg-subscription-name": "SUB",
        "aeg-delivery-count": "0",
        "aeg-data-version": "",
        "aeg-metadata-version": "1",
        "aeg-output-event-id": "e1",
    }
    wait_for(lambda: not grid.pending, "nothing is owed any more")


def test_delivery_as_cloud_event(grid: GridProcess, endpoint: Endpoint) -> None:
    grid.subscribe(endpoint, eventDeliverySchema="CloudEventSchemaV1_0")
    grid.publish(event("e1"))

    got = wait_for(lambda: endpoint.received, "the event")[0]
    assert got.headers["content-type"].startswith("application/cloudevents+json")
    assert (got.body["specversion"], got.body["source"]) == ("1.0", grid.config.workspaces[0].id)
    assert (got.body["type"], got.body["data"]) == (f"{ML}.ModelRegistered", {"ModelName": "churn"})


@pytest.mark.parametrize("status", [500, 503, 404, 429])
def test_failed_delivery_is_repeated_with_the_same_id(
    grid: GridProcess, endpoint: Endpoint, status: int
) -> None:
    endpoint.statuses = [status, status]
    grid.subscribe(endpoint)
    grid.publish(event("e1"))

    wait_for(lambda: len(endpoint.received) == 3, "the third attempt")
    assert [r.headers["aeg-delivery-count"] for r in endpoint.received] == ["0", "1", "2"]
    assert {r.headers["aeg-output-event-id"] for r in endpoint.received} == {"e1"}
    wait_for(lambda: not grid.pending, "done")


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_some_answers_end_it_and_make_a_dead_letter(
    grid: GridProcess, endpoint: Endpoint, azurite: Storage, status: int
) -> None:
    endpoint.statuses = [status]
    grid.subscribe(endpoint, f"final-{status}", deadLetterDestination=STORE)
    grid.publish(event("e1"))

    found = wait_for(lambda: dead_letters(azurite, f"FINAL-{status}/"), "a dead letter")
    name, [letter] = next(iter(found.items()))
    now = time.gmtime()
    assert name.startswith(f"FINAL-{status}/{now.tm_year}/{now.tm_mon}/{now.tm_mday}/")
    outcomes = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 413: "PayloadTooLarge"}
    assert letter["id"] == "e1"
    assert letter["data"] == {"ModelName": "churn"}
    assert letter["deliveryAttempts"] == 1
    assert letter["lastDeliveryOutcome"] == outcomes[status]
    assert {"deadLetterReason", "publishTime", "lastDeliveryAttemptTime"} <= letter.keys()
    assert len(endpoint.received) == 1


def test_attempts_are_limited_and_cloud_events_are_buried_in_lower_case(
    grid: GridProcess, endpoint: Endpoint, azurite: Storage
) -> None:
    endpoint.statuses = [500] * 5
    grid.subscribe(
        endpoint,
        "limited",
        eventDeliverySchema="CloudEventSchemaV1_0",
        retryPolicy={"maxDeliveryAttempts": 2},
        deadLetterDestination=STORE,
    )
    grid.publish(event("e1"))

    [[letter]] = wait_for(lambda: dead_letters(azurite, "LIMITED/"), "a dead letter").values()
    assert letter["deadletterreason"] == "MaxDeliveryAttemptsExceeded"
    assert letter["deliveryattempts"] == 2
    assert "lastDeliveryAttemptTime" not in letter
    assert len(endpoint.received) == 2


def test_endpoint_that_is_down_gets_its_events_later(grid: GridProcess, endpoint: Endpoint) -> None:
    grid.subscribe(endpoint)
    endpoint.close()
    grid.publish(event("e1"))

    wait_for(lambda: grid.pending and grid.pending[0]["lastOutcome"] == "SocketError", "a failed attempt")


@pytest.mark.parametrize(
    ("effect", "count"),
    [({"drop": True}, 0), ({"duplicate": True}, 2), ({"delay": 0.3}, 1), ({"status": 503}, 1)],
)
def test_faults(grid: GridProcess, endpoint: Endpoint, effect: dict[str, Any], count: int) -> None:
    grid.subscribe(endpoint)
    faults.add(grid.config, {"on": "event", "subject": "models/bad*", **effect})
    grid.publish(event("bad", "models/bad:1"), event("good"))

    wait_for(lambda: [r for r in endpoint.received if r.body[0]["id"] == "good"], "the other event")
    wait_for(lambda: not grid.pending, "nothing is owed any more")
    assert len([r for r in endpoint.received if r.body[0]["id"] == "bad"]) == count
