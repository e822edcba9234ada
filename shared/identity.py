"""Who is asking, as App Service Authentication says. Nothing else from outside is ever an identity.

The platform strips its own headers from outside requests only while the feature is on for the app;
when it is off anyone can write them, so then nobody is signed in. Identity is tenant and object id:
a display name can be chosen freely and decides nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from shared.untrusted import visible

PRINCIPAL_HEADER = "x-ms-client-principal"
MAX_HEADER = 64 * 1024
_NAME = 200
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SOAP = "http://schemas.microsoft.com/identity/claims/"
_WS = "http://schemas.microsoft.com/ws/2008/06/identity/claims/"
_XML = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_OID = ("oid", f"{_SOAP}objectidentifier")
_TENANT = ("tid", f"{_SOAP}tenantid")
_NAMES = ("name", "preferred_username", f"{_XML}name", f"{_XML}upn", "upn", f"{_XML}emailaddress", "appid")
_GROUPS = ("groups", f"{_WS}groups")
_ROLES = ("roles", f"{_WS}role")


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A signed-in person or service. `name` is for display only."""

    tenant: str
    oid: str
    name: str = ""
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    channel: str = "sign-in"
    """How the identity was established."""
    groups_known: bool = field(default=True)
    """False when the token said that there were too many groups to list: membership then counts as absent."""

    @property
    def id(self) -> str:
        """Canonical identity, TENANT/OBJECT-ID in lower case: what votes are counted by."""
        return canonical(self.tenant, self.oid)


def canonical(tenant: str, oid: str) -> str:
    return f"{tenant}/{oid}".lower()


def principal_from_headers(
    headers: Mapping[str, str], *, auth_enabled: bool, tenant: str = ""
) -> Principal | None:
    """The signed-in principal, or None: not signed in, sign-in switched off, or not understood.

    `tenant`, when given, is the only one accepted.
    """
    if not auth_enabled:
        return None
    raw = next((v for k, v in headers.items() if k.lower() == PRINCIPAL_HEADER), "")
    data = _decoded(raw)
    if data is None or data.get("auth_typ") != "aad":
        return None
    claims = _claims(data.get("claims"))
    oid, tid = _only_guid(claims, _OID), _only_guid(claims, _TENANT)
    if not oid or not tid or (tenant and tid != tenant.lower()):
        return None
    overflow = _overflow(claims)
    role_names = (*_ROLES, *_text(data.get("role_typ")))
    return Principal(
        tenant=tid,
        oid=oid,
        name=visible(next(iter(_values(claims, (*_text(data.get("name_typ")), *_NAMES))), ""), _NAME),
        groups=frozenset() if overflow else frozenset(v.lower() for v in _values(claims, _GROUPS)),
        roles=frozenset(_values(claims, role_names)),
        groups_known=not overflow,
    )


def _decoded(raw: str) -> dict[str, Any] | None:
    if not raw or len(raw) > MAX_HEADER:
        return None
    try:
        data: object = json.loads(base64.b64decode(raw, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", data) if isinstance(data, dict) else None


def _claims(found: object) -> list[tuple[str, str]]:
    """(type, value) pairs in order; a type may repeat. What has another shape is left out."""
    pairs: list[tuple[str, str]] = []
    for item in cast("list[object]", found) if isinstance(found, list) else []:
        match item:
            case {"typ": str(kind), "val": str(value)} if value:
                pairs.append((kind, value))
            case _:
                pass
    return pairs


def _values(claims: list[tuple[str, str]], kinds: Iterable[str]) -> list[str]:
    return [value for kind in kinds for found, value in claims if found == kind]


def _only_guid(claims: list[tuple[str, str]], kinds: tuple[str, ...]) -> str:
    """The one id among the claims; none or two different ones identify nobody."""
    found = {value.lower() for value in _values(claims, kinds)}
    only = found.pop() if len(found) == 1 else ""
    return only if _GUID.fullmatch(only) else ""


def _overflow(claims: list[tuple[str, str]]) -> bool:
    """Entra leaves the groups out of a token that would grow too long, and says so in one of two ways."""
    hinted = any(v.lower() == "true" for v in _values(claims, ("hasgroups",)))
    return hinted or any("groups" in v for v in _values(claims, ("_claim_names",)))


def _text(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) and value else ()
