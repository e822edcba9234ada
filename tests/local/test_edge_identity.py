"""Tokens of the local tenant, and the managed-identity endpoint through the real azure-identity."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import httpx
import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, DefaultAzureCredential, ManagedIdentityCredential

from local import gateway, identity, managed_identity
from local.config import APP_IDENTITY, APPROVERS_GROUP, JOB_IDENTITY, TENANT, LocalConfig
from tests.local.servers import beside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADER = "the-app's-own-secret"
STORAGE = "https://storage.azure.com"


@pytest.fixture(scope="module")
def endpoint(module_config: LocalConfig) -> Iterator[str]:
    app = managed_identity.create_app(module_config, HEADER)
    with beside(gateway.serving(app, module_config.port("identity"))):
        yield f"http://127.0.0.1:{module_config.port('identity')}/msi/token"


@pytest.fixture
def in_app_service(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.mark.usefixtures("in_app_service")
def test_azure_identity_gets_storage_tokens_unpatched(module_config: LocalConfig) -> None:
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(f"{STORAGE}/.default")

    claims = identity.verify_token(module_config, token.token, STORAGE)
    assert (claims["oid"], claims["tid"], claims["idtyp"]) == (APP_IDENTITY, TENANT, "app")
    assert abs(claims["exp"] - token.expires_on) <= 2
    assert claims["iss"] == f"https://sts.windows.net/{TENANT}/"


@pytest.mark.usefixtures("in_app_service")
def test_the_default_credential_finds_the_endpoint(module_config: LocalConfig) -> None:
    with DefaultAzureCredential(exclude_environment_credential=True) as credential:
        token = credential.get_token("https://management.greenlight.test/.default").token

    assert identity.verify_token(module_config, token, module_config.arm_url)["oid"] == APP_IDENTITY


@pytest.mark.usefixtures("in_app_service")
def test_a_user_assigned_identity_is_chosen_by_client_id(module_config: LocalConfig) -> None:
    jobs = next(i for i in identity.MANAGED_IDENTITIES if i.oid == JOB_IDENTITY)
    with ManagedIdentityCredential(client_id=jobs.client_id) as credential:
        token = credential.get_token(f"{STORAGE}/.default").token

    assert identity.verify_token(module_config, token, STORAGE)["appid"] == jobs.client_id


@pytest.mark.usefixtures("in_app_service")
@pytest.mark.parametrize(
    ("client_id", "scope"),
    [
        ("77777777-0000-4000-8000-000000000001", f"{STORAGE}/.default"),
        (None, "https://storage.azure.con/.default"),
    ],
)
def test_azure_identity_reports_what_the_platform_would_refuse(client_id: str | None, scope: str) -> None:
    with (
        ManagedIdentityCredential(client_id=client_id) as credential,
        pytest.raises((CredentialUnavailableError, ClientAuthenticationError), match="400"),
    ):
        credential.get_token(scope)


@pytest.mark.parametrize(
    ("header", "query", "status"),
    [
        (HEADER, "api-version=2019-08-01&resource=https://storage.azure.com/", 200),
        (HEADER, "api-version=2019-08-01&resource=https://glapp.blob.core.greenlight.test", 200),
        (None, "api-version=2019-08-01&resource=https://storage.azure.com/", 401),
        ("guess", "api-version=2019-08-01&resource=https://storage.azure.com/", 401),
        (HEADER, "resource=https://storage.azure.com/", 400),
        (HEADER, "api-version=2017-09-01&resource=https://storage.azure.com/", 400),
        (HEADER, "api-version=2019-08-01", 400),
        (HEADER, "api-version=2019-08-01&resource=https://example.com", 400),
        (HEADER, "api-version=2019-08-01&resource=https://storage.azure.com&principal_id=nobody", 400),
        (HEADER, f"api-version=2019-08-01&resource=https://storage.azure.com&object_id={JOB_IDENTITY}", 200),
    ],
)
def test_answers_have_the_platforms_shape(endpoint: str, header: str | None, query: str, status: int) -> None:
    headers = {} if header is None else {"X-IDENTITY-HEADER": header}

    answer = httpx.get(f"{endpoint}?{query}", headers=headers, trust_env=False)

    assert answer.status_code == status
    if status == 200:
        assert set(answer.json()) == {"access_token", "expires_on", "resource", "token_type", "client_id"}
        assert answer.json()["expires_on"].isdecimal()
    else:
        assert answer.json()["statusCode"] == status
        assert answer.json()["message"]


def test_the_published_key_verifies_tokens(endpoint: str, module_config: LocalConfig) -> None:
    """What a service without access to the home would do."""
    base = endpoint.removesuffix("/msi/token")
    document = httpx.get(f"{base}/{TENANT}/.well-known/openid-configuration", trust_env=False).json()
    keys = httpx.get(document["jwks_uri"], trust_env=False).json()
    token = identity.issue_token(module_config, "ana")

    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]

    claims = jwt.decode(token, key, ["RS256"], audience=identity.API, issuer=document["issuer"])
    assert claims["preferred_username"] == "ana@greenlight.test"


def test_a_persons_token_carries_who_they_are(config: LocalConfig) -> None:
    claims = identity.verify_token(config, identity.issue_token(config, "ana"))

    assert claims["oid"] == "33333333-0000-4000-8000-000000000002"
    assert claims["name"] == "Ana Approver"
    assert claims["groups"] == [APPROVERS_GROUP]
    assert claims["exp"] - claims["iat"] == 8 * 3600
    assert claims == identity.verify_token(config, identity.issue_token(config, claims["oid"])) | {
        k: claims[k] for k in ("iat", "nbf", "exp", "uti")
    }


def test_an_unknown_person_is_told_who_there_is(config: LocalConfig) -> None:
    with pytest.raises(identity.UnknownPrincipalError, match=r"'bob'.*author.*ana.*ben.*olu.*oscar"):
        identity.issue_token(config, "bob")


def _tampered(token: str) -> str:
    head, _, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False}) | {"oid": APP_IDENTITY}
    return f"{head}.{jwt.utils.base64url_encode(json.dumps(claims).encode()).decode()}.{signature}"


def test_refused_tokens_say_why(config: LocalConfig, tmp_path: Path) -> None:
    good = identity.issue_token(config, "ana")
    other_home = LocalConfig(home=tmp_path / "other")
    claims = jwt.decode(good, options={"verify_signature": False})
    refused = {
        "expired": identity.issue_token(config, "ana", lifetime=-1),
        "audience": identity.issue_token(config, "ana", STORAGE),
        "signature": identity.issue_token(other_home, "ana"),
        "malformed": "not-a-token",
    }
    forged = {
        _tampered(good): "signature",
        jwt.encode(claims, None, algorithm="none"): "signature",
        jwt.encode(claims, "k" * 32, algorithm="HS256"): "signature",
        good.rpartition(".")[0] + "." + refused["expired"].rpartition(".")[2]: "signature",
    }

    for token, reason in [(t, r) for r, t in refused.items()] + list(forged.items()):
        with pytest.raises(identity.TokenRefusedError) as caught:
            identity.verify_token(config, token)
        assert caught.value.reason == reason
        assert token not in str(caught.value)


def test_claims_of_another_tenant_or_issuer_are_refused_even_if_signed(config: LocalConfig) -> None:
    claims = identity.verify_token(config, identity.issue_token(config, "ana"))
    key = identity._key(config)

    for change, reason in (
        ({"tid": "99999999-0000-4000-8000-000000000009"}, "tenant"),
        ({"iss": "https://sts.windows.net/99999999-0000-4000-8000-000000000009/"}, "issuer"),
        ({"nbf": claims["exp"]}, "early"),
    ):
        with pytest.raises(identity.TokenRefusedError) as caught:
            identity.verify_token(config, jwt.encode(claims | change, key, "RS256"))
        assert caught.value.reason == reason


def test_a_token_without_an_object_id_is_refused(config: LocalConfig) -> None:
    claims = identity.verify_token(config, identity.issue_token(config, "ana"))
    del claims["oid"]

    with pytest.raises(identity.TokenRefusedError, match="oid"):
        identity.verify_token(config, jwt.encode(claims, identity._key(config), "RS256"))


def test_the_key_is_made_once_and_for_the_owner_only(config: LocalConfig) -> None:
    identity.issue_token(config, "ana")
    path = config.home / "identity" / "key.pem"
    before = path.read_bytes()

    identity._make(path)  # a second process that came to the same idea at the same time

    assert path.read_bytes() == before
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600  # noqa: PTH116
    assert [p.name for p in path.parent.iterdir()] == ["key.pem"]
