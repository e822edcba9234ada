"""What App Service Authentication tells the application about the caller, and what it never lets through."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Headers = list[tuple[bytes, bytes]]

_SOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_MICROSOFT = "http://schemas.microsoft.com/identity/claims/"
NAME_TYPE = f"{_SOAP}emailaddress"
ROLE_TYPE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
# The platform renames these claims; all others keep the token's own name.
RENAMED = {
    "oid": f"{_MICROSOFT}objectidentifier",
    "tid": f"{_MICROSOFT}tenantid",
    "sub": f"{_SOAP}nameidentifier",
    "upn": f"{_SOAP}upn",
}
_OURS = (b"x-ms-client-principal", b"x-ms-token-")


def strip(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Without anything that only the platform may say. Some servers read `_` as `-`, so both go."""
    return [(n, v) for n, v in headers if not n.lower().replace(b"_", b"-").startswith(_OURS)]


def claim_list(claims: Mapping[str, Any]) -> list[dict[str, str]]:
    """A claim with several values is repeated, as `roles` and `groups` are."""
    return [
        {"typ": RENAMED.get(name, name), "val": str(value)}
        for name, values in claims.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def user_name(claims: Mapping[str, Any]) -> str:
    """An application has no user name: the platform gives its client id."""
    return str(claims.get("preferred_username") or claims.get("upn") or claims.get("appid") or claims["oid"])


def headers_for(claims: Mapping[str, Any]) -> Headers:
    principal = {
        "auth_typ": "aad",
        "claims": claim_list(claims),
        "name_typ": NAME_TYPE,
        "role_typ": ROLE_TYPE,
    }
    return [
        (b"x-ms-client-principal", base64.b64encode(json.dumps(principal).encode())),
        (b"x-ms-client-principal-id", str(claims["oid"]).encode()),
        (b"x-ms-client-principal-name", user_name(claims).encode()),
        (b"x-ms-client-principal-idp", b"aad"),
    ]
