"""The identity endpoint of App Service (`IDENTITY_ENDPOINT`, API 2019-08-01), as `azure-identity` uses it.

Answers and refusals have the platform's shape. Also here: the tenant's OpenID Connect documents.
"""

from __future__ import annotations

import hmac
import logging
import re
import time
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from local import identity
from local.config import ARM_HOST, STORAGE_SUFFIX, TENANT

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.config import LocalConfig

log = logging.getLogger("identity")

API_VERSION = "2019-08-01"
LIFETIME = 24 * 3600.0  # what managed identities get
# Entra issues tokens only for resources that it knows; a misspelt scope must fail here too.
RESOURCES = {
    f"https://{ARM_HOST}",
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://storage.azure.com",
    "https://ml.azure.com",
    "https://eventgrid.azure.net",
    "https://vault.azure.net",
    "https://monitor.azure.com",
    "https://graph.microsoft.com",
    identity.API,
}
_ACCOUNT = re.compile(rf"https://[a-z0-9]{{3,24}}\.(blob|queue|table)\.{re.escape(STORAGE_SUFFIX)}")
_SELECTORS = ("client_id", "principal_id", "object_id", "mi_res_id")


class _Refusal(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def create_app(config: LocalConfig, header: str) -> Starlette:
    """`header` is the secret that callers must send as X-IDENTITY-HEADER."""
    keys = f"http://127.0.0.1:{config.port('identity')}/{TENANT}/discovery/keys"

    async def token(request: Request) -> JSONResponse:
        try:
            answer = _answer(config, header, request)
        except _Refusal as refusal:
            log.info("refused: %s", refusal)
            return JSONResponse({"statusCode": refusal.status, "message": str(refusal)}, refusal.status)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    async def configuration(_: Request) -> JSONResponse:
        return JSONResponse(
            {
                "issuer": identity.ISSUER,
                "jwks_uri": keys,
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["public"],
            }
        )

    async def key_set(_: Request) -> JSONResponse:
        return JSONResponse(identity.jwks(config))

    async def ready(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ready")

    return Starlette(
        routes=[
            Route("/msi/token", token, methods=["GET"]),
            Route(f"/{TENANT}/.well-known/openid-configuration", configuration),
            Route(f"/{TENANT}/discovery/keys", key_set),
            Route("/-/ready", ready),
        ]
    )


def _answer(config: LocalConfig, header: str, request: Request) -> dict[str, str]:
    if not hmac.compare_digest(request.headers.get("x-identity-header", "").encode(), header.encode()):
        raise _Refusal(401, "The X-IDENTITY-HEADER is missing or not the one of this application.")
    version = request.query_params.get("api-version")
    if version != API_VERSION:
        raise _Refusal(400, f"The api-version {version!r} is not supported; use {API_VERSION}.")
    resource = request.query_params.get("resource", "")
    if not _known(resource):
        raise _Refusal(
            400, f"AADSTS500011: The resource principal named {resource!r} was not found in the tenant."
        )
    who = _selected(request)
    expiry = time.time() + LIFETIME
    log.info("token for %s, resource %s", who.name, resource)
    return {
        "access_token": identity.issue_token(config, who.oid, resource, lifetime=LIFETIME),
        "expires_on": str(int(expiry)),
        "resource": resource,
        "token_type": "Bearer",
        "client_id": who.client_id,
    }


def _known(resource: str) -> bool:
    name = resource.rstrip("/")
    return name in RESOURCES or _ACCOUNT.fullmatch(name) is not None


def _selected(request: Request) -> identity.ManagedIdentity:
    """The identity that the caller names in one of four ways; the system-assigned one if in none."""
    wanted = {k: v for k, v in request.query_params.items() if k in _SELECTORS}
    for candidate in identity.MANAGED_IDENTITIES:
        names = {candidate.client_id, candidate.oid, candidate.resource_id.lower()}
        if all(value.lower() in names for value in wanted.values()):
            return candidate
    raise _Refusal(
        400,
        "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
    )
