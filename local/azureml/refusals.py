"""What the platform says when it will not: one exception, its JSON body, and the refusals used often.

Wordings marked "seen" come from public reports of the real service; the others are ours.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from local.config import REGION

JSON = dict[str, Any]


class Refusal(Exception):
    """Answered as `{"error": …}` with `status`; inside an operation it becomes the operation's error."""

    def __init__(
        self, status: int, code: str, message: str, *, details: list[JSON] | None = None, target: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details or []
        self.target = target
        self.headers: dict[str, str] = {}

    def error(self) -> JSON:
        return {
            "code": self.code,
            "message": self.message,
            "target": self.target,
            "details": self.details,
            "additionalInfo": [
                {"type": "ComponentName", "info": {"value": "managementfrontend"}},
                {"type": "Correlation", "info": {"value": {"operation": uuid.uuid4().hex}}},
                {"type": "Environment", "info": {"value": REGION}},
            ],
        }


def missing(what: str) -> Refusal:
    """An asset or a workspace child that does not exist."""
    return Refusal(404, "UserError", f"{what} was not found.")


def invalid(message: str, target: str = "") -> Refusal:
    """The request is understood and wrong."""
    return Refusal(400, "UserError", message, target=target)


def malformed(message: str) -> Refusal:
    """The request cannot be understood."""
    return Refusal(400, "InvalidRequestContent", message)


def inference_missing() -> Refusal:
    """An endpoint or deployment that does not exist (seen)."""
    return Refusal(
        404,
        "NotFound",
        "The specified resource was not found.",
        details=[_detail(json.dumps({"title": "Not Found"}))],
    )


def inference_invalid(message: str, field: str = "") -> Refusal:
    """What the serving back end says to a body that it understands and refuses (seen)."""
    text = {"errors": {field: [message]}, "title": "One or more validation errors occurred."}
    return Refusal(400, "BadRequest", "The request is invalid.", details=[_detail(json.dumps(text))])


def busy(message: str) -> Refusal:
    """Another operation holds the endpoint."""
    return Refusal(409, "Conflict", message)


def _detail(message: str) -> JSON:
    return {"code": "InferencingClientCallFailed", "message": message, "details": [], "additionalInfo": []}
