"""The topic for Greenlight's own events, as infra/modules/own-topic.bicep makes it: CloudEvents, and no keys.

Whoever has the role may publish. What was published is kept, a line of JSON for each event.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local import identity
from local.azureml import roles
from local.azureml.grid import OWN_ENDPOINT, OWN_TOPIC, own_topic_id
from local.eventgrid.events import CLOUD_EVENTS, InvalidEventError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.config import LocalConfig
    from local.eventgrid.events import Event

NAME, ENDPOINT = OWN_TOPIC, OWN_ENDPOINT
AUDIENCE = "https://eventgrid.azure.net"
CONTENT_TYPES = ("application/cloudevents+json", "application/cloudevents-batch+json")


class NoRightError(Exception):
    """Event Grid answers 401 to this, also where only the role is missing."""


def check_sender(config: LocalConfig, headers: Mapping[str, str]) -> None:
    """Raises NoRightError."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise NoRightError("Local authentication is disabled for the topic: the request needs a token.")
    try:
        who = identity.verify_token(config, token, AUDIENCE)["oid"]
    except identity.TokenRefusedError as error:
        raise NoRightError(str(error)) from error
    place = own_topic_id()
    if not any(roles.EVENT_SENDER is each.role for each in roles.assigned(config, who, place)):
        raise NoRightError(
            "The principal associated with access token presented with the incoming request does not have"
            f" permission to send data to {place}."
        )


def check_form(content_type: str, payload: Any) -> None:
    """Raises InvalidEventError for what is no CloudEvent by its header, or no array where one is named."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in CONTENT_TYPES:
        raise InvalidEventError(f"The content type must be one of {', '.join(CONTENT_TYPES)}.")
    if kind.endswith("-batch+json") != isinstance(payload, list):
        raise InvalidEventError(f"The request is not what {kind} says.")


def keep(config: LocalConfig, accepted: Iterable[Event]) -> None:
    """On disk before the publisher has its answer."""
    events = list(accepted)
    if any(event.schema != CLOUD_EVENTS for event in events):
        raise InvalidEventError(f"The topic takes {CLOUD_EVENTS} alone.")
    path = config.home / "eventgrid" / f"{NAME}.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(event.body, ensure_ascii=False)}\n" for event in events)


def published(config: LocalConfig) -> list[dict[str, Any]]:
    """Every event that the topic took, oldest first."""
    path = config.home / "eventgrid" / f"{NAME}.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.split("\n") if line]
