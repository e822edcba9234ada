"""Before anything is delivered the endpoint must consent: it echoes a code, or for CloudEvents by headers."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.eventgrid import events

if TYPE_CHECKING:
    from local.config import LocalConfig
    from local.eventgrid.sender import Answer, Sender
    from local.eventgrid.subscriptions import Subscription

ORIGIN = "eventgrid.azure.net"
TYPE = "Microsoft.EventGrid.SubscriptionValidationEvent"


async def refusal(
    config: LocalConfig, subscription: Subscription, topic_id: str, sender: Sender
) -> str | None:
    """None if the endpoint consented, else what went wrong."""
    url = subscription.url(config)
    if subscription.for_webhook and subscription.schema == events.CLOUD_EVENTS:
        asked = await sender.send("OPTIONS", url, {"WebHook-Request-Origin": ORIGIN})
        if _consents(asked):
            return None
    code = str(uuid.uuid4()).upper()
    body = json.dumps(_validation(topic_id, code, subscription.schema))
    answer = await sender.send("POST", url, _headers(subscription), body)
    if answer.status is None:
        return f"the endpoint does not answer ({answer.outcome})"
    if answer.status != 200:  # 202 does not count
        return f"the endpoint answered {answer.status} to the handshake"
    return None if _echoed(answer) == code else "the endpoint did not return the validation code"


def _consents(answer: Answer) -> bool:
    """The headers decide, whatever the status."""
    return answer.headers.get("WebHook-Allowed-Origin", "").lower() in {"*", ORIGIN}


def _echoed(answer: Answer) -> Any:
    try:
        return json.loads(answer.body).get("validationResponse")
    except (ValueError, AttributeError):
        return None


def _headers(subscription: Subscription) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "aeg-event-type": "SubscriptionValidation",
        "aeg-subscription-name": subscription.name.upper(),
        "aeg-delivery-count": "0",
        "aeg-metadata-version": "1",
    }


def _validation(topic_id: str, code: str, schema: str) -> Any:
    """An array in Event Grid's schema; a single CloudEvent carries its data as JSON text."""
    id_, now = str(uuid.uuid4()), datetime.now(UTC).isoformat().replace("+00:00", "Z")
    data = {"validationCode": code}
    if schema == events.CLOUD_EVENTS:
        event = {"specversion": "1.0", "id": id_, "source": topic_id, "type": TYPE, "time": now}
        return event | {"data": json.dumps(data)}
    event = {"id": id_, "topic": topic_id, "subject": "", "eventType": TYPE, "eventTime": now, "data": data}
    return [event | {"dataVersion": "2", "metadataVersion": "1"}]
