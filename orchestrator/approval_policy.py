"""`approval`, `operators` and `freeze` of greenlight.yaml: who decides, by when, when nothing moves. Pure.

What a freeze's rule means is worked out in freezing.py, with a library; here it is only a text.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from orchestrator.approval import Approver, Rule
from orchestrator.policy_parts import IDENTITY, Duration, Strict, written

SHORTEST_LIFE = timedelta(minutes=1)
_START = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?$"
LONGEST_FREEZE = timedelta(days=366)
_ADDRESS = re.compile(r"https?://[^\s/]\S*")


class ApproverEntry(Strict):
    """A person (`id: TENANT/OBJECT-ID`) or everyone who carries a group or app role (`group: ID`)."""

    name: str = Field(min_length=1)
    id: str = ""
    group: str = ""

    @model_validator(mode="after")
    def _one_of(self) -> ApproverEntry:
        if bool(self.id) == bool(self.group):
            raise ValueError("give either id (TENANT/OBJECT-ID) or group, not both")
        if self.id:
            tenant, _, oid = self.id.partition("/")
            if not (IDENTITY.fullmatch(tenant) and IDENTITY.fullmatch(oid)):
                raise ValueError(f"id {self.id!r}: write TENANT/OBJECT-ID, two GUIDs")
        return self

    @property
    def key(self) -> str:
        return (self.id or self.group).lower()

    def value(self, *, must: bool = False) -> Approver:
        return Approver(name=self.name, id=self.id.lower(), group=self.group.lower(), must=must)


class PersonalChannel(Strict):
    """Where one person is told, and nobody else reads along: a Workflows webhook into a chat of their own."""

    webhook: str = Field(repr=False)
    """Empty: it is off."""

    @field_validator("webhook")
    @classmethod
    def _private(cls, text: str) -> str:
        if text.strip() and not _ADDRESS.fullmatch(text.strip()):
            # It is a secret, so it is not quoted.
            raise ValueError("a webhook is an address that starts with https://")
        return text.strip()


class AskedEntry(ApproverEntry):
    """An approver, and where that person is asked besides the channels that everybody reads."""

    channel: PersonalChannel | None = None

    @model_validator(mode="after")
    def _of_one(self) -> AskedEntry:
        if self.channel is not None and not self.id:
            raise ValueError("a personal channel belongs to one person: give an id, not a group")
        return self

    @property
    def webhook(self) -> str:
        return self.channel.webhook if self.channel is not None else ""


class ApprovalPolicy(Strict):
    """Who is asked before anything moves here."""

    approvers: tuple[AskedEntry, ...] = Field(min_length=1)
    required: int = Field(1, ge=1, le=20)
    """Distinct people."""
    must: tuple[str, ...] = ()
    """Names of approvers without whom there is no quorum; of a group, any one member."""
    exclude_author: bool = True
    """Whoever registered the model, ran its training or asked for the promotion does not decide it."""
    expires: Duration = written("7d")
    remind: Duration | None = None
    """How often people are reminded until they decide; left out: only at half and at 90 % of the time."""

    @model_validator(mode="after")
    def _reachable(self) -> ApprovalPolicy:
        """A quorum that those named can never reach is a mistake, whoever the author turns out to be."""
        people = {a.key for a in self.approvers if a.id}
        if self.required > len(people) and not any(a.group for a in self.approvers):
            raise ValueError(f"required is {self.required}, but only {len(people)} approvers are named")
        names = [a.name for a in self.approvers]
        for name in self.must:
            if names.count(name) != 1:
                there = f"there are {', '.join(names)}" if name not in names else "several have it"
                raise ValueError(f"must: {name!r} is not the name of one approver; {there}")
        return self

    @model_validator(mode="after")
    def _personal(self) -> ApprovalPolicy:
        """A channel that two people read would let one vote as the other."""
        told = [a for a in self.approvers if a.webhook]
        for what, found in (("id", [a.key for a in told]), ("webhook", [a.webhook for a in told])):
            if len(set(found)) != len(found):
                raise ValueError(f"two personal channels have the same {what}: each belongs to one person")
        names = [a.name for a in self.approvers]
        for name in (a.name for a in told):
            if names.count(name) != 1:
                raise ValueError(f"several approvers are called {name!r}: a personal channel needs one name")
        return self

    @model_validator(mode="after")
    def _in_time(self) -> ApprovalPolicy:
        if self.expires < SHORTEST_LIFE:
            raise ValueError("expires: give people a minute at least")
        if self.remind is not None and self.remind < SHORTEST_LIFE:
            raise ValueError("remind: once a minute at most")
        if self.remind is not None and self.remind >= self.expires:
            raise ValueError("remind must be shorter than expires, or nobody is ever reminded")
        return self

    def rule(self, *, authors: tuple[str, ...] = (), requester: str = "") -> Rule:
        """The rule as it is frozen into a request."""
        return Rule(
            approvers=tuple(a.value(must=a.name in self.must) for a in self.approvers),
            required=self.required,
            exclude_author=self.exclude_author,
            authors=authors,
            requester=requester,
            remind=self.remind.total_seconds() if self.remind else 0.0,
        )


class FreezePolicy(Strict):
    """A time in which nothing new moves in an environment: once, or again and again by an RFC 5545 rule."""

    name: str = Field(min_length=1, max_length=80)
    start: Annotated[datetime, WithJsonSchema({"type": "string", "pattern": _START})]
    """When it begins for the first time, by the clock on the wall of its time zone."""
    duration: Duration
    timezone: str = "UTC"
    rrule: str = ""
    """How it comes again: FREQ=WEEKLY;BYDAY=FR. Empty: it does not."""

    @field_validator("start", mode="before")
    @classmethod
    def _readable(cls, value: object) -> object:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise ValueError("write the start as 2026-12-23T18:00") from None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo  # no cold start without a freeze pays for it

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; write Europe/Berlin, or UTC") from None
        return value

    @model_validator(mode="after")
    def _on_the_wall(self) -> FreezePolicy:
        if self.start.tzinfo is not None:
            raise ValueError("start: leave the offset out, timezone says where it is")
        if not timedelta(0) < self.duration <= LONGEST_FREEZE:
            raise ValueError("duration: more than nothing, and a year at most")
        return self
