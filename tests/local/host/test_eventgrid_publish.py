"""Publishing and subscribing: the real client by the topic's name, what is refused, the handshake."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient

from local.eventgrid.service import HOST_SUFFIX, topic_key
from tests.local.host.host_process import wait_for

if TYPE_CHECKING:
    from tests.local.host.grid_process import Endpoint, GridProcess

GOOD = {"id": "1", "subject": "s", "eventType": "T.E", "eventTime": "2026-01-01T00:00:00Z", "data": {}}
CLOUD = {"specversion": "1.0", "id": "1", "source": "/s", "type": "T.E"}


class Identity:
    """Tokens as a managed identity gets them."""

    def __init__(self, audience: str) -> None:
        self._audience = audience

    def get_token(self, *_scopes: str, **_more: Any) -> AccessToken:
        expires = int(time.time()) + 600
        claims = json.dumps({"aud": self._audience, "exp": expires}).encode()
        return AccessToken(f"x.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.x", expires)


def client(credential: Any) -> EventGridPublisherClient:
    return EventGridPublisherClient(
        f"https://news{HOST_SUFFIX}/api/events",
        credential,
        retry_total=0,
    )


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize(
    "credential", [AzureKeyCredential(topic_key("news")), Identity("https://eventgrid.azure.net")]
)
def test_real_client_publishes_both_schemas(grid: GridProcess, endpoint: Endpoint, credential: Any) -> None:
    assert (
        grid.subscribe(endpoint, topic="news", eventDeliverySchema="CloudEventSchemaV1_0").status_code == 201
    )

    with client(credential) as publisher:
        publisher.send(
            [EventGridEvent("subject/1", "T.E", {"n": 1}, "1.0"), EventGridEvent("s", "T.E", {}, "1.0")]
        )
        publisher.send(CloudEvent(source="/me", type="T.C", data={"n": 2}, subject="subject/2"))

    got = wait_for(lambda: len(endpoint.received) == 3 and endpoint.received, "three events")
    subjects = {r.body["subject"]: r.body for r in got}
    assert subjects["subject/1"]["source"].endswith("/Microsoft.EventGrid/topics/news")
    assert subjects["subject/2"]["source"] == "/me"
    assert subjects["subject/2"]["data"] == {"n": 2}


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize(
    "credential", [AzureKeyCredential(topic_key("other")), Identity("https://storage.azure.com")]
)
def test_publisher_without_a_right_is_refused(grid: GridProcess, credential: Any) -> None:
    with client(credential) as publisher, pytest.raises(ClientAuthenticationError):
        publisher.send(EventGridEvent("s", "T.E", {}, "1.0"))


@pytest.mark.usefixtures("proxy")
def test_real_client_shows_why_an_event_is_refused(grid: GridProcess) -> None:
    with client(AzureKeyCredential(topic_key("news"))) as publisher:
        with pytest.raises(HttpResponseError, match="eventTime"):
            publisher.send([{**GOOD, "eventTime": "yesterday"}])
        with pytest.raises(HttpResponseError) as refused:
            publisher.send(EventGridEvent("s", "T.E", {"big": "x" * 1_100_000}, "1.0"))

    assert refused.value.status_code == 413


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        ("{", "not JSON"),
        ("[]", "no events"),
        ('"x"', "not an object"),
        ([{**GOOD, "id": ""}], "'id' is missing"),
        ([{**GOOD, "subject": 5}], "'subject' is missing or not text"),
        (
            [GOOD, {k: v for k, v in GOOD.items() if k != "eventType"}],
            "Event 1: the required property 'eventType'",
        ),
        ([{**GOOD, "topic": "/elsewhere"}], "the topic must be empty or"),
        ([{**GOOD, "dataVersion": 1}], "'dataVersion' is not text"),
        ([GOOD, CLOUD], "mixes event schemas"),
        ([{**CLOUD, "specversion": "0.3"}], "must be '1.0'"),
        ([{**CLOUD, "source": None}], "'source' is missing"),
        ([{**CLOUD, "time": "noon"}], "'time' is not an ISO 8601 time"),
        ([{**CLOUD, "data": 1, "data_base64": "MQ=="}], "both 'data' and 'data_base64'"),
    ],
)
def test_malformed_requests_are_refused_whole(grid: GridProcess, payload: Any, complaint: str) -> None:
    content = payload if isinstance(payload, str) else json.dumps(payload)

    answer = grid.request("POST", "/topics/mlw-dev/api/events", content=content)

    assert answer.status_code == 400
    assert complaint in answer.json()["error"]["message"]


def test_handshake_decides_about_a_subscription(grid: GridProcess, endpoint: Endpoint) -> None:
    endpoint.validates = False
    refused = grid.subscribe(endpoint)
    endpoint.validates = True
    taken = grid.subscribe(endpoint)

    assert refused.status_code == 400
    assert "did not return the validation code" in refused.json()["error"]["message"]
    assert (taken.status_code, taken.json()["properties"]["provisioningState"]) == (201, "Succeeded")
    handshake = endpoint.handshakes[0]
    assert handshake.headers["aeg-subscription-name"] == "SUB"
    assert handshake.body[0]["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"


@pytest.mark.parametrize(("allows", "shakes"), [("*", 1), ("eventgrid.azure.net", 1), ("other", 2), ("", 2)])
def test_handshake_of_cloud_events_is_in_headers_or_else_by_code(
    grid: GridProcess, endpoint: Endpoint, allows: str, shakes: int
) -> None:
    endpoint.allows = allows

    assert grid.subscribe(endpoint, eventDeliverySchema="CloudEventSchemaV1_0").status_code == 201
    assert endpoint.handshakes[0].headers["webhook-request-origin"] == "eventgrid.azure.net"
    assert len(endpoint.handshakes) == shakes


def test_subscription_can_be_replaced_read_and_removed(grid: GridProcess, endpoint: Endpoint) -> None:
    grid.subscribe(endpoint, filter={"includedEventTypes": ["Nothing"]})
    grid.subscribe(endpoint)
    assert {s["name"] for s in grid.request("GET", "/subscriptions").json()} == {"greenlight", "sub"}

    assert grid.request("DELETE", "/subscriptions/sub").status_code == 200
    assert grid.request("DELETE", "/subscriptions/sub").status_code == 204
    assert grid.request("GET", "/subscriptions/sub").status_code == 404
    grid.publish(GOOD)
    assert not grid.pending


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"topic": ""}, "topic is missing"),
        (
            {"destination": {"endpointType": "EventHub", "properties": {}}},
            "here are WebHook and AzureFunction",
        ),
        (
            {"destination": {"endpointType": "WebHook", "properties": {"endpointUrl": "http://example.com"}}},
            "must be https",
        ),
        ({"eventDeliverySchema": "Own"}, "unknown eventDeliverySchema"),
        ({"retryPolicy": {"maxDeliveryAttempts": 31}}, "maxDeliveryAttempts must be a whole number 1–30"),
        (
            {"filter": {"advancedFilters": [{"operatorType": "Like", "key": "subject"}]}},
            "unknown operatorType 'Like'",
        ),
        ({"deadLetterDestination": {"endpointType": "Queue"}}, "must be of endpointType StorageBlob"),
    ],
)
def test_subscriptions_that_are_refused(
    grid: GridProcess, endpoint: Endpoint, change: dict[str, Any], complaint: str
) -> None:
    answer = grid.subscribe(endpoint, **change)

    assert answer.status_code == 400
    assert complaint in answer.json()["error"]["message"]
    assert not endpoint.handshakes


def test_log_keeps_keys_to_itself(grid: GridProcess, endpoint: Endpoint) -> None:
    grid.subscribe(endpoint)
    grid.publish(GOOD)
    wait_for(lambda: endpoint.received, "the event")

    assert "SECRET" not in grid.log
