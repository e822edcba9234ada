"""The local tenant: its signing key, and the tokens of its people and managed identities.

A token is what Entra would issue: an RS256 JWT with issuer, audience, object id, tenant, roles and groups.
The key is made once per home. Every service of the local cloud verifies with `verify_token`; programs that
want the public key alone find it where OpenID Connect says (see managed_identity.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import tempfile
import time
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from local.config import (
    APP_IDENTITY,
    DEPLOYER_IDENTITY,
    JOB_IDENTITY,
    PEOPLE,
    SUBSCRIPTION,
    SUFFIX,
    TENANT,
    Person,
)

if TYPE_CHECKING:
    from local.config import LocalConfig

API = "api://greenlight"  # audience of the product itself
ISSUER = f"https://sts.windows.net/{TENANT}/"
HOURS_8 = 8 * 3600.0
_REQUIRED = ["aud", "iss", "iat", "nbf", "exp", "oid", "tid", "sub"]

Reason = Literal["malformed", "signature", "issuer", "tenant", "audience", "expired", "early"]
_REASONS: tuple[tuple[type[jwt.InvalidTokenError], Reason], ...] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "early"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidIssuerError, "issuer"),
    (jwt.InvalidSignatureError, "signature"),
    (jwt.InvalidAlgorithmError, "signature"),
)


class UnknownPrincipalError(LookupError):
    """Nobody in the local tenant has that name or object id. The message lists who there is."""

    def __init__(self, who: str) -> None:
        names = ", ".join(f"{p.key} ({p.name})" for p in PEOPLE)
        super().__init__(f"no account named {who!r} in the local tenant; there are: {names}")


class TokenRefusedError(ValueError):
    """A token that proves nothing here. `reason` is for code, the message for people."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class ManagedIdentity:
    """An application's own identity; `client_id` is how it is named when it has several."""

    name: str
    oid: str
    client_id: str
    resource_id: str


_ID = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-greenlight/providers"
DEPLOYER_CLIENT = "55555555-0000-4000-8000-000000000003"
"""As AZURE_CLIENT_ID it makes a command the deployer's, as a pipeline's sign-in does in Azure."""
MANAGED_IDENTITIES = (
    ManagedIdentity(
        "greenlight",
        APP_IDENTITY,
        "55555555-0000-4000-8000-000000000001",
        f"{_ID}/Microsoft.Web/sites/greenlight",
    ),
    ManagedIdentity(
        "greenlight-jobs",
        JOB_IDENTITY,
        "55555555-0000-4000-8000-000000000002",
        f"{_ID}/Microsoft.ManagedIdentity/userAssignedIdentities/greenlight-jobs",
    ),
    ManagedIdentity(
        "greenlight-deployer",
        DEPLOYER_IDENTITY,
        DEPLOYER_CLIENT,
        f"{_ID}/Microsoft.ManagedIdentity/userAssignedIdentities/greenlight-deployer",
    ),
)


def find(who: str) -> Person | ManagedIdentity:
    """Someone by a person's key or anybody's object id."""
    for person in PEOPLE:
        if who in (person.key, person.oid):
            return person
    for identity in MANAGED_IDENTITIES:
        if who == identity.oid:
            return identity
    raise UnknownPrincipalError(who)


def issue_token(config: LocalConfig, who: str, audience: str = API, *, lifetime: float = HOURS_8) -> str:
    """An access token of a person (key) or any principal (object id) for `audience`, signed by the tenant."""
    now = int(time.time())
    claims = {
        "aud": audience.rstrip("/"),
        "iss": ISSUER,
        "iat": now,
        "nbf": now,
        "exp": now + int(lifetime),
        "tid": TENANT,
        "uti": uuid.uuid4().hex,
        "ver": "1.0",
        **_claims(find(who)),
    }
    return jwt.encode(claims, _key(config), algorithm="RS256", headers={"kid": _kid(config)})


def _claims(who: Person | ManagedIdentity) -> dict[str, Any]:
    if isinstance(who, ManagedIdentity):
        app = {"appid": who.client_id, "idtyp": "app", "xms_mirid": who.resource_id}
        return {"oid": who.oid, "sub": who.oid, **app}
    username = f"{who.key}@{SUFFIX}"
    lists = {"roles": list(who.roles), "groups": list(who.groups)}
    return {
        "oid": who.oid,
        "sub": who.oid,
        "name": who.name,
        "preferred_username": username,
        "upn": username,
        **{kind: values for kind, values in lists.items() if values},
    }


def verify_token(config: LocalConfig, token: str, audience: str | tuple[str, ...] = API) -> dict[str, Any]:
    """The claims of a token that this tenant signed for `audience` and that is valid now."""
    audiences = (audience,) if isinstance(audience, str) else audience
    try:
        claims = jwt.decode(
            token,
            _key(config).public_key(),
            algorithms=["RS256"],
            audience=[a.rstrip("/") for a in audiences],
            issuer=ISSUER,
            options={"require": _REQUIRED},
        )
    except jwt.InvalidTokenError as error:
        raise TokenRefusedError(_reason(error), f"the token was refused: {error}") from error
    if claims["tid"] != TENANT:
        raise TokenRefusedError("tenant", f"the token is from another tenant: {claims['tid']}")
    return claims


def _reason(error: jwt.InvalidTokenError) -> Reason:
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return "malformed"


def jwks(config: LocalConfig) -> dict[str, Any]:
    """The public key as a JSON Web Key Set."""
    key = RSAAlgorithm.to_jwk(_key(config).public_key(), as_dict=True)
    return {"keys": [{"kid": _kid(config), "use": "sig", "alg": "RS256", **key}]}


def secret(config: LocalConfig, purpose: str) -> str:
    """A secret of this home for one purpose: nothing more to store, and none is of use for another."""
    seed = _key(config).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return hmac.new(seed, purpose.encode(), hashlib.sha256).hexdigest()


def _key(config: LocalConfig) -> rsa.RSAPrivateKey:
    return _load(config.home / "identity" / "key.pem")


def _kid(config: LocalConfig) -> str:
    numbers = _key(config).public_key().public_numbers()
    return hashlib.sha256(f"{numbers.n:x}".encode()).hexdigest()[:32]


@cache
def _load(path: Path) -> rsa.RSAPrivateKey:
    if not path.exists():
        _make(path)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{path} is not an RSA key; delete the file and start again")
    return key


def _make(path: Path) -> None:
    """Several processes may get here at once: whoever links first has made the key for all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(name)
    finally:
        Path(name).unlink()
