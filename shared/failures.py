"""Translates, once and at the edge, what the SDKs raise into `shared.errors`.

A message says what was attempted and what the service answered: code and first sentence, never headers,
signatures or whole payloads.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.errors import Busy, Conflict, Forbidden, GreenlightError, NotFound, Refused, Unavailable, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.core.exceptions import AzureError, HttpResponseError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SECRET = re.compile(r"(?i)\b(sig|code|token|key)=[^&\s\"']+")
_ACTION = re.compile(r"perform action '([^']+)'")
_REQUEST = re.compile(r"\s*RequestId:.*", re.DOTALL)
_LONGEST = 400


@contextmanager
def translated(doing: str) -> Generator[None]:
    """`doing` completes "could not …"."""
    from azure.core.exceptions import AzureError

    try:
        yield
    except AzureError as error:
        raise from_azure(doing, error) from error


def from_azure(doing: str, error: AzureError) -> GreenlightError:
    """The one table of what azure-core, azure-identity and azure-ai-ml raise."""
    from azure.core import exceptions as core

    match error:
        case core.DecodeError():
            return Unavailable(f"could not {doing}: the answer was not understood")
        case core.ClientAuthenticationError() if error.status_code is None:
            return Unavailable(f"could not {doing}: no token; {sentence(error.message)}")
        case core.HttpResponseError():
            return _from_status(doing, error)
        case core.ServiceRequestError() if not may_have_arrived(error):
            return Unavailable(f"could not {doing}: not sent; {sentence(error.message)}")
        case core.ServiceRequestError() | core.ServiceResponseError():
            return Unknown(f"tried to {doing}: no answer; {sentence(error.message)}")
        case _:  # azure-ai-ml's own checks: ValidationException, MlException and what derives from them
            return Refused(
                f"could not {doing}: {sentence(str(error.message or error))}", code=type(error).__name__
            )


def may_have_arrived(error: BaseException) -> bool:
    """azure-core calls it "request not sent", too, when a connection through a proxy ends after sending."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        one = todo.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        if isinstance(one, ConnectionError) and not isinstance(one, ConnectionRefusedError):
            return True
        seen.add(id(one))
        todo += [
            one.__cause__,
            one.__context__,
            getattr(one, "reason", None),
            getattr(one, "inner_exception", None),
            *one.args,
        ]
    return False


def _from_status(doing: str, error: HttpResponseError) -> GreenlightError:
    headers: Mapping[str, str] = getattr(error.response, "headers", None) or {}
    detail = error.error
    code = (detail.code if detail else None) or getattr(error, "error_code", None) or ""
    code = str(getattr(code, "value", code))  # storage's codes are an enum
    text = (detail.message if detail else None) or error.message
    return from_status(doing, error.status_code or 0, code, text, headers)


def from_status(doing: str, status: int, code: str, text: str, headers: Mapping[str, str]) -> GreenlightError:
    """The one table of what an HTTP status of a service means to us."""
    said = f"could not {doing}: {status} {code} {sentence(text)}".replace("  ", " ")
    match status:
        case 404:
            return NotFound(said)
        case 401 | 403:
            action = _ACTION.search(text)
            return Forbidden(said, action=action[1] if action else "")
        case 409 | 429:
            return Busy(said, after=retry_after(headers))
        case 412:
            return Conflict(said)
        case 408 | 504:
            return Unknown(said, after=retry_after(headers))
        case _ if status >= 500 or status < 300:
            return Unavailable(said, after=retry_after(headers))
        case _:
            return Refused(said, code=code or str(status))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The service's advice in seconds, when it is a plain number."""
    for name, scale in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("Retry-After", 1.0)):
        value = headers.get(name) or headers.get(name.title()) or ""
        if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
            return float(value) * scale
    return None


def sentence(text: str) -> str:
    """The first line that says something, without colours and signatures, cut to a readable length."""
    plain = _SECRET.sub(r"\1=***", _REQUEST.sub("", _COLOUR.sub("", text)))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    return (lines[0] if lines else "")[:_LONGEST]
