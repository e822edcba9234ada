"""Votes as registered channels sign them: JSON Web Signatures (RFC 7515) with Ed25519 (RFC 8037).

A channel's private key makes the token, its public key in greenlight.yaml proves it. A bridge may use this
module or any JOSE library. The libraries are loaded with the first token, not with the app.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from shared.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VERSION: Final = 2
KIND: Final = "approval.decided"
TYPE: Final = "greenlight-vote+jwt"
"""`typ` of the header: a key that signs other things too cannot be made to vote with them."""
MAX_COMMENT: Final = 2000
_HEADER: Final = {"alg", "typ", "kid"}


class TokenUnreadable(Invalid):
    """It is no token of the form that channels send."""


class TokenForged(Invalid):
    """None of the keys made this signature."""


def new_key() -> str:
    """A new private key, as PEM."""
    from cryptography.hazmat.primitives import serialization as how
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    pem = Ed25519PrivateKey.generate().private_bytes(
        how.Encoding.PEM, how.PrivateFormat.PKCS8, how.NoEncryption()
    )
    return pem.decode()


def public_key(private_pem: str) -> str:
    """What greenlight.yaml names under `public_keys`: the 32 bytes, Base64."""
    from cryptography.hazmat.primitives import serialization as how

    raw = _private(private_pem).public_key().public_bytes(how.Encoding.Raw, how.PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def fingerprint(public: str) -> str:
    """JWK thumbprint (RFC 7638): names a key in headers and in the journal."""
    x = _url64(base64.b64decode(public))
    jwk = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    return _url64(hashlib.sha256(jwk.encode()).digest())


def sign_vote(
    private_pem: str,
    *,
    channel: str,
    promotion: str,
    number: int,
    hash: str,  # noqa: A002 -- the approval hash, as everywhere
    voter: str,
    decision: Literal["approve", "reject"],
    comment: str = "",
    now: datetime,
    id: str = "",  # noqa: A002 -- as in the message
) -> str:
    """The text to put on the queue `approval-decisions`. `number`: of the request; `voter`: TENANT/OBJECT-ID.

    `id` makes a repeated call the same message; without it each is a new one. Raises Invalid.
    """
    import jwt

    if len(comment) > MAX_COMMENT:
        raise Invalid(f"comment: at most {MAX_COMMENT} characters, not {len(comment)}")
    claims = {
        "version": VERSION, "iss": channel, "sub": voter, "iat": int(now.timestamp()),
        "jti": id or secrets.token_urlsafe(18), "promotion": promotion, "number": number, "hash": hash,
        "decision": decision, "comment": comment,
    }  # fmt: skip
    key = _private(private_pem)
    header = {"typ": TYPE, "kid": fingerprint(public_key(private_pem))}
    token = jwt.encode(claims, key, algorithm="EdDSA", headers=header)
    return json.dumps({"version": VERSION, "kind": KIND, "signed": token})


def peeked(token: str) -> dict[str, Any]:
    """The claims, unproven: they say who claims to speak, and nothing else. Raises TokenUnreadable."""
    return _parts(token)[1]


def opened(token: str, public_keys: Iterable[str]) -> tuple[dict[str, Any], str]:
    """The claims and the fingerprint of the key that signed them. Raises TokenUnreadable or TokenForged."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    header, claims = _parts(token)
    if header.get("alg") != "EdDSA" or header.get("typ") != TYPE or not header.keys() <= _HEADER:
        raise TokenUnreadable(f"header: alg EdDSA, typ {TYPE} and perhaps kid, nothing else")
    for public in public_keys:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
        try:
            jwt.PyJWS().decode(token, key, algorithms=["EdDSA"])
        except jwt.InvalidTokenError:
            continue
        return claims, fingerprint(public)
    raise TokenForged("none of the channel's keys made this signature")


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims. One token has one spelling: Base64 that could be written otherwise is refused."""
    parts = token.split(".") if token.isascii() else []
    if len(parts) != 3:
        raise TokenUnreadable("a signed vote has three parts, separated by points")
    header, claims, signature = (_bytes(part) for part in parts)
    if not signature:
        raise TokenUnreadable("there is no signature")
    return _object(header, "header"), _object(claims, "claims")


def _bytes(part: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    if _url64(raw) != part:
        raise TokenUnreadable("a part is not Base64url without padding")
    return raw


def _object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        found: object = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise TokenUnreadable(f"the {what} are not a JSON object")
    return cast("dict[str, Any]", found)


def _private(pem: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise Invalid("the private key is not a PEM file without password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Invalid("the private key is not an Ed25519 key")
    return key


def _url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
