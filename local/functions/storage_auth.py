"""What a connection's app settings say: the account's queue address, and how its requests are signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading
import time
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from local.functions import settings

SCOPE = "https://storage.azure.com/.default"
EMULATOR_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
EMULATOR = (
    "AccountName=devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    f"AccountKey={EMULATOR_KEY}"  # published by Microsoft for its storage emulator
)
Headers = dict[str, str]


class ConnectionSettingError(ValueError):
    """The app settings of a connection are missing or incomplete."""


class Signer(Protocol):
    def sign(self, method: str, url: str, headers: Headers, length: int) -> None:
        """Add the Authorization header; may ask for a token, so it may block."""


class Bearer:
    """Tokens of a managed identity or of the developer, through azure-identity."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._credential: Any = None
        self._token = ""
        self._renew_at = 0.0
        self._lock = threading.Lock()

    def sign(self, method: str, url: str, headers: Headers, length: int) -> None:
        with self._lock:
            if time.time() >= self._renew_at:
                self._fetch()
            headers["Authorization"] = f"Bearer {self._token}"

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


class SharedKey:
    """Signs with an account key."""

    def __init__(self, account: str, key: str) -> None:
        self._account = account
        self._key = base64.b64decode(key)

    def sign(self, method: str, url: str, headers: Headers, length: int) -> None:
        ms = sorted((k, v) for k, v in headers.items() if k.startswith("x-ms-"))
        parts = urlsplit(url)
        parameters = sorted(tuple(p.split("=", 1)) for p in parts.query.split("&") if p)
        kind = headers.get("Content-Type", "")
        text = "\n".join(
            [
                method,
                *("", "", str(length or ""), "", kind, "", "", "", "", "", ""),
                *(f"{k}:{v}" for k, v in ms),
                f"/{self._account}{parts.path}",
                *(f"{k.lower()}:{unquote(v)}" for k, v in parameters),
            ]
        )
        signature = base64.b64encode(hmac.digest(self._key, text.encode(), hashlib.sha256)).decode()
        headers["Authorization"] = f"SharedKey {self._account}:{signature}"


def resolve(connection: str) -> tuple[str, Signer]:
    """Connection string in the setting itself, or service URI in a setting that it prefixes."""
    for name in (connection, f"AzureWebJobs{connection}"):
        if uri := settings.get(f"{name}__queueServiceUri") or settings.get(f"{name}__serviceUri"):
            return uri.rstrip("/"), Bearer(name)
        if account := settings.get(f"{name}__accountName"):
            return f"https://{account}.queue.core.windows.net", Bearer(name)
        if text := settings.get(name):
            return _from_string(name, text)
    seen = ", ".join(sorted(k for k in os.environ if k.startswith(f"{connection}__")))
    raise ConnectionSettingError(
        f"connection {connection}: set {connection} to a connection string, or {connection}__queueServiceUri"
        f" to the account's queue address{f' (there is only {seen})' if seen else ''}"
    )


def _from_string(name: str, text: str) -> tuple[str, Signer]:
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
    return url.rstrip("/"), SharedKey(account, key)
