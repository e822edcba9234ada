"""Who calls: the bearer token's claims, checked as ARM checks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.azureml.refusals import Refusal
from local.identity import TokenRefusedError, verify_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.config import LocalConfig

# A client asks for a token of whatever it calls its resource manager; MLflow clients for the workspace's.
AUDIENCES = (
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://ml.azure.com",
)
CODES = {
    "expired": "ExpiredAuthenticationToken",
    "audience": "InvalidAuthenticationTokenAudience",
    "issuer": "InvalidAuthenticationTokenTenant",
    "tenant": "InvalidAuthenticationTokenTenant",
}


@dataclass(frozen=True)
class Caller:
    """The identity behind a request."""

    oid: str
    name: str
    kind: str = "User"  # or Application, ManagedIdentity


def authenticate(config: LocalConfig, headers: Mapping[str, str]) -> Caller:
    """The caller of a request, or the 401 that ARM answers."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized(
            "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
        )
    claims = _claims(config, token.strip())
    name = claims.get("name") or claims.get("upn") or claims.get("appid") or claims["oid"]
    return Caller(str(claims["oid"]), str(name), _kind(claims))


def _kind(claims: dict[str, Any]) -> str:
    if "xms_mirid" in claims:
        return "ManagedIdentity"
    return "Application" if claims.get("idtyp") == "app" else "User"


def _claims(config: LocalConfig, token: str) -> dict[str, Any]:
    try:
        return verify_token(config, token, (config.arm_url, *AUDIENCES))
    except TokenRefusedError as refused:
        code = CODES.get(refused.reason, "InvalidAuthenticationToken")
        raise _unauthorized(code, str(refused)) from None


def _unauthorized(code: str, message: str) -> Refusal:
    refusal = Refusal(401, code, message)
    refusal.headers["WWW-Authenticate"] = f'Bearer error="invalid_token", error_description="{message}"'
    return refusal
