"""`channels` of greenlight.yaml: who may bring votes on the queue, by which keys, and for whom."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator, model_validator

from orchestrator.policy_parts import IDENTITY, Duration, Strict, written

_NAME = re.compile(r"[a-z][a-z0-9-]{1,29}")
RESERVED = frozenset({"page", "api", "sign-in", "queue", "teams", "link", "mail"})
"""Ways to vote that are Greenlight's own: the journal tells them apart from every channel."""
MOST_KEYS = 4
KEY_BYTES = 32
LONGEST_AGE = timedelta(days=1)
_WEAK = frozenset(
    bytes.fromhex(point)
    for low in ("00", "80")
    for point in (
        "01" + "00" * 30 + low,
        "00" * 31 + low,
        "ec" + "ff" * 30 + ("7f" if low == "00" else "ff"),
        "ed" + "ff" * 30 + ("7f" if low == "00" else "ff"),
        "ee" + "ff" * 30 + ("7f" if low == "00" else "ff"),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc" + ("05" if low == "00" else "85"),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03" + ("7a" if low == "00" else "fa"),
    )
)
"""Points of small order: for them anyone can make signatures that prove."""


class VoterEntry(Strict):
    """A person that a channel may speak for. The name is the one that journal and pages show."""

    name: str = Field(min_length=1, max_length=80)
    id: str

    @field_validator("id")
    @classmethod
    def _person(cls, text: str) -> str:
        tenant, _, oid = text.partition("/")
        if not (IDENTITY.fullmatch(tenant) and IDENTITY.fullmatch(oid)):
            raise ValueError(f"id {text!r}: write TENANT/OBJECT-ID, two GUIDs; a channel speaks for no group")
        return text.lower()


class ChannelPolicy(Strict):
    """A system that authenticates people itself and signs what they answer: a bridge, a chat bot."""

    name: str
    public_keys: tuple[str, ...] = Field(max_length=MOST_KEYS)
    """Ed25519, 32 bytes in Base64; two while one replaces the other. None, or only empty ones: it is off."""
    voters: tuple[VoterEntry, ...] = Field(min_length=1)
    max_age: Duration = written("15m")
    """How old a vote may be when it reaches the queue."""

    @field_validator("public_keys")
    @classmethod
    def _keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        given = tuple(key.strip() for key in keys if key.strip())
        for key in given:
            _check_key(key)
        if len(set(given)) != len(given):
            raise ValueError("the same key is named twice")
        return given

    @model_validator(mode="after")
    def _sound(self) -> ChannelPolicy:
        if not _NAME.fullmatch(self.name) or self.name in RESERVED:
            raise ValueError(
                f"channel name {self.name!r}: 2 to 30 lower-case letters, digits and hyphens, a letter "
                f"first, and none of {', '.join(sorted(RESERVED))}"
            )
        if not timedelta() < self.max_age <= LONGEST_AGE:
            raise ValueError("max_age: more than 0s, and 1d at most")
        ids = [v.id for v in self.voters]
        if len(set(ids)) != len(ids):
            raise ValueError(f"channel {self.name!r} names a voter twice")
        return self

    def voter(self, person: str) -> VoterEntry | None:
        """The one entry for TENANT/OBJECT-ID, in any case of letters."""
        return next((v for v in self.voters if v.id == person.lower()), None)


def _unmistakable(channels: tuple[ChannelPolicy, ...]) -> tuple[ChannelPolicy, ...]:
    """A name stands for one channel, and a key proves one channel."""
    names: set[str] = set()
    owners: dict[str, str] = {}
    for channel in channels:
        if channel.name in names:
            raise ValueError(f"channel names repeat: {channel.name}")
        names.add(channel.name)
        for key in channel.public_keys:
            if key in owners:
                raise ValueError(f"{owners[key]!r} and {channel.name!r} share a key: make one for each")
            owners[key] = channel.name
    return channels


ChannelList = Annotated[tuple[ChannelPolicy, ...], AfterValidator(_unmistakable)]


def _check_key(key: str) -> None:
    if "PRIVATE KEY" in key:
        raise ValueError("this is a private key: it belongs to the channel alone; make a new pair")
    try:
        raw = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES or base64.b64encode(raw).decode() != key:
        raise ValueError(
            "a public key is the 32 bytes of an Ed25519 key in Base64, 44 characters; "
            "`greenlight channel new` prints it"
        )
    if raw in _WEAK:
        raise ValueError("this public key is weak: anyone could sign for it")
