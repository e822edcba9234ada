"""One row per way in which a service or an SDK can fail."""

from __future__ import annotations

import json
from email.message import Message
from http.client import RemoteDisconnected
from typing import Any

import pytest
from azure.core import exceptions as azure

from shared import errors
from shared.failures import from_azure, sentence
from tests.contract import sdk


class Answer:
    """As much of a response as azure-core's exceptions read."""

    def __init__(self, status: int, code: str = "", message: str = "", **headers: str) -> None:
        self.status_code = status
        self.reason = "reason"
        self.content_type = "application/json"
        self.headers = Message()
        for name, value in headers.items():
            self.headers[name.replace("_", "-")] = value
        self._body = json.dumps({"error": {"code": code, "message": message}})

    def text(self) -> str:
        return self._body

    def body(self) -> bytes:
        return self._body.encode()


def http(status: int, code: str = "", message: str = "", **headers: str) -> azure.HttpResponseError:
    answer: Any = Answer(status, code, message, **headers)
    return azure.HttpResponseError(response=answer)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (http(400, "BadArgument"), errors.Refused),
        (http(401), errors.Forbidden),
        (http(403, "AuthorizationFailed"), errors.Forbidden),
        (http(404, "ResourceNotFound"), errors.NotFound),
        (http(408), errors.Unknown),
        (http(409, "Conflict"), errors.Busy),
        (http(412), errors.Conflict),
        (http(422), errors.Refused),
        (http(429), errors.Busy),
        (http(500), errors.Unavailable),
        (http(503), errors.Unavailable),
        (http(504), errors.Unknown),
        (azure.ServiceRequestError("refused"), errors.Unavailable),
        (azure.ServiceRequestTimeoutError("connect"), errors.Unavailable),
        (
            azure.ServiceRequestError("refused", error=ConnectionRefusedError(111, "refused")),
            errors.Unavailable,
        ),
        (
            azure.ServiceRequestError("proxy", error=OSError("ended", RemoteDisconnected("gone"))),
            errors.Unknown,
        ),
        (azure.ServiceResponseError("reset"), errors.Unknown),
        (azure.ServiceResponseTimeoutError("read"), errors.Unknown),
        (azure.IncompleteReadError("cut off"), errors.Unavailable),
        (azure.DecodeError("<html>"), errors.Unavailable),
        (azure.ClientAuthenticationError("DefaultAzureCredential failed"), errors.Unavailable),
    ],
)
def test_every_failure_has_one_meaning(
    raised: azure.AzureError, expected: type[errors.GreenlightError]
) -> None:
    assert type(from_azure("do it", raised)) is expected


def test_the_service_says_when_to_come_back() -> None:
    assert _after(http(429, Retry_After="17")) == 17.0
    assert _after(http(409, retry_after_ms="250")) == 0.25
    assert _after(http(429, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT")) is None


def _after(raised: azure.AzureError) -> float | None:
    found = from_azure("do it", raised)
    assert isinstance(found, errors.Busy)
    return found.after


def test_a_refusal_keeps_its_code_and_says_what_was_tried() -> None:
    refused = from_azure("write traffic of titanic-qa", http(400, "BadArgument", "must sum to 100"))

    assert isinstance(refused, errors.Refused)
    assert refused.code == "BadArgument"
    assert str(refused) == "could not write traffic of titanic-qa: 400 BadArgument must sum to 100"


def test_a_missing_right_is_named() -> None:
    text = "The client 'x' does not have authorization to perform action 'Microsoft.X/endpoints/write' over y"
    forbidden = from_azure("create", http(403, "AuthorizationFailed", text))

    assert isinstance(forbidden, errors.Forbidden)
    assert forbidden.action == "Microsoft.X/endpoints/write"


def test_the_sdks_own_checks_are_refusals() -> None:
    sdk.load()
    from azure.ai.ml.exceptions import ValidationException

    error = ValidationException(
        message="\x1b[31mName is wrong\x1b[39m", no_personal_data_message="Name is wrong"
    )
    refused = from_azure("create", error)

    assert isinstance(refused, errors.Refused)
    assert (refused.code, str(refused)) == ("ValidationException", "could not create: Name is wrong")


def test_a_message_is_one_short_line_without_signatures() -> None:
    assert sentence("\n  first?sig=abc%2B&x=1\nsecond") == "first?sig=***&x=1"
    assert sentence("It is not there.RequestId:1-2\nTime:now") == "It is not there."
    assert len(sentence("x" * 5000)) == 400
