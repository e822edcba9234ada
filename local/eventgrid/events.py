"""The two event schemas: what a publisher may send, and how one is delivered as the other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAX_BYTES = 1_048_576  # one event, and one publish request
EVENT_GRID = "EventGridSchema"
CLOUD_EVENTS = "CloudEventSchemaV1_0"
_FRACTION = re.compile(r"(\.\d{6})\d+")
_REQUIRED = {
    EVENT_GRID: ("id", "subject", "eventType", "eventTime"),
    CLOUD_EVENTS: ("id", "source", "type", "specversion"),
}
_CLOUD_ATTRIBUTES = ("subject", "time", "datacontenttype", "dataschema")


class InvalidEventError(ValueError):
    """Event Grid answers 400 to this."""


@dataclass(frozen=True)
class Event:
    """One accepted event in the schema in which it came."""

    body: dict[str, Any]
    schema: str

    @property
    def id(self) -> str:
        return self.body["id"]

    @property
    def type(self) -> str:
        return self.body["eventType" if self.schema == EVENT_GRID else "type"]

    @property
    def subject(self) -> str:
        return self.body.get("subject") or ""

    def delivered_as(self, schema: str) -> dict[str, Any]:
        return self.body if schema == self.schema else _cloud_event(self.body)


def parse(payload: Any, topic_id: str) -> list[Event]:
    """Every event of a publish request, or none: a request is taken whole."""
    bodies = payload if isinstance(payload, list) else [payload]
    if not bodies:
        raise InvalidEventError("The request has no events.")
    found = [_event(body, index, topic_id) for index, body in enumerate(bodies)]
    if len({e.schema for e in found}) > 1:
        raise InvalidEventError("The request mixes event schemas.")
    return found


def _event(body: Any, index: int, topic_id: str) -> Event:
    if not isinstance(body, dict):
        raise InvalidEventError(f"Event {index} is not an object.")
    schema = CLOUD_EVENTS if "specversion" in body else EVENT_GRID
    for name in _REQUIRED[schema]:
        if not isinstance(body.get(name), str) or not body[name]:
            raise InvalidEventError(f"Event {index}: the required property '{name}' is missing or not text.")
    if schema == CLOUD_EVENTS:
        return Event(_checked_cloud_event(body, index), schema)
    _check_time(body["eventTime"], index, "eventTime")
    topic = body.get("topic") or topic_id
    if topic.lower() != topic_id.lower():
        raise InvalidEventError(f"Event {index}: the topic must be empty or '{topic_id}'.")
    if not isinstance(body.get("dataVersion") or "", str):
        raise InvalidEventError(f"Event {index}: 'dataVersion' is not text.")
    stamped = {"topic": topic, "dataVersion": "", **{k: v for k, v in body.items() if v is not None}}
    return Event(stamped | {"topic": topic, "metadataVersion": "1"}, schema)


def _checked_cloud_event(body: dict[str, Any], index: int) -> dict[str, Any]:
    if body["specversion"] != "1.0":
        raise InvalidEventError(f"Event {index}: 'specversion' must be '1.0'.")
    if "data" in body and "data_base64" in body:
        raise InvalidEventError(f"Event {index}: both 'data' and 'data_base64' are given.")
    for name in _CLOUD_ATTRIBUTES:
        if body.get(name) is not None and not isinstance(body[name], str):
            raise InvalidEventError(f"Event {index}: '{name}' is not text.")
    if body.get("time") is not None:
        _check_time(body["time"], index, "time")
    return body


def _check_time(text: str, index: int, name: str) -> None:
    try:
        datetime.fromisoformat(_FRACTION.sub(r"\1", text))  # the platform writes seven digits
    except ValueError:
        raise InvalidEventError(f"Event {index}: '{name}' is not an ISO 8601 time.") from None


def _cloud_event(body: dict[str, Any]) -> dict[str, Any]:
    """Event Grid's own schema as CloudEvents 1.0; the other direction does not exist."""
    return {
        "specversion": "1.0",
        "id": body["id"],
        "source": body["topic"],
        "subject": body["subject"],
        "type": body["eventType"],
        "time": body["eventTime"],
        "data": body.get("data"),
    }
