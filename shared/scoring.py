"""Asks an online endpoint over HTTP, or one deployment of it by name.

Not through `MLClient.invoke`: that keeps its headers in a shared dict, so a deployment named once stays named
in every later call of the process.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from shared.azure import AzureCloud
from shared.errors import Invalid, Unavailable, Unknown
from shared.ports import Answer

LARGEST_ANSWER = 4 * 1024 * 1024
_CHUNK = 64 * 1024
_CONNECT_SECONDS = 5.0
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Scoring:
    """Satisfies `ScoringPort`."""

    def __init__(self, cloud: AzureCloud) -> None:
        self._suffix = cloud.scoring_suffix.lower()

    def score(
        self, uri: str, key: str, body: bytes, *, deployment: str | None, timeout: float, request_id: str
    ) -> Answer:
        import requests

        host = checked_host(uri, self._suffix)
        headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "x-ms-client-request-id": re.sub(r"[^A-Za-z0-9_-]", "-", request_id)[:40],
        }
        if deployment is not None:
            headers["azureml-model-deployment"] = deployment
        began = time.monotonic()
        try:
            with requests.post(
                uri,
                data=body,
                headers=headers,
                timeout=(min(_CONNECT_SECONDS, timeout), timeout),
                allow_redirects=False,
                stream=True,
            ) as response:
                data = _start_of(response.iter_content(_CHUNK))
                taken = time.monotonic() - began
                told = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, data, told, taken)
        except requests.ReadTimeout as error:
            raise Unknown(f"{host} did not answer within {timeout:g} s") from error
        except (requests.RequestException, OSError) as error:
            raise Unavailable(f"{host} could not be asked: {type(error).__name__}") from error


def checked_host(uri: str, suffix: str) -> str:
    """The key goes to this host: raises Invalid unless it is one of this cloud's scoring hosts."""
    refusal = Invalid(f"{uri[:200]!r} is not a scoring address below {suffix}")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise refusal from error
    host = (parts.hostname or "").lower()
    below = host.removesuffix(f".{suffix}")
    ours = below != host and all(_LABEL.fullmatch(label) for label in below.split("."))
    if parts.scheme != "https" or not ours or port not in (None, 443) or parts.username is not None:
        raise refusal
    return host


def _start_of(chunks: Iterator[bytes]) -> bytes:
    """What a model says is evidence, not a download: the rest of a larger answer is not read."""
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) >= LARGEST_ANSWER:
            break
    return bytes(data[:LARGEST_ANSWER])
