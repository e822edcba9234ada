"""Queue triggers with the extension's rules: batches, back-off, a lease that is renewed while the function
runs, dequeue counts, poison queues. See Microsoft.Azure.WebJobs.Extensions.Storage.Queues, QueueListener.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import os
import random
from typing import TYPE_CHECKING

from azure.functions.meta import Datum

from local.functions.queue_client import Message, QueueError

if TYPE_CHECKING:
    from local.functions.app import Binding, LoadedFunction
    from local.functions.bindings import Metadata
    from local.functions.connections import Connections
    from local.functions.hostjson import Queues
    from local.functions.invoke import Invoker, Outcome

log = logging.getLogger("host.queue")

LEASE_ENV = "LOCAL_FUNCTIONS_LEASE_SECONDS"
LEASE_SECONDS = 600.0  # fixed in the real host: what a killed instance was working on stays hidden so long
SHORTEST_POLL = 0.1
POISON = "-poison"
LONGEST_NAME = 63


def lease_seconds() -> float:
    return float(os.environ.get(LEASE_ENV) or LEASE_SECONDS)


class Backoff:
    """Randomised doubling from 100 ms up to the ceiling; starts again after a poll that found something."""

    def __init__(self, ceiling: float) -> None:
        self._ceiling = ceiling
        self._exponent = 0
        self._delay = 0.0
        self._random = random.Random()  # noqa: S311 - spreads polls, hides nothing

    def reset(self) -> None:
        self._exponent = 0
        self._delay = 0.0

    def next(self) -> float:
        """Once at the ceiling it stays there."""
        if self._delay < self._ceiling:
            spread = self._random.uniform(0.8, 1.2) * 2 ** (self._exponent - 1) if self._exponent else 0.0
            self._delay = min(SHORTEST_POLL * (1 + spread), self._ceiling)
            self._exponent += 1
        return self._delay


class QueueListener:
    """Polls one queue for one function."""

    def __init__(
        self, function: LoadedFunction, invoker: Invoker, connections: Connections, options: Queues
    ) -> None:
        service, name = connections.of(function, function.trigger)
        self._function = function
        self._invoker = invoker
        self._options = options
        self._lease = lease_seconds()
        self.queue = service.queue(name)
        has_poison = (
            not self.queue.name.endswith(POISON) and len(self.queue.name) + len(POISON) <= LONGEST_NAME
        )
        self._poison = service.queue(self.queue.name + POISON) if has_poison else None
        self._stopping = asyncio.Event()
        self._processing: set[asyncio.Task[None]] = set()
        self._failing = ""

    async def run(self) -> None:
        """Poll until stopped; a poll that found something is followed by the next one at once."""
        backoff = Backoff(self._options.max_polling_interval)
        while not self._stopping.is_set():
            if await self._poll():
                backoff.reset()
                await self._room()
            else:
                await self._pause(backoff.next())

    def stop(self) -> None:
        self._stopping.set()

    async def finished(self) -> None:
        """Wait for the messages in hand, their deletion included."""
        await asyncio.gather(*self._processing, return_exceptions=True)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _room(self) -> None:
        """The next batch is fetched when at most `newBatchThreshold` messages are in hand."""
        while len(self._processing) > self._options.new_batch_threshold:
            await asyncio.wait(self._processing, return_when=asyncio.FIRST_COMPLETED)

    async def _poll(self) -> bool:
        try:
            messages = await self.queue.receive(self._options.batch_size, self._lease)
        except Exception as error:  # noqa: BLE001 - no token, bad answer: a listener never dies, it tries again
            self._complain(error)
            return False
        if self._failing:
            log.info("queue %s can be read again", self.queue.name)
            self._failing = ""
        for message in messages:
            task = asyncio.ensure_future(self._process(message))
            self._processing.add(task)
            task.add_done_callback(self._processing.discard)
        return bool(messages)

    def _complain(self, error: Exception) -> None:
        """Once per kind of failure, not once per poll."""
        text = f"{type(error).__name__}: {error}"
        if text != self._failing:
            log.warning("queue %s cannot be read (%s); trying again and again", self.queue.name, text)
            self._failing = text

    async def _process(self, message: Message) -> None:
        try:
            if message.dequeue_count > self._options.max_dequeue_count and self._poison:
                await self._to_poison(message, "was taken too often")
                return
            try:
                text = _decoded(message.text, base64_encoded=self._options.base64)
            except ValueError:
                await self._to_poison(message, "is not Base64, which messageEncoding asks for")
                return
            outcome = await self._invoke(message, text)
            await self._complete(message, outcome)
        except QueueError as error:
            log.warning("queue %s: message %s: %s; it comes back", self.queue.name, message.id, error)

    async def _invoke(self, message: Message, text: str | bytes) -> Outcome:
        done = asyncio.Event()
        renewal = asyncio.ensure_future(self._renew(message, done))
        why = f"queue {self.queue.name}, try {message.dequeue_count}"
        try:
            datum = _datum(self._function.trigger, text)
            return await self._invoker.run(self._function, datum, _metadata(message, text), why)
        finally:
            done.set()
            await renewal

    async def _renew(self, message: Message, done: asyncio.Event) -> None:
        """Half-way to the lease's end, again and again; sooner after a failure."""
        wait = self._lease / 2
        while True:
            try:
                await asyncio.wait_for(done.wait(), wait)
            except TimeoutError:
                pass
            else:
                return
            try:
                await self.queue.hide(message, self._lease)
                wait = self._lease / 2
            except QueueError as error:
                log.warning("queue %s: lease of %s not renewed: %s", self.queue.name, message.id, error)
                wait = max(0.5, wait / 4)

    async def _complete(self, message: Message, outcome: Outcome) -> None:
        if outcome.succeeded:
            await self.queue.delete(message)
        elif self._poison is None:
            log.warning("queue %s has no poison queue: %s stays hidden", self.queue.name, message.id)
        elif message.dequeue_count >= self._options.max_dequeue_count:
            await self._to_poison(message, f"failed {message.dequeue_count} times")
        else:
            await self.queue.hide(message, self._options.visibility_timeout)

    async def _to_poison(self, message: Message, reason: str) -> None:
        if self._poison is None:  # as in the real host: nowhere to put it, so it stays hidden for a lease
            log.warning(
                "queue %s: message %s %s; there is no poison queue", self.queue.name, message.id, reason
            )
            return
        log.warning(
            "message %s of %s %s: moved to %s", message.id, self.queue.name, reason, self._poison.name
        )
        await self._poison.put(message.text)
        await self.queue.delete(message)


def _decoded(text: str, *, base64_encoded: bool) -> str | bytes:
    if not base64_encoded:
        return text
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not Base64") from error
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _datum(trigger: Binding, text: str | bytes) -> Datum:
    wants_bytes = str(trigger.properties.get("dataType") or "").lower().endswith("binary")
    if isinstance(text, bytes) or wants_bytes:
        return Datum(text if isinstance(text, bytes) else text.encode(), "bytes")
    return Datum(text, "string")


def _metadata(message: Message, text: str | bytes) -> Metadata:
    """What the host tells about a message, in the form in which it crosses to the worker."""
    return {
        "Id": Datum(message.id, "string"),
        "PopReceipt": Datum(message.pop_receipt, "string"),
        "DequeueCount": Datum(json.dumps(message.dequeue_count), "json"),
        "InsertionTime": Datum(json.dumps(message.inserted.isoformat()), "json"),
        "ExpirationTime": Datum(json.dumps(message.expires.isoformat()), "json"),
        "NextVisibleTime": Datum(json.dumps(message.next_visible.isoformat()), "json"),
        **({"QueueTrigger": Datum(text, "string")} if isinstance(text, str) else {}),
    }
