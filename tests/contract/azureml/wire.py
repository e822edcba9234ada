"""Watches what the real SDK and the emulator say to each other, and checks it against the published types."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from azure.core.pipeline.transport import RequestsTransport

from tests.contract.azureml import schema
from tests.contract.azureml.extract import WORKSPACE

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

BELOW_WORKSPACE = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.MachineLearningServices"
    r"/workspaces/[^/]+(?P<rest>/.*|)",
    re.IGNORECASE,
)
# What the SDK itself sends against the types: a number where they say text.
EXCUSED = {("codes/versions", "hash_version")}
UNTYPED_ACTIONS = {"regenerateKeys", "cancel"}  # Bicep's types leave out actions that answer nothing


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    method: str
    url: str
    sent: Any
    status: int
    received: Any
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def version(self) -> str:
        return parse_qs(urlsplit(self.url).query).get("api-version", [""])[0]


class Wire(RequestsTransport):
    """A transport that remembers. One instance may serve any number of clients."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []

    def send(self, request: Any, **kwargs: Any) -> Any:
        answer = super().send(request, **kwargs)
        body = request.body if isinstance(request.body, str | bytes) else None
        content = answer.internal_response.content  # read early, but kept for whoever streams it
        headers = {k.lower(): v for k, v in answer.headers.items()}
        received = _json(content) if "json" in headers.get("content-type", "") else None
        self.exchanges.append(
            Exchange(request.method, request.url, _json(body), answer.status_code, received, headers)
        )
        return answer

    def close(self) -> None:
        """Clients come and go, the session stays."""


def _json(text: str | bytes | None) -> Any:
    return json.loads(text) if text else None


@dataclass
class Report:
    """What was checked, and what did not hold."""

    checked: set[tuple[str, str, str]] = field(default_factory=set)  # (version, type, direction)
    faults: list[str] = field(default_factory=list)


def check(exchanges: list[Exchange]) -> Report:
    """Every body of every successful exchange with a workspace; refusals have a shape of their own."""
    report = Report()
    for exchange in exchanges:
        match = BELOW_WORKSPACE.fullmatch(exchange.path)
        if match is None or exchange.path.startswith(("/history", "/mlflow")):
            continue
        if exchange.status >= 400:
            _check_refusal(exchange, report)
            continue
        segments = match["rest"].split("/")[1:]
        if len(segments) % 2 and exchange.method == "POST":
            _check_action(exchange, segments, report)
        else:
            _check_resource(exchange, segments, report)
    return report


def _check_resource(exchange: Exchange, segments: list[str], report: Report) -> None:
    name = "/".join([WORKSPACE, *segments[::2]])
    if exchange.sent is not None:
        validator = schema.resource(exchange.version, name, request=True)
        _hold(exchange, validator, exchange.sent, f"{name} request", report)
    if exchange.received is None:
        return
    listed = len(segments) % 2 == 1
    validator = schema.resource(exchange.version, name, request=False)
    for body in exchange.received["value"] if listed else [exchange.received]:
        _hold(exchange, validator, body, f"{name} response", report)


def _check_action(exchange: Exchange, segments: list[str], report: Report) -> None:
    if segments[-1] in UNTYPED_ACTIONS:
        return
    name = "/".join([WORKSPACE, *segments[:-1:2]])
    for body, request in ((exchange.sent, True), (exchange.received, False)):
        validator = schema.action(exchange.version, name, segments[-1], request=request)
        if validator and body is not None:
            side = "request" if request else "response"
            _hold(exchange, validator, body, f"{name}/{segments[-1]} {side}", report)


def _hold(exchange: Exchange, validator: Draft202012Validator, body: Any, what: str, report: Report) -> None:
    report.checked.add((exchange.version, *what.rsplit(" ", 1)))  # type: ignore[arg-type]
    for error in validator.iter_errors(body):
        deepest = min(error.context or [error], key=lambda e: -len(e.path))
        if any(name in what and part in (*error.path, *deepest.path) for name, part in EXCUSED):
            continue
        place = "/".join(map(str, (*error.path, *deepest.relative_path)))
        report.faults.append(
            f"{exchange.method} {what} v={exchange.version} at {place or '(top)'}: {deepest.message[:300]}"
        )


def _check_refusal(exchange: Exchange, report: Report) -> None:
    report.checked.add((exchange.version, "error", "response"))
    error = (exchange.received or {}).get("error")
    if not isinstance(error, dict) or not {"code", "message", "target", "details", "additionalInfo"} <= set(
        error
    ):
        report.faults.append(f"{exchange.method} {exchange.path} {exchange.status}: no error body: {error}")
