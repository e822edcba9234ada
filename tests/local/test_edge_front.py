"""The front door over real sockets: who gets through, as whom, and that nobody can claim to be someone."""

from __future__ import annotations

import base64
import json
import logging
import socket
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from local import identity, signin
from local.config import APPROVERS_GROUP, TENANT, LocalConfig
from local.front import loggable
from shared.identity import principal_from_headers
from tests.local.application import ANA, BROWSER, bearer, received, sign_in
from tests.running import eventually

if TYPE_CHECKING:
    from pathlib import Path


def principals(headers: list[tuple[str, str]]) -> list[str]:
    return sorted(n for n, _ in headers if n.startswith(("x-ms-client", "x_ms_client", "x-ms-token")))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (BROWSER, 302),
        ({"Accept": "TEXT/HTML"}, 302),
        ({"Accept": "application/json"}, 401),
        ({"Accept": "*/*"}, 401),
        ({}, 401),
        (BROWSER | {"Authorization": "Basic YTpi"}, 401),
        (BROWSER | {"Authorization": "Bearer nonsense"}, 401),
    ],
)
def test_browsers_go_to_the_login_page_and_others_get_401(
    client: httpx.Client, headers: dict[str, str], status: int
) -> None:
    client.headers.clear()

    answer = client.get("/api/slots", headers=headers)

    assert answer.status_code == status
    assert "x-application" not in answer.headers
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer realm=")


def test_the_way_to_the_login_page_remembers_where_one_wanted_to_go(client: httpx.Client) -> None:
    answer = client.get("/review/ab.c-d_e?x=1&y=%2F", headers=BROWSER)

    location = urlsplit(answer.headers["location"])
    assert (location.netloc, location.path) == ("", "/.auth/login/aad")
    assert parse_qs(location.query) == {"post_login_redirect_uri": ["/review/ab.c-d_e?x=1&y=%2F"]}


def test_a_bearer_token_arrives_as_the_platforms_principal(client: httpx.Client, front: LocalConfig) -> None:
    headers = received(client.get("/api/slots", headers=bearer(front)))

    by_name = dict(headers)
    assert by_name["x-ms-client-principal-id"] == ANA
    assert by_name["x-ms-client-principal-name"] == "ana@greenlight.test"
    assert by_name["x-ms-client-principal-idp"] == "aad"
    found = principal_from_headers(by_name, auth_enabled=True, tenant=TENANT)
    assert found is not None
    assert (found.id, found.name) == (f"{TENANT}/{ANA}", "Ana Approver")
    assert (found.groups, found.channel) == (frozenset({APPROVERS_GROUP}), "sign-in")


def test_an_application_is_a_principal_too(client: httpx.Client, front: LocalConfig) -> None:
    who = identity.MANAGED_IDENTITIES[1]

    by_name = dict(received(client.get("/api/slots", headers=bearer(front, who.oid))))

    assert by_name["x-ms-client-principal-id"] == who.oid
    assert by_name["x-ms-client-principal-name"] == who.client_id


def test_tokens_that_prove_nothing_are_refused(
    client: httpx.Client, front: LocalConfig, tmp_path: Path
) -> None:
    foreign = LocalConfig(home=tmp_path)
    good = bearer(front)["Authorization"]
    refused = [
        bearer(front, lifetime=-1)["Authorization"],
        bearer(front, audience="https://storage.azure.com")["Authorization"],
        bearer(front, audience=signin.SESSION)["Authorization"],
        bearer(foreign)["Authorization"],
        good[:-8] + "AAAAAAAA",
        good.replace(".", ".e30.", 1),
        'Bearer "\\"; error=no',
    ]

    for value in refused:
        answer = client.get("/api/slots", headers={"Authorization": value, **BROWSER})
        assert answer.status_code == 401, value
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert value.removeprefix("Bearer ") not in answer.text


def test_an_invalid_bearer_is_not_saved_by_a_valid_session(client: httpx.Client) -> None:
    sign_in(client, "ana")

    assert client.get("/api/slots").status_code == 200
    assert client.get("/api/slots", headers={"Authorization": "Bearer x"}).status_code == 401


FORGED = [
    "X-MS-CLIENT-PRINCIPAL",
    "x-ms-client-principal",
    "X-Ms-Client-Principal-Id",
    "x-MS-client-PRINCIPAL-name",
    "X-MS-CLIENT-PRINCIPAL-IDP",
    "X-MS-CLIENT-PRINCIPAL-ANYTHING",
    "X_MS_CLIENT_PRINCIPAL",
    "X-MS-TOKEN-AAD-ACCESS-TOKEN",
    "x-ms-token-aad-id-token",
    "X-MS-TOKEN-AAD-EXPIRES-ON",
    "X-MS-TOKEN-GOOGLE-ACCESS-TOKEN",
]


@pytest.mark.parametrize("path", ["/healthz", "/runtime/webhooks/eventgrid"])
@pytest.mark.parametrize("header", FORGED)
def test_principal_headers_from_outside_never_arrive(client: httpx.Client, header: str, path: str) -> None:
    assert principals(received(client.get(path, headers=[(header, "forged"), (header, "twice")]))) == []


def test_an_open_path_knows_who_is_signed_in_and_asks_nobody_to(
    client: httpx.Client, front: LocalConfig
) -> None:
    known = dict(received(client.get("/healthz", headers=bearer(front))))
    assert known["x-ms-client-principal-id"] == ANA

    for nobody in ({}, {"Authorization": "Bearer not.a.token"}):
        assert principals(received(client.get("/healthz", headers=nobody))) == []


@pytest.mark.parametrize("header", FORGED)
def test_a_signed_in_caller_cannot_add_to_the_principal(
    client: httpx.Client, front: LocalConfig, header: str
) -> None:
    headers = received(client.get("/api/slots", headers=bearer(front, "oscar") | {header: "forged"}))

    assert principals(headers) == [
        "x-ms-client-principal",
        "x-ms-client-principal-id",
        "x-ms-client-principal-idp",
        "x-ms-client-principal-name",
    ]
    assert "forged" not in [v for _, v in headers]


def test_hop_by_hop_headers_cannot_remove_the_principal(client: httpx.Client, front: LocalConfig) -> None:
    """`Connection: NAME` makes naive proxies drop that header: here only the caller's own."""
    trick = {"Connection": "keep-alive, X-MS-CLIENT-PRINCIPAL, X-Mine, Content-Type", "X-Mine": "gone"}

    headers = dict(received(client.get("/api/slots", headers=bearer(front) | trick)))

    assert headers["x-ms-client-principal-id"] == ANA
    assert "x-mine" not in headers
    assert "connection" not in headers or headers["connection"] != trick["Connection"]


def test_the_platforms_own_headers_are_set_not_taken(client: httpx.Client) -> None:
    forged = {
        "X-ARR-LOG-ID": "f",
        "Client-IP": "f",
        "X-Forwarded-Proto": "f",
        "X-Forwarded-For": "10.1.1.1",
        "X-Original-URL": "/f",
        "X-ARR-SSL": "f",
    }

    headers = dict(received(client.get("/healthz?a=b", headers=forged)))

    assert headers["x-forwarded-for"].startswith("10.1.1.1, 127.0.0.1:")
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-original-url"] == "/healthz?a=b"
    assert headers["host"] == headers["disguised-host"] == client.base_url.netloc.decode()
    assert len(headers["x-arr-log-id"]) == 36
    assert "x-arr-ssl" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/healthz/",
        "/healthz/x",
        "/healthz/../api/slots",
        "/healthz%2f..%2fapi/slots",
        "/HEALTHZ",
        "//healthz",
        "/healthz;x",
        "/runtime/webhooks/eventgrid/x",
        "/runtime/webhooks/eventgridx",
        "/runtime/webhooks/EventGrid",
        "/runtime",
        "/api/slots?x=/healthz",
        "/.auth/../api/slots",
    ],
)
def test_only_exactly_the_excluded_paths_are_open(front: LocalConfig, path: str) -> None:
    status, _ = raw(front, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())

    assert status in (401, 404)


def raw(config: LocalConfig, request: bytes) -> tuple[int, bytes]:
    """As it is written: clients tidy paths and headers up."""
    with socket.create_connection(("127.0.0.1", config.port("front")), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    return int(answer.split(b" ", 2)[1]), answer


def test_the_access_log_keeps_no_secrets(
    client: httpx.Client, front: LocalConfig, caplog: pytest.LogCaptureFixture
) -> None:
    def lines() -> list[str]:
        return [r.getMessage() for r in caplog.records if r.name == "front"]

    wanted = [
        "GET /review/[token] -> 200 ana@greenlight.test ",
        "POST /Review/[token]/vote -> 200 ana@greenlight.test ",
        "GET /review/[token] -> 302 - ",
        "POST /runtime/webhooks/eventgrid -> 200 - ",
        "GET /.auth/login/aad -> 200 - ",
        "POST /.auth/login/aad/callback -> 302 - ",
    ]
    with caplog.at_level(logging.DEBUG, "front"):
        client.get("/review/SECRET-1?x=SECRET-2", headers=bearer(front))
        client.post("/Review/SECRET-1/vote", headers=bearer(front))
        client.get("/%72eview/SECRET-1", headers=BROWSER)
        client.post("/runtime/webhooks/eventgrid?functionName=f&code=SECRET-3", json=[])
        client.get("/.auth/login/aad?post_login_redirect_uri=/review/SECRET-1")
        sign_in(client, "ana", "/review/SECRET-1")
        for start in wanted:  # each is written after its answer, so perhaps a moment later
            eventually(lambda start=start: any(x.startswith(start) for x in lines()), 5, start)
    assert not [line for line in lines() if "SECRET" in line or "Bearer" in line]


def test_a_path_cannot_write_log_lines_of_its_own() -> None:
    assert loggable("/a\nGET /b -> 200\x1b[2J") == "/a?GET /b -> 200?[2J"


def test_the_principal_is_json_in_base64(client: httpx.Client, front: LocalConfig) -> None:
    header = dict(received(client.get("/", headers=bearer(front))))["x-ms-client-principal"]

    principal = json.loads(base64.b64decode(header, validate=True))
    assert set(principal) == {"auth_typ", "claims", "name_typ", "role_typ"}
    assert principal["auth_typ"] == "aad"
    assert principal["role_typ"] == "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
    assert all(set(c) == {"typ", "val"} and isinstance(c["val"], str) for c in principal["claims"])
