"""A thin client of the Queue service's REST interface, kept open, for the host's own use.

The SDK would cost three to five times the CPU for each of these calls, and the host polls all day.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import httpx

from local.functions import settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

API_VERSION = "2024-11-04"
SCOPE = "https://storage.azure.com/.default"
EMULATOR_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
EMULATOR = (
    "AccountName=devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    f"AccountKey={EMULATOR_KEY}"  # published by Microsoft for its storage emulator
)
TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class ConnectionSettingError(ValueError):
    """The app settings of a connection are missing or incomplete."""


class QueueError(Exception):
    """The service refused; `code` is its error code."""

    def __init__(self, status: int, code: str, what: str) -> None:
        super().__init__(f"{what}: {status} {code}")
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


class _Bearer(httpx.Auth):
    """Tokens of a managed identity or of the developer, through azure-identity."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._credential: Any = None
        self._token = ""
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if time.time() >= self._renew_at:
            async with self._lock:
                if time.time() >= self._renew_at:
                    await asyncio.to_thread(self._fetch)
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    def _fetch(self) -> None:
        if self._credential is None:
            self._credential = self._make()
        token = self._credential.get_token(SCOPE)
        self._token, left = token.token, token.expires_on - time.time()
        self._renew_at = time.time() + max(left - 300, left / 2)

    def _make(self) -> Any:
        from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

        client_id = settings.get(f"{self._connection}__clientId")
        if (settings.get(f"{self._connection}__credential") or "").lower() == "managedidentity":
            return (
                ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()
            )
        return DefaultAzureCredential()


class _SharedKey(httpx.Auth):
    """Signs with an account key."""

    def __init__(self, account: str, key: str) -> None:
        self._account = account
        self._key = base64.b64decode(key)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        length = request.headers.get("content-length", "0")
        kind = request.headers.get("content-type", "")
        ms = sorted((k, v) for k, v in request.headers.items() if k.startswith("x-ms-"))
        url = urlsplit(str(request.url))
        parameters = sorted(tuple(p.split("=", 1)) for p in url.query.split("&") if p)
        text = "\n".join(
            [
                request.method,
                *("", "", "" if length == "0" else length, "", kind, "", "", "", "", "", ""),
                *(f"{k}:{v}" for k, v in ms),
                f"/{self._account}{url.path}",
                *(f"{k.lower()}:{unquote(v)}" for k, v in parameters),
            ]
        )
        signature = base64.b64encode(hmac.digest(self._key, text.encode(), hashlib.sha256)).decode()
        request.headers["Authorization"] = f"SharedKey {self._account}:{signature}"
        yield request


class QueueService:
    """One account, reached as a connection's app settings say. Owns one pool of kept-alive connections."""

    def __init__(self, connection: str) -> None:
        self.url, auth = _resolve(connection)
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=120)
        self.http = httpx.AsyncClient(auth=auth, timeout=TIMEOUT, limits=limits)

    def queue(self, name: str) -> Queue:
        return Queue(self, name)

    async def close(self) -> None:
        await self.http.aclose()


class Queue:
    """One queue. Errors are QueueError, or httpx's when the service does not answer."""

    def __init__(self, service: QueueService, name: str) -> None:
        self.name = name
        self._service = service
        self._url = f"{service.url}/{name}"

    async def receive(self, most: int, lease: float) -> list[Message]:
        query = f"?numofmessages={most}&visibilitytimeout={max(1, round(lease))}"
        answer = await self._send("GET", f"/messages{query}", "receive")
        found = ET.fromstring(answer.content)  # noqa: S314 - the storage account's own answer
        return [_message(e) for e in found.iter("QueueMessage")]

    async def delete(self, message: Message) -> None:
        receipt = _quote(message.pop_receipt)
        await self._send("DELETE", f"/messages/{message.id}?popreceipt={receipt}", "delete")

    async def hide(self, message: Message, seconds: float) -> None:
        """Make the message visible again in so many seconds; renews the lease, or ends it."""
        query = f"?popreceipt={_quote(message.pop_receipt)}&visibilitytimeout={max(0, round(seconds))}"
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

    async def _send(self, method: str, path: str, what: str, body: bytes | None = None) -> httpx.Response:
        headers = {"x-ms-version": API_VERSION, "x-ms-date": format_datetime(datetime.now(UTC), usegmt=True)}
        if body is not None:
            headers["Content-Type"] = "application/xml"
        answer = await self._service.http.request(method, self._url + path, content=body, headers=headers)
        if answer.status_code >= 300:
            raise QueueError(
                answer.status_code, answer.headers.get("x-ms-error-code", ""), f"{what} {self.name}"
            )
        return answer


def _body(text: str) -> bytes:
    return f"<QueueMessage><MessageText>{escape(text)}</MessageText></QueueMessage>".encode()


def _quote(receipt: str) -> str:
    return httpx.QueryParams({"r": receipt}).__str__()[2:]


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


def _resolve(connection: str) -> tuple[str, httpx.Auth]:
    """Connection string in the setting itself, or service URI in a setting that it prefixes."""
    for name in (connection, f"AzureWebJobs{connection}"):
        if uri := settings.get(f"{name}__queueServiceUri") or settings.get(f"{name}__serviceUri"):
            return uri.rstrip("/"), _Bearer(name)
        if account := settings.get(f"{name}__accountName"):
            return f"https://{account}.queue.core.windows.net", _Bearer(name)
        if text := settings.get(name):
            return _from_string(name, text)
    seen = ", ".join(sorted(k for k in os.environ if k.startswith(f"{connection}__")))
    raise ConnectionSettingError(
        f"connection {connection}: set {connection} to a connection string, or {connection}__queueServiceUri"
        f" to the account's queue address{f' (there is only {seen})' if seen else ''}"
    )


def _from_string(name: str, text: str) -> tuple[str, httpx.Auth]:
    if text.strip().rstrip(";").lower() == "usedevelopmentstorage=true":
        text = EMULATOR
    parts = {k: v for k, _, v in (p.partition("=") for p in text.split(";") if p)}
    account, key = parts.get("AccountName"), parts.get("AccountKey")
    if not account or not key:
        raise ConnectionSettingError(
            f"connection {name}: the connection string needs AccountName and AccountKey"
        )
    suffix = parts.get("EndpointSuffix", "core.windows.net")
    protocol = parts.get("DefaultEndpointsProtocol", "https")
    url = parts.get("QueueEndpoint") or f"{protocol}://{account}.queue.{suffix}"
    return url.rstrip("/"), _SharedKey(account, key)
