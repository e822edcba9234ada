"""Publishing and subscriptions: what the HTTP side calls."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import time
from typing import TYPE_CHECKING, Any

from local import faults
from local.config import APP_ACCOUNT, REGION, SUBSCRIPTION, SUFFIX
from local.eventgrid import delivery, events, handshake, own, subscriptions
from local.eventgrid.sender import Sender
from local.eventgrid.store import Delivery, Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.config import LocalConfig

log = logging.getLogger("eventgrid")

HOST_SUFFIX = f".{REGION}-1.eventgrid.{SUFFIX}"
DEFAULT = "greenlight"  # the subscription that Bicep creates in Azure
DEFAULT_FUNCTION = "on_model_event"
ML = "Microsoft.MachineLearningServices"
HANDSHAKE_SECONDS = 0.3
RESOURCES = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-greenlight/providers"


def topic_key(topic: str) -> str:
    """Derived from the name, like the storage accounts' keys."""
    return base64.b64encode(hashlib.sha256(f"greenlight topic {topic}".encode()).digest()).decode()


def default_subscription(config: LocalConfig) -> subscriptions.Subscription:
    """What infra/ deploys on the source workspace's system topic."""
    app = f"{RESOURCES}/Microsoft.Web/sites/func-greenlight"
    account = f"{RESOURCES}/Microsoft.Storage/storageAccounts/{APP_ACCOUNT}"
    properties: dict[str, Any] = {
        "topic": config.workspaces[0].name,
        "destination": {
            "endpointType": "AzureFunction",
            "properties": {"resourceId": f"{app}/functions/{DEFAULT_FUNCTION}"},
        },
        "filter": {"includedEventTypes": [f"{ML}.ModelRegistered", f"{ML}.RunCompleted"]},
        "eventDeliverySchema": events.EVENT_GRID,
        "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
        "deadLetterWithResourceIdentity": {
            "identity": {"type": "SystemAssigned"},
            "deadLetterDestination": {
                "endpointType": "StorageBlob",
                "properties": {"resourceId": account, "blobContainerName": "eventgrid-deadletter"},
            },
        },
    }
    return subscriptions.parse(DEFAULT, properties)


class EventGrid:
    """One region's Event Grid."""

    def __init__(self, config: LocalConfig, scale: float) -> None:
        self._config = config
        folder = config.home / "eventgrid"
        self.store = Store(folder / "deliveries.db")
        self.known = subscriptions.Subscriptions(folder / "subscriptions.json")
        self._sender = Sender()
        self.dispatcher = delivery.Dispatcher(config, self.store, self.known, self._sender, scale)

    def check_sender(self, headers: Mapping[str, str]) -> None:
        """May whoever sent these publish Greenlight's own events? Raises NoRightError."""
        own.check_sender(self._config, headers)

    def topic_id(self, topic: str) -> str:
        """A workspace's system topic is the workspace; any other name is a custom topic."""
        workspace = next((w for w in self._config.workspaces if w.name == topic), None)
        return workspace.id if workspace else f"{RESOURCES}/Microsoft.EventGrid/topics/{topic}"

    def publish(self, topic: str, payload: Any) -> int:
        """Accept a whole request; on disk when this returns. Raises InvalidEventError."""
        accepted = events.parse(payload, self.topic_id(topic))
        if topic == own.NAME:
            own.keep(self._config, accepted)
        owed = [d for event in accepted for d in self._owed(topic, event)]
        if owed:
            self.store.add(owed)
            self.dispatcher.nudge()
        log.info("%s: %d events accepted, %d deliveries owed", topic, len(accepted), len(owed))
        return len(accepted)

    def _owed(self, topic: str, event: events.Event) -> list[Delivery]:
        return [d for s in self.known.wanting(topic, event) for d in self._for(topic, event, s)]

    def _for(
        self, topic: str, event: events.Event, subscription: subscriptions.Subscription
    ) -> list[Delivery]:
        """One delivery, unless a fault was asked for."""
        due = self.dispatcher.first_due(subscription)
        rule = faults.take(
            self._config,
            "event",
            topic=topic,
            subject=event.subject,
            eventType=event.type,
            subscription=subscription.name,
        )
        made = Delivery(0, subscription.name, event, time.time(), due)
        if rule is None:
            return [made]
        log.warning("fault %s: %s %s", rule["id"], event.type, event.subject)
        made.due += float(rule.get("delay", 0))
        made.fault = int(rule["status"]) if "status" in rule else None
        return [] if rule.get("drop") else [made] * (2 if rule.get("duplicate") else 1)

    async def subscribe(self, name: str, properties: Any) -> subscriptions.Subscription:
        """Create or replace; the endpoint must consent first. Raises SubscriptionError."""
        wanted = subscriptions.parse(name, properties)
        problem = await self._handshake(wanted)
        if problem:
            raise subscriptions.SubscriptionError(f"Webhook validation handshake failed: {problem}")
        return self._succeeded(wanted)

    async def ensure_default(self) -> None:
        """As if deployed beforehand: events wait until the function exists and has consented."""
        wanted = default_subscription(self._config)
        existing = self.known.get(DEFAULT)
        if existing is None:
            existing = self.known.put(wanted, subscriptions.CREATING)
        if existing.state == subscriptions.SUCCEEDED:
            return
        seen = ""
        while problem := await self._handshake(existing):
            if problem != seen:
                log.info("%s: waiting: %s", DEFAULT, problem)
                seen = problem
            await asyncio.sleep(HANDSHAKE_SECONDS)
        self._succeeded(existing)

    async def _handshake(self, subscription: subscriptions.Subscription) -> str | None:
        topic_id = self.topic_id(subscription.topic)
        return await handshake.refusal(self._config, subscription, topic_id, self._sender)

    def _succeeded(self, subscription: subscriptions.Subscription) -> subscriptions.Subscription:
        made = self.known.put(subscription, subscriptions.SUCCEEDED)
        self.store.release(made.name, time.time())
        self.dispatcher.nudge()
        log.info("%s: subscribed to %s", made.name, made.topic)
        return made

    async def close(self) -> None:
        await self.dispatcher.stop()
        self._sender.close()
        self.store.close()

    def unsubscribe(self, name: str) -> bool:
        self.store.drop_subscription(name)
        return self.known.remove(name)
