"""`approval-decisions`: votes that other systems bring. The same rules as on the page, and no other way in.

A message is trusted as far as its sender is: only identities with the queue's sender role can write it. It
can speak for people who are named in the rule by id; membership of a group cannot be shown in a message,
so group entries never count here.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator.approval import Decision, VoteOutcome
from orchestrator.intake import Intake
from orchestrator.model import SlotKey
from shared.errors import Invalid
from shared.identity import Principal
from shared.names import parse_promotion_id
from shared.untrusted import visible_lines

MAX_COMMENT = 2000


class ApprovalMessage(BaseModel):
    """Version 1. Promotion, number and hash are those of the `approval.requested` message it answers."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    version: Literal[1]
    kind: Literal["approval.decided"]
    promotion: str = Field(max_length=2000)
    number: int = Field(ge=1, le=99)
    hash: str = Field(min_length=64, max_length=64)
    decision: Literal["approve", "reject"]
    approver: str = Field(pattern=r"^[0-9a-fA-F-]{36}/[0-9a-fA-F-]{36}$")
    """TENANT/OBJECT-ID."""
    name: str = Field("", max_length=200)
    comment: str = Field("", max_length=MAX_COMMENT)
    channel: str = Field("queue", max_length=40, pattern=r"^[A-Za-z0-9_-]+$")


def read_message(text: str) -> ApprovalMessage:
    """Raises Invalid, naming each field that is wrong."""
    try:
        return ApprovalMessage.model_validate_json(text)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'message'}: {e['msg']}" for e in error.errors()
        )
        raise Invalid(f"not an approval message: {problems}") from error


def cast_vote(message: ApprovalMessage, intake: Intake) -> VoteOutcome:
    """Raises Invalid for a promotion id that cannot be one."""
    model, env, _, n = parse_promotion_id(message.promotion)
    tenant, _, oid = message.approver.partition("/")
    return intake.vote(
        SlotKey(model, env),
        n,
        message.number,
        principal=Principal(
            tenant=tenant.lower(), oid=oid.lower(), name=message.name, channel=message.channel
        ),
        decision=Decision(message.decision),
        comment=visible_lines(message.comment, MAX_COMMENT),
        hash=message.hash,
        channel=message.channel,
    )
