"""Publishes CloudEvents 1.0 to a custom topic of Event Grid, by identity: the topic takes no keys.

A request takes a batch, here of one: that is what Azure's own clients send to a custom topic. 200 means that
it is stored, and will be tried for a day at each subscription.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from shared.failures import from_status

if TYPE_CHECKING:
    from shared.asking import Ask

SCOPE: Final = "https://eventgrid.azure.net/.default"
"""The same in every cloud."""
SEND: Final = "Microsoft.EventGrid/events/send/action"
"""The data action of the role EventGrid Data Sender."""
SENDER: Final = "EventGrid Data Sender"
_API = "2018-01-01"
_BATCH = "application/cloudevents-batch+json; charset=utf-8"
_UNSAID = {
    401: "it does not take this identity's token",
    403: f"this identity may not publish there: role {SENDER}",
    404: "there is no such topic",
    413: "the event is too large for it",
}


class Publish(Protocol):
    """What publishes events to a topic. None at all is a harmless question whether one would be allowed."""

    def __call__(self, topic: str, *events: Mapping[str, Any]) -> None: ...


class EventTopics:
    """Satisfies `Publish`."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def __call__(self, topic: str, *events: Mapping[str, Any]) -> None:
        """Raises Busy, Unavailable, Unknown, Forbidden, NotFound, Refused or Invalid."""
        body = json.dumps(events, ensure_ascii=False, separators=(",", ":")).encode()
        url = f"{topic}?api-version={_API}"
        answer = self._ask("POST", url, scope=SCOPE, headers={"Content-Type": _BATCH}, body=body)
        if not 200 <= answer.status < 300:
            code, text = _said(answer.body)
            doing = f"publish to {topic.partition('://')[2].partition('/')[0]}"
            raise from_status(
                doing, answer.status, code, text or _UNSAID.get(answer.status, ""), answer.headers
            )


def cloud_event(
    *, source: str, name: str, kind: str, subject: str, at: datetime, data: Mapping[str, Any]
) -> dict[str, Any]:
    """One event in JSON. `source` and `name`, its id, are its own: who has seen them has seen it."""
    return {
        "specversion": "1.0",
        "id": name,
        "source": source,
        "type": kind,
        "subject": subject,
        "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": data,
    }


def _said(body: bytes) -> tuple[str, str]:
    """Code and message of the service's own words."""
    try:
        told: object = json.loads(body or b"{}")
    except ValueError:
        return "", ""
    error = cast("dict[str, Any]", told).get("error") if isinstance(told, dict) else None
    if not isinstance(error, dict):
        return "", ""
    found = cast("dict[str, Any]", error)
    return str(found.get("code") or ""), str(found.get("message") or "")
