"""Event subscriptions in ARM's property shape, kept as a JSON file that a person can read and edit."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from local.eventgrid import events, filters
from local.functions import keys

if TYPE_CHECKING:
    from pathlib import Path

    from local.config import LocalConfig

NAME = re.compile(r"[A-Za-z0-9-]{3,64}")
CREATING = "Creating"  # the endpoint has not answered the handshake yet; events wait
SUCCEEDED = "Succeeded"


class SubscriptionError(ValueError):
    """The service would refuse this subscription."""


@dataclass(frozen=True)
class Subscription:
    """A checked subscription; `properties` is what was given, and what is kept."""

    name: str
    topic: str
    endpoint_type: str
    endpoint: str
    filter: filters.Filter
    schema: str
    max_attempts: int
    time_to_live: float  # seconds, not scaled
    dead_letter: tuple[str, str] | None  # storage account, container
    state: str
    properties: dict[str, Any]

    @property
    def for_webhook(self) -> bool:
        return self.endpoint_type == "WebHook"

    def url(self, config: LocalConfig) -> str:
        """Where to post. A function's key is looked up each time, as the platform does, and kept nowhere."""
        if self.for_webhook:
            return self.endpoint
        access = keys.load_or_create(config.home / "functions" / "keys.json")
        function = self.endpoint.rpartition("/")[2]
        query = urlencode({"functionName": function, "code": access.system_keys[keys.EVENT_GRID]})
        return f"{config.front_url}/runtime/webhooks/eventgrid?{query}"


def parse(name: str, properties: Any) -> Subscription:
    """Check the shape of `Microsoft.EventGrid/…/eventSubscriptions` properties, plus `topic`."""
    if not NAME.fullmatch(name):
        raise SubscriptionError(f"the name {name!r} must be 3–64 letters, digits and dashes")
    if not isinstance(properties, dict):
        raise SubscriptionError("the properties must be an object")
    kind, endpoint = _destination(properties.get("destination"))
    schema = properties.get("eventDeliverySchema") or events.EVENT_GRID
    if schema not in {events.EVENT_GRID, events.CLOUD_EVENTS}:
        raise SubscriptionError(f"unknown eventDeliverySchema {schema!r}")
    policy = properties.get("retryPolicy") or {}
    try:
        wanted = filters.parse(properties.get("filter") or {})
    except filters.FilterError as error:
        raise SubscriptionError(f"filter: {error}") from error
    return Subscription(
        name=name,
        topic=_text(properties, "topic"),
        endpoint_type=kind,
        endpoint=endpoint,
        filter=wanted,
        schema=schema,
        max_attempts=_whole(policy, "maxDeliveryAttempts", 30, 30),
        time_to_live=_whole(policy, "eventTimeToLiveInMinutes", 1440, 1440) * 60.0,
        dead_letter=_dead_letter(properties),
        state=properties.get("provisioningState") or CREATING,
        properties=properties,
    )


def _destination(data: Any) -> tuple[str, str]:
    if not isinstance(data, dict) or not isinstance(data.get("properties"), dict):
        raise SubscriptionError("destination needs endpointType and properties")
    kind, properties = data.get("endpointType"), data["properties"]
    if kind == "WebHook":
        url = _text(properties, "endpointUrl")
        if not url.startswith(("https://", "http://localhost:", "http://127.0.0.1:")):
            raise SubscriptionError("endpointUrl must be https, or this machine")
        return kind, url
    if kind == "AzureFunction":
        resource = _text(properties, "resourceId")
        if not re.search(r"/functions/[^/]+$", resource):
            raise SubscriptionError("resourceId of an AzureFunction ends with /functions/<name>")
        return kind, resource
    raise SubscriptionError(f"endpointType {kind!r}: here are WebHook and AzureFunction")


def _dead_letter(properties: dict[str, Any]) -> tuple[str, str] | None:
    with_identity = properties.get("deadLetterWithResourceIdentity") or {}
    data = properties.get("deadLetterDestination") or with_identity.get("deadLetterDestination")
    if not data:
        return None
    if data.get("endpointType") != "StorageBlob":
        raise SubscriptionError("deadLetterDestination must be of endpointType StorageBlob")
    target = data.get("properties") or {}
    return _text(target, "resourceId").rpartition("/")[2], _text(target, "blobContainerName")


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise SubscriptionError(f"{key} is missing")
    return value


def _whole(data: dict[str, Any], key: str, default: int, high: int) -> int:
    value = data.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= high:
        raise SubscriptionError(f"{key} must be a whole number 1–{high}")
    return value


class Subscriptions:
    """All of them, in memory and in the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        stored = json.loads(path.read_text()) if path.exists() else {}
        self._known = {name: parse(name, properties) for name, properties in stored.items()}

    def all(self) -> list[Subscription]:
        return list(self._known.values())

    def get(self, name: str) -> Subscription | None:
        return self._known.get(name)

    def wanting(self, topic: str, event: events.Event) -> list[Subscription]:
        """CloudEvents input cannot be delivered in Event Grid's own schema."""
        return [
            s
            for s in self._known.values()
            if s.topic == topic
            and s.filter.accepts(event)
            and (event.schema == events.EVENT_GRID or s.schema == events.CLOUD_EVENTS)
        ]

    def put(self, subscription: Subscription, state: str) -> Subscription:
        kept = parse(subscription.name, subscription.properties | {"provisioningState": state})
        self._known[kept.name] = kept
        self._save()
        return kept

    def remove(self, name: str) -> bool:
        found = self._known.pop(name, None)
        self._save()
        return found is not None

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps({n: s.properties for n, s in self._known.items()}, indent=1))
        draft.replace(self._path)
