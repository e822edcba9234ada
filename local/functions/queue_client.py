"""A thin client of the Queue service's REST interface, kept open, for the host's own use.

The SDK costs ten times the CPU for each of these calls, and the host polls all day. The calls block, so they
run in threads of their own: a function that fills the app's threads must not keep a lease from being renewed.
"""

from __future__ import annotations

import asyncio
import ssl
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import urllib3

from local.functions import storage_auth

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

API_VERSION = "2024-11-04"
AT_ONCE = 16
TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)


class QueueError(Exception):
    """The service refused, or did not answer (status 0); `code` is its error code."""

    def __init__(self, status: int, code: str, what: str) -> None:
        super().__init__(f"{what}: {status or 'no answer'} {code}")
        self.status = status
        self.code = code


@dataclass
class Message:
    """A leased message; `pop_receipt` changes with every update."""

    id: str
    pop_receipt: str
    text: str
    dequeue_count: int
    inserted: datetime
    expires: datetime
    next_visible: datetime


class QueueService:
    """One account, reached as a connection's app settings say, over connections that are kept open."""

    def __init__(self, connection: str) -> None:
        self.url, self._signer = storage_auth.resolve(connection)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="queue")
        self._pool = _pool(self.url)

    def queue(self, name: str) -> Queue:
        return Queue(self, name)

    async def send(self, method: str, url: str, what: str, body: bytes | None = None) -> BaseHTTPResponse:
        """Raises QueueError for anything but success."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._send, method, url, what, body)

    def _send(self, method: str, url: str, what: str, body: bytes | None) -> BaseHTTPResponse:
        headers = {"x-ms-version": API_VERSION, "x-ms-date": format_datetime(datetime.now(UTC), usegmt=True)}
        if body is not None:
            headers["Content-Type"] = "application/xml"
        self._signer.sign(method, url, headers, len(body or b""))
        try:
            answer = self._pool.request(
                method, url, body=body, headers=headers, timeout=TIMEOUT, retries=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise QueueError(0, type(error).__name__, what) from error
        if answer.status >= 300:
            raise QueueError(answer.status, answer.headers.get("x-ms-error-code", ""), what)
        return answer

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pool.clear()


def _pool(url: str) -> PoolManager:
    """Through the proxy that the environment names for this address, if any."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    options = {"maxsize": AT_ONCE, "ssl_context": ssl.create_default_context()}
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy, **options)
    return urllib3.PoolManager(**options)


class Queue:
    """One queue. Every failure is a QueueError."""

    def __init__(self, service: QueueService, name: str) -> None:
        self.name = name
        self._service = service
        self._url = f"{service.url}/{name}"

    async def receive(self, most: int, lease: float) -> list[Message]:
        query = f"?numofmessages={most}&visibilitytimeout={max(1, round(lease))}"
        answer = await self._send("GET", f"/messages{query}", "receive")
        found = ET.fromstring(answer.data)  # noqa: S314 - the storage account's own answer
        return [_message(e) for e in found.iter("QueueMessage")]

    async def delete(self, message: Message) -> None:
        await self._send("DELETE", f"/messages/{message.id}?popreceipt={_receipt(message)}", "delete")

    async def hide(self, message: Message, seconds: float) -> None:
        """Make the message visible again in so many seconds; renews the lease, or ends it."""
        query = f"?popreceipt={_receipt(message)}&visibilitytimeout={max(0, round(seconds))}"
        answer = await self._send("PUT", f"/messages/{message.id}{query}", "update", _body(message.text))
        message.pop_receipt = answer.headers["x-ms-popreceipt"]

    async def put(self, text: str) -> None:
        """Add a message; creates the queue if it does not exist."""
        try:
            await self._send("POST", "/messages", "put", _body(text))
        except QueueError as error:
            if error.status != 404:
                raise
            await self._send("PUT", "", "create")
            await self._send("POST", "/messages", "put", _body(text))

    async def _send(self, method: str, path: str, what: str, body: bytes | None = None) -> BaseHTTPResponse:
        return await self._service.send(method, self._url + path, f"{what} {self.name}", body)


def _body(text: str) -> bytes:
    return f"<QueueMessage><MessageText>{escape(text)}</MessageText></QueueMessage>".encode()


def _receipt(message: Message) -> str:
    return quote(message.pop_receipt, safe="")


def _message(element: ET.Element) -> Message:
    def text(tag: str) -> str:
        return element.findtext(tag) or ""

    return Message(
        id=text("MessageId"),
        pop_receipt=text("PopReceipt"),
        text=text("MessageText"),
        dequeue_count=int(text("DequeueCount")),
        inserted=parsedate_to_datetime(text("InsertionTime")),
        expires=parsedate_to_datetime(text("ExpirationTime")),
        next_visible=parsedate_to_datetime(text("TimeNextVisible")),
    )
