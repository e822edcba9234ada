"""Posts a card to a Teams Workflows webhook. 202 means accepted, not posted: nothing waits for more.

The URL's query is a secret (whoever has it can post): it appears in no message, log or chained error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from shared.errors import Busy, Invalid, Refused, Unavailable, Unknown

if TYPE_CHECKING:
    from requests import Response

MAX_MESSAGE: Final = 27_000
"""Teams' own limit is about 28 KB for the whole message."""
_WORDS = {
    413: "the card is too large for it",
}
_OF_ITS_ADDRESS = {
    401: "it asks for a sign-in, or its address was cut short: set the trigger to 'Anyone' and copy it anew",
    403: "it refuses us: an administrator's policy may have suspended the flow",
    404: "it is gone: the flow was deleted, or its address was made anew",
}
"""Nothing about the card, which waits until somebody has mended it."""


class PostCard(Protocol):
    """What posts a card."""

    def __call__(self, url: str, card: Mapping[str, Any], timeout: float = 10.0) -> None: ...


def post_card(url: str, card: Mapping[str, Any], timeout: float = 10.0) -> None:
    """Hand one Adaptive Card over. Raises Busy, Unavailable, Unknown, Refused or Invalid."""
    import requests

    where = _host(url)
    body = json.dumps(_message(card), ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > MAX_MESSAGE:
        raise Refused(f"the card for {where} has {len(body)} bytes; Teams takes {MAX_MESSAGE}", code="413")
    headers = {"Content-Type": "application/json; charset=utf-8"}
    try:
        answer = requests.post(url, data=body, headers=headers, timeout=timeout, allow_redirects=False)
    except requests.Timeout:
        # `from None` throughout: requests puts the whole address into its messages.
        raise Unknown(f"{where} did not answer within {timeout:g} s") from None
    except requests.ConnectionError:
        raise Unavailable(f"no connection to {where}") from None
    except requests.RequestException as error:
        raise Invalid(f"the webhook address for {where} is not usable: {type(error).__name__}") from None
    _judge(answer, where)


def _message(card: Mapping[str, Any]) -> dict[str, Any]:
    kind = "application/vnd.microsoft.card.adaptive"
    return {
        "type": "message",
        "attachments": [{"contentType": kind, "contentUrl": None, "content": dict(card)}],
    }


def _judge(answer: Response, where: str) -> None:
    status = answer.status_code
    if 200 <= status < 300:
        return
    if status == 429:
        raise Busy(f"{where} is throttling", after=_seconds(answer.headers))
    if status >= 500 or status == 408:
        raise Unavailable(f"{where} answered {status}")
    if status in _OF_ITS_ADDRESS:
        raise Unavailable(f"{where} answered {status}: {_OF_ITS_ADDRESS[status]}")
    if 300 <= status < 400:
        raise Refused(f"{where} answered with a redirect ({status}), which is not followed", code=str(status))
    raise Refused(
        f"{where} answered {status}: {_WORDS.get(status, 'it does not take this card')}", code=str(status)
    )


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Retry-After: seconds, or a date, compared with the answer's own; None: it says nothing usable."""
    from email.utils import parsedate_to_datetime

    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text) if len(text) < 7 else None
    try:
        length = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return length.total_seconds() if length.total_seconds() > 0 else None


def _host(url: str) -> str:
    """The part of the address that may be shown."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    else:
        if parts.scheme in ("http", "https") and host:
            return f"the Teams webhook at {host}"
    raise Invalid("the Teams webhook is not an http(s) address")
