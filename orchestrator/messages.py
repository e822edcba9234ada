"""`approval-decisions`: the messages in which registered channels bring votes, and what is wrong with one.

Reading only: what a message says and whether it is proven. docs/messages.md is the schema for others.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator.channel_policy import ChannelPolicy, VoterEntry
from shared.channel_tokens import MAX_COMMENT, VERSION, TokenForged, TokenUnreadable, opened, peeked
from shared.errors import Invalid
from shared.queues import MAX_BYTES
from shared.untrusted import visible

M = TypeVar("M", bound=BaseModel)
Code = Literal[
    "unreadable",
    "version",
    "unsigned",
    "channel",
    "signature",
    "claims",
    "too_old",
    "future",
    "voter",
    "note",
]
SKEW: Final = timedelta(minutes=5)
"""How far a channel's clock may be ahead of ours. One that is behind uses up the age it is given."""
_MAC_FOR = b"greenlight parked vote 1\n"
_SHOWN = ("version", "iss", "sub", "iat", "jti", "promotion", "number", "hash", "decision")
_SHOWN_UNSIGNED = ("version", "kind", "promotion", "number", "hash", "decision", "approver", "channel")


class NotProven(Invalid):
    """This message votes for nobody. `code` is why, for machines."""

    def __init__(self, code: Code, why: str) -> None:
        super().__init__(why)
        self.code: Code = code


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class Parked(_Message):
    """Greenlight's own note on a message that it puts back: it was authentic when it came, at that time."""

    at: str = Field(max_length=40)
    mac: str = Field(max_length=64)


class Envelope(_Message):
    """What stands on the queue."""

    version: Literal[2]
    kind: Literal["approval.decided"]
    signed: str
    parked: Parked | None = None


class Claims(_Message):
    """What the channel signs. Promotion, number and hash are those of the request that it answers."""

    version: Literal[2]
    iss: str = Field(max_length=40)
    """The channel."""
    sub: str = Field(pattern=r"^[0-9a-fA-F-]{36}/[0-9a-fA-F-]{36}$")
    """The person who answers: TENANT/OBJECT-ID."""
    iat: int = Field(ge=0)
    jti: str = Field(pattern=r"^[A-Za-z0-9._~-]{16,80}$")
    promotion: str = Field(max_length=2000)
    number: int = Field(ge=1, le=99)
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    decision: Literal["approve", "reject"]
    comment: str = Field("", max_length=MAX_COMMENT)


@dataclass(frozen=True, kw_only=True)
class Proven:
    """A vote that a registered channel signed, in time, for someone whom it may speak for."""

    claims: Claims
    channel: ChannelPolicy
    voter: VoterEntry
    key: str
    """Fingerprint of the key that signed."""
    envelope: Envelope
    came: datetime
    """When it reached the queue."""


def proven(
    text: str, channels: Sequence[ChannelPolicy], *, came: datetime, now: datetime, parking_key: bytes
) -> Proven:
    """Raises NotProven. `came`: when the message reached the queue, as the storage service says.

    Age counts until then, so a vote that waited for us is not lost, and one that is sent again is too old.
    """
    envelope = _envelope(text)
    if envelope.parked is not None:
        came = _parked_at(envelope, parking_key)
    channel = _channel(envelope.signed, channels)
    try:
        found, key = opened(envelope.signed, channel.public_keys)
    except TokenForged as error:
        raise NotProven("signature", f"not signed by a key of channel {channel.name!r}") from error
    except TokenUnreadable as error:
        raise NotProven("unreadable", str(error)) from error
    claims = _claims(found)
    _check_age(claims, channel, min(came, now), now)
    voter = channel.voter(claims.sub)
    if voter is None:
        raise NotProven("voter", f"channel {channel.name!r} may not speak for {claims.sub}")
    return Proven(
        claims=claims, channel=channel, voter=voter, key=key, envelope=envelope, came=min(came, now)
    )


def parked(vote: Proven, parking_key: bytes) -> str:
    """The same message with our note on it, so that its age does not grow while it waits for us."""
    at = vote.came.isoformat()
    note = Parked(at=at, mac=_mac(at, vote.envelope.signed, parking_key))
    return vote.envelope.model_copy(update={"parked": note}).model_dump_json()


def shown(text: str) -> dict[str, Any]:
    """What dead letters keep of a message: who claimed to say what, and nothing that could be sent again."""
    message = _parsed(text)
    signed = message.get("signed")
    whole = signed if isinstance(signed, str) else text  # parked or not, it is the same vote
    digest = hashlib.sha256(whole.encode(errors="replace")).hexdigest()[:16]
    told: dict[str, Any] = {"sha256": digest, "characters": len(whole)}
    try:
        claims = peeked(signed) if isinstance(signed, str) else {}
    except TokenUnreadable:
        claims = {}
    names = [(message, _SHOWN_UNSIGNED)] if "signed" not in message else [(claims, _SHOWN)]
    for found, wanted in names:
        told |= {name: _word(found[name], 200) for name in wanted if name in found}
    return told


def _envelope(text: str) -> Envelope:
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise NotProven("unreadable", f"longer than a queue message can be: {len(text)} characters")
    message = _parsed(text)
    if not message:
        raise NotProven("unreadable", "not a JSON object")
    if message.get("version") == 1 or "signed" not in message:
        raise NotProven("unsigned", "a right on the queue does not vote: a registered channel must sign")
    if message.get("version") != VERSION:
        said = _word(message.get("version"))
        raise NotProven("version", f"version {said} is not known here; this release reads {VERSION}")
    return _read(Envelope, message, "unreadable")


def _channel(token: str, channels: Sequence[ChannelPolicy]) -> ChannelPolicy:
    try:
        name = peeked(token).get("iss")
    except TokenUnreadable as error:
        raise NotProven("unreadable", str(error)) from error
    channel = next((c for c in channels if c.name == name), None)
    if channel is None:
        raise NotProven("channel", f"greenlight.yaml registers no channel {_word(name)!r}")
    if not channel.public_keys:
        raise NotProven("channel", f"channel {channel.name!r} has no key in greenlight.yaml: it is off")
    return channel


def _claims(found: dict[str, Any]) -> Claims:
    if found.get("version") != VERSION:
        said = _word(found.get("version"))
        raise NotProven("version", f"version {said} is not known here; this release reads {VERSION}")
    return _read(Claims, found, "claims")


def _check_age(claims: Claims, channel: ChannelPolicy, came: datetime, now: datetime) -> None:
    age = int(came.timestamp()) - claims.iat
    if claims.iat - int(now.timestamp()) > SKEW.total_seconds():
        raise NotProven("future", "signed at a time to come: set the channel's clock")
    if age > channel.max_age.total_seconds():
        raise NotProven("too_old", f"{age} s old when it came; channel {channel.name!r} sends within max_age")


def _parked_at(envelope: Envelope, key: bytes) -> datetime:
    note = envelope.parked
    if note is None or not hmac.compare_digest(
        note.mac.encode(), _mac(note.at, envelope.signed, key).encode()
    ):
        raise NotProven("note", "only Greenlight itself puts a message back")
    return datetime.fromisoformat(note.at)


def _mac(at: str, signed: str, key: bytes) -> str:
    return hmac.new(key, _MAC_FOR + f"{at}\n{signed}".encode(), hashlib.sha256).hexdigest()


def _read(kind: type[M], found: dict[str, Any], code: Code) -> M:
    """Names each field that is wrong, and repeats nothing of what stood there."""
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        wrong = [f"{visible('.'.join(map(str, e['loc'])), 60)}: {e['msg']}" for e in error.errors()[:5]]
        raise NotProven(code, "; ".join(wrong)) from error


def _word(value: object, limit: int = 40) -> str:
    """What a message says, if it is a word or a number: all else is only named, however deep it goes."""
    return visible(value, limit) if isinstance(value, str | int | float) else f"({type(value).__name__})"


def _parsed(text: str) -> dict[str, Any]:
    """The JSON object in a message; empty: there is none."""
    try:
        found: object = json.loads(text[:MAX_BYTES])
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
