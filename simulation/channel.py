"""The channel of the simulated cloud. Its key is made from words, so that seeds mean the same everywhere."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache

from shared.channel_tokens import sign_vote
from shared.names import promotion_id
from simulation.tasks import Ballot

NAME = "bridge"


@cache
def private_key() -> str:
    from cryptography.hazmat.primitives import serialization as how
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    raw = hashlib.sha256(b"the channel of the simulated cloud").digest()
    key = Ed25519PrivateKey.from_private_bytes(raw)
    return key.private_bytes(how.Encoding.PEM, how.PrivateFormat.PKCS8, how.NoEncryption()).decode()


def signed(ballot: Ballot, version: str, now: datetime) -> str:
    """The message with which the channel brings this answer; told twice, it is the same message."""
    return sign_vote(
        private_key(),
        channel=NAME,
        promotion=promotion_id(*ballot.key, version, ballot.n),
        number=ballot.k,
        hash=ballot.hash,
        voter=ballot.who.id,
        decision=ballot.decision.value,
        comment="so says " + ballot.who.name,
        now=now,
        id=f"answer-of-{ballot.who.oid}-{ballot.n}-{ballot.k}",
    )
