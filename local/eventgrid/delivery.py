"""Delivers what is owed: at least once, in no order, each on its own schedule."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING

from local.eventgrid import deadletters, retry, subscriptions
from local.eventgrid.events import CLOUD_EVENTS, EVENT_GRID
from local.eventgrid.sender import AT_ONCE

if TYPE_CHECKING:
    from local.config import LocalConfig
    from local.eventgrid.sender import Sender
    from local.eventgrid.store import Delivery, Store
    from local.eventgrid.subscriptions import Subscription, Subscriptions

log = logging.getLogger("eventgrid")

DISK_SECONDS = 5.0  # a dead-letter container that cannot be reached is tried again so often
NEVER = 1e12  # due when the subscription's endpoint has been validated


class Dispatcher:
    """One loop that starts attempts; `scale` divides the schedule's waits, not the answer's deadline."""

    def __init__(
        self, config: LocalConfig, store: Store, known: Subscriptions, sender: Sender, scale: float
    ) -> None:
        self._config = config
        self._store = store
        self._known = known
        self._scale = scale
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._failures: dict[str, int] = {}  # in a row, by subscription
        self._last: dict[str, str] = {}  # the outcome of the last of them
        self._wake = asyncio.Event()
        self._sender = sender

    def nudge(self) -> None:
        """Something new is due."""
        self._wake.set()

    async def run(self) -> None:
        while True:
            self._wake.clear()
            now = time.time()
            for delivery in self._store.due(now, set(self._busy), AT_ONCE - len(self._busy)):
                self._start(delivery)
            due = None if len(self._busy) >= AT_ONCE else self._store.next_due(set(self._busy))
            wait = None if due is None or due >= NEVER else max(0.0, due - time.time())
            try:
                await asyncio.wait_for(self._wake.wait(), wait)
            except TimeoutError:
                continue

    def _start(self, delivery: Delivery) -> None:
        task = asyncio.ensure_future(self._handle(delivery))
        self._busy[delivery.id] = task
        task.add_done_callback(lambda _: (self._busy.pop(delivery.id, None), self._wake.set()))

    async def stop(self) -> None:
        for task in list(self._busy.values()):
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    def first_due(self, subscription: Subscription) -> float:
        """When a new event is sent: now, unless the endpoint is not validated yet or is in trouble."""
        if subscription.state != subscriptions.SUCCEEDED:
            return NEVER
        if self._failures.get(subscription.name, 0) < retry.TROUBLED_AFTER:
            return time.time()
        return time.time() + retry.probation(self._last[subscription.name]) / self._scale

    async def _handle(self, delivery: Delivery) -> None:
        subscription = self._known.get(delivery.subscription)
        if subscription is None:
            self._store.remove(delivery)
        elif delivery.reason:
            await self._bury(subscription, delivery)
        elif time.time() > delivery.published + subscription.time_to_live / self._scale:
            self._give_up(subscription, delivery, deadletters.EXPIRED)
        else:
            await self._attempt(subscription, delivery)

    async def _attempt(self, subscription: Subscription, delivery: Delivery) -> None:
        delivery.attempted = time.time()
        sending = asyncio.ensure_future(self._send(subscription, delivery))
        try:
            done, _ = await asyncio.wait({sending}, timeout=retry.ANSWER_SECONDS)
        except asyncio.CancelledError:
            sending.cancel()
            raise
        delivery.attempts += 1
        if not done:
            self._failed(subscription, delivery, None, "TimedOut")
            await self._late(sending, delivery)
            return
        status, outcome = sending.result()
        if status in retry.SUCCESS:
            self._failures.pop(subscription.name, None)
            self._store.remove(delivery)
            milliseconds = (time.time() - delivery.attempted) * 1000
            log.info("%s: %s delivered (%d in %.0f ms)", *_names(delivery), status, milliseconds)
        else:
            self._failed(subscription, delivery, status, outcome)

    async def _late(self, sending: asyncio.Future[tuple[int | None, str]], delivery: Delivery) -> None:
        """The endpoint may still answer: then nothing is owed any more."""
        done, _ = await asyncio.wait({sending}, timeout=retry.LATE_SECONDS - retry.ANSWER_SECONDS)
        if done and sending.result()[0] in retry.SUCCESS:
            self._store.remove(delivery)
        sending.cancel()

    def _failed(
        self, subscription: Subscription, delivery: Delivery, status: int | None, outcome: str
    ) -> None:
        self._failures[subscription.name] = self._failures.get(subscription.name, 0) + 1
        self._last[subscription.name] = outcome
        delivery.outcome, delivery.fault = outcome, None
        if status is not None and retry.is_final(status, webhook=subscription.for_webhook):
            self._give_up(subscription, delivery, deadletters.REFUSED)
        elif delivery.attempts >= subscription.max_attempts:
            self._give_up(subscription, delivery, deadletters.MAX_ATTEMPTS)
        else:
            pause = retry.wait(delivery.attempts, status, webhook=subscription.for_webhook) / self._scale
            delivery.due = time.time() + pause
            self._store.save(delivery)
            text = "%s: %s not delivered (%s), attempt %d; next in %.1f s"
            log.warning(text, *_names(delivery), status or outcome, delivery.attempts, pause)

    def _give_up(self, subscription: Subscription, delivery: Delivery, reason: str) -> None:
        if subscription.dead_letter is None:
            log.error("%s: %s dropped after %d attempts: %s", *_names(delivery), delivery.attempts, reason)
            self._store.remove(delivery)
            return
        delivery.reason = reason
        delivery.due = time.time() + retry.DEAD_LETTER_SECONDS / self._scale
        self._store.save(delivery)
        log.error("%s: %s given up after %d attempts: %s", *_names(delivery), delivery.attempts, reason)

    async def _bury(self, subscription: Subscription, delivery: Delivery) -> None:
        try:
            name = await asyncio.to_thread(deadletters.write, self._config, subscription, delivery)
        except Exception as error:  # noqa: BLE001 - whatever the storage client raises: it is tried again
            limit = (
                delivery.attempted + (retry.DEAD_LETTER_SECONDS + retry.DEAD_LETTER_PATIENCE) / self._scale
            )
            if time.time() > limit:
                log.error("%s: %s dropped: its dead letter cannot be written", *_names(delivery))  # noqa: TRY400
                self._store.remove(delivery)
                return
            log.warning("%s: %s: dead letter not written: %s", *_names(delivery), type(error).__name__)
            delivery.due = time.time() + DISK_SECONDS
            self._store.save(delivery)
            return
        self._store.remove(delivery)
        log.info("%s: %s is a dead letter now: %s", *_names(delivery), name)

    async def _send(self, subscription: Subscription, delivery: Delivery) -> tuple[int | None, str]:
        """Status and outcome; no status when there was no answer. Never raises."""
        if delivery.fault is not None:
            return delivery.fault, retry.outcome(delivery.fault)
        body = delivery.event.delivered_as(subscription.schema)
        batched = subscription.schema == EVENT_GRID  # CloudEvents are sent one by one, as objects
        content = json.dumps([body] if batched else body)
        url = subscription.url(self._config)
        answer = await self._sender.send("POST", url, _headers(subscription, delivery), content)
        return answer.status, answer.outcome


def _names(delivery: Delivery) -> tuple[str, str]:
    return delivery.subscription, f"{delivery.event.type.rpartition('.')[2]} {delivery.event.subject}"


def _headers(subscription: Subscription, delivery: Delivery) -> dict[str, str]:
    cloud = subscription.schema == CLOUD_EVENTS
    return {
        "Content-Type": "application/cloudevents+json; charset=utf-8"
        if cloud
        else "application/json; charset=utf-8",
        "aeg-event-type": "Notification",
        "aeg-subscription-name": subscription.name.upper(),
        "aeg-delivery-count": str(delivery.attempts),
        "aeg-data-version": "" if cloud else str(delivery.event.body.get("dataVersion", "")),
        "aeg-metadata-version": "1.0" if cloud else "1",
        "aeg-output-event-id": delivery.event.id,
    }
