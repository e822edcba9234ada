"""Before anything is delivered the endpoint must consent: it echoes a code, or for CloudEvents by headers."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx

from local.eventgrid import events, retry

if TYPE_CHECKING:
    from local.config import LocalConfig
    from local.eventgrid.subscriptions import Subscription

ORIGIN = "eventgrid.azure.net"
TYPE = "Microsoft.EventGrid.SubscriptionValidationEvent"


async def refusal(config: LocalConfig, subscription: Subscription, topic_id: str) -> str | None:
    """None if the endpoint consented, else what went wrong."""
    async with httpx.AsyncClient(trust_env=False, timeout=retry.ANSWER_SECONDS) as client:
        url = subscription.url(config)
        try:
            if subscription.for_webhook and subscription.schema == events.CLOUD_EVENTS:
                answer = await client.options(url, headers={"WebHook-Request-Origin": ORIGIN})
                if _consents(answer):
                    return None
            code = str(uuid.uuid4()).upper()
            body = _validation(topic_id, code, subscription.schema)
            answer = await client.post(url, content=json.dumps(body), headers=_headers(subscription))
        except (httpx.HTTPError, OSError) as error:
            return f"the endpoint does not answer ({type(error).__name__})"
    if answer.status_code != 200:  # 202 does not count
        return f"the endpoint answered {answer.status_code} to the handshake"
    return None if _echoed(answer) == code else "the endpoint did not return the validation code"


def _consents(answer: httpx.Response) -> bool:
    """The headers decide, whatever the status."""
    return answer.headers.get("WebHook-Allowed-Origin", "").lower() in {"*", ORIGIN}


def _echoed(answer: httpx.Response) -> Any:
    try:
        return answer.json().get("validationResponse")
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
