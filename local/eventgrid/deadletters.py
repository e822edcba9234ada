"""Writes events that could not be delivered to the subscription's blob container, in the documented form."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.eventgrid.events import CLOUD_EVENTS

if TYPE_CHECKING:
    from local.config import LocalConfig
    from local.eventgrid.store import Delivery
    from local.eventgrid.subscriptions import Subscription

MAX_ATTEMPTS = "MaxDeliveryAttemptsExceeded"
EXPIRED = "TimeToLiveExceeded"
REFUSED = "UndeliverableDueToHttpStatusCode"


def blob_name(subscription: str, now: datetime) -> str:
    """Upper-case subscription, then the hour without leading zeros."""
    return f"{subscription.upper()}/{now.year}/{now.month}/{now.day}/{now.hour}/{uuid.uuid4()}.json"


def document(delivery: Delivery, schema: str) -> dict[str, Any]:
    """The event with what happened to it; CloudEvents attributes must be lower case."""
    facts: dict[str, Any] = {
        "deadLetterReason": delivery.reason,
        "deliveryAttempts": delivery.attempts,
        "lastDeliveryOutcome": delivery.outcome,
        "publishTime": _time(delivery.published),
    }
    if schema == CLOUD_EVENTS:
        facts = {key.lower(): value for key, value in facts.items()}
    else:
        facts["lastDeliveryAttemptTime"] = _time(delivery.attempted)
    return delivery.event.delivered_as(schema) | facts


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def write(config: LocalConfig, subscription: Subscription, delivery: Delivery) -> str:
    """Returns the blob's name; raises what the storage client raises."""
    from azure.storage.blob import BlobClient, ContentSettings

    if subscription.dead_letter is None:
        raise ValueError(f"{subscription.name} has no dead-letter destination")
    account, container = subscription.dead_letter
    name = blob_name(subscription.name, datetime.now(UTC))
    client = BlobClient.from_connection_string(
        config.connection_string(account),
        container,
        name,
        connection_verify=str(config.ca_bundle),
        use_env_settings=False,
    )
    with client:
        client.upload_blob(
            json.dumps([document(delivery, subscription.schema)]),
            content_settings=ContentSettings(content_type="application/json"),
        )
    return name
