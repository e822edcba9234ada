"""The front door over real sockets: who gets through, as whom, and that nobody can claim to be someone."""

from __future__ import annotations

import json
import logging
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from local import gateway, identity, signin
from local.config import APPROVERS_GROUP, TENANT, LocalConfig
from local.front import loggable
from shared.identity import principal_from_headers
from tests.local.application import Application
from tests.local.servers import beside
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ANA = "33333333-0000-4000-8000-000000000002"


@pytest.fixture(scope="module")
def application() -> Application:
    return Application()


@pytest.fixture(scope="module")
def front(module_config: LocalConfig, application: Application) -> Iterator[LocalConfig]:
    with beside(
        gateway.serving(application, module_config.port("functions")),
        gateway.front_door(module_config),
    ):
        yield module_config


@pytest.fixture
def client(front: LocalConfig) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=front.front_url, trust_env=False) as made:
        yield made


def bearer(config: LocalConfig, who: str = "ana", **how: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {identity.issue_token(config, who, **how)}"}


def received(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.headers.get("x-application") == "yes", answer.text
    return [(name, value) for name, value in answer.json()["headers"]]


def principals(headers: list[tuple[str, str]]) -> list[str]:
    return sorted(n for n, _ in headers if n.startswith(("x-ms-client", "x_ms_client", "x-ms-token")))


def sign_in(client: httpx.Client, person: str, target: str = "/") -> httpx.Response:
    form = {"person": person, "post_login_redirect_uri": target}
    return client.post("/.auth/login/aad/callback", data=form)


# --- who is let through


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
    client: httpx.Client, front: LocalConfig, tmp_path: Any
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


# --- what cannot be claimed

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


# --- signing in


def test_signing_in_leads_back_with_a_session(client: httpx.Client) -> None:
    page = client.get("/.auth/login/aad", params={"post_login_redirect_uri": "/review/t?<x>"})
    answer = sign_in(client, "ben", "/review/t?x")

    for name in ("Ada Author", "Ana Approver", "Ben Approver", "Olu Operator", "Oscar Outsider"):
        assert name in page.text
    assert 'value="/review/t?&lt;x&gt;"' in page.text
    assert (answer.status_code, answer.headers["location"]) == (302, "/review/t?x")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("appserviceauthsession=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert dict(received(client.get("/", headers=BROWSER)))["x-ms-client-principal-name"].startswith("ben@")


@pytest.mark.parametrize(
    "target",
    [
        "//example.com",
        "https://example.com/",
        "/\\example.com",
        "\\\\example.com",
        "/\t/example.com",
        "/x\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "example.com",
        "",
    ],
)
def test_no_redirect_leaves_the_site(client: httpx.Client, target: str) -> None:
    answers = [
        client.get("/.auth/login/aad", params={"post_login_redirect_uri": target}),
        sign_in(client, "ana", target),
        client.get("/.auth/logout", params={"post_logout_redirect_uri": target}),
    ]
    if not target:
        return  # nothing asked for: the start page, as below

    assert [a.status_code for a in answers] == [400, 400, 400]
    assert "set-cookie" not in answers[1].headers


def test_signing_in_as_nobody_or_from_elsewhere_is_refused(client: httpx.Client) -> None:
    assert "ana (Ana Approver)" in sign_in(client, "bob").text
    foreign = client.post(
        "/.auth/login/aad/callback", data={"person": "ana"}, headers={"Origin": "https://example.com"}
    )
    huge = client.post("/.auth/login/aad/callback", data={"person": "ana", "x": "y" * 20_000})

    assert (foreign.status_code, huge.status_code) == (403, 400)
    assert "AppServiceAuthSession" not in client.cookies


def test_me_tells_who_is_signed_in_until_signed_out(client: httpx.Client) -> None:
    assert client.get("/.auth/me").status_code == 401
    sign_in(client, "ana")

    entry = client.get("/.auth/me").json()[0]
    out = client.get("/.auth/logout")

    claims = {(c["typ"], c["val"]) for c in entry["user_claims"]}
    assert (entry["provider_name"], entry["user_id"]) == ("aad", "ana@greenlight.test")
    assert ("http://schemas.microsoft.com/identity/claims/objectidentifier", ANA) in claims
    assert ("groups", APPROVERS_GROUP) in claims
    assert out.headers["location"] == "/.auth/logout/complete"
    assert client.get("/.auth/logout/complete").status_code == 200
    assert client.get("/.auth/me").status_code == 401


def test_an_expired_or_foreign_cookie_is_no_session(
    client: httpx.Client, front: LocalConfig, tmp_path: Any
) -> None:
    cookies = [
        identity.issue_token(front, "ana", signin.SESSION, lifetime=-1),
        identity.issue_token(front, "ana"),  # a bearer token is not a session
        identity.issue_token(LocalConfig(home=tmp_path), "ana", signin.SESSION),
        "x",
    ]

    for value in cookies:
        answer = client.get("/", headers=BROWSER | {"Cookie": f"AppServiceAuthSession={value}"})
        assert answer.status_code == 302


# --- passing through


def test_a_request_arrives_as_it_was_sent(client: httpx.Client, front: LocalConfig) -> None:
    answer = client.post("/api/x%20y/%C3%A9?a=1&a=2&code=k%2B", content=b"hello", headers=bearer(front))

    told = answer.json()
    assert (told["method"], told["path"], told["query"]) == ("POST", "/api/x%20y/%C3%A9", "a=1&a=2&code=k%2B")
    assert told["body"] == "hello"


def test_large_bodies_stream_both_ways(client: httpx.Client, front: LocalConfig) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(64):
            yield b"y" * 65_536

    chunked = client.post("/upload", content=parts(), headers=bearer(front)).json()
    sized = client.post("/upload", content=b"y" * 4_194_304, headers=bearer(front)).json()
    down = client.get("/big", headers=bearer(front))

    assert chunked["size"] == sized["size"] == len(down.content) == 4_194_304


def test_an_answer_is_passed_on_while_it_is_made(
    client: httpx.Client, front: LocalConfig, application: Application
) -> None:
    with client.stream("GET", "/stream", headers=bearer(front)) as answer:
        chunks = answer.iter_raw()
        first = next(chunks)
        application.go._loop.call_soon_threadsafe(application.go.set)  # type: ignore[attr-defined]
        rest = b"".join(chunks)

    assert (first, rest) == (b"first", b"second")


@pytest.mark.parametrize(
    ("method", "path"), [("HEAD", "/api/x"), ("DELETE", "/status/204"), ("GET", "/status/304")]
)
def test_answers_without_a_body_end(client: httpx.Client, front: LocalConfig, method: str, path: str) -> None:
    answer = client.request(method, path, headers=bearer(front))

    assert answer.headers["x-application"] == "yes"
    assert answer.content == b""


def test_errors_of_the_application_are_its_own(client: httpx.Client, front: LocalConfig) -> None:
    assert client.get("/status/418", headers=bearer(front)).status_code == 418


def test_while_the_host_is_down_the_answer_is_503_and_it_recovers(config: LocalConfig) -> None:
    def ask() -> httpx.Response:
        return httpx.get(f"{config.front_url}/healthz", trust_env=False)

    with beside(gateway.front_door(config)):
        before = ask()
        with beside(gateway.serving(Application(), config.port("functions"))):
            during = ask()
        after = ask()

    assert (before.status_code, before.headers["retry-after"]) == (503, "1")
    assert during.status_code == 200
    assert (after.status_code, after.headers["retry-after"]) == (503, "1")


@contextmanager
def breaking_host(config: LocalConfig, answer: bytes) -> Iterator[None]:
    """Takes one request, sends `answer`, and is gone."""
    import threading

    with socket.create_server(("127.0.0.1", config.port("functions"))) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(10)


def test_a_host_that_dies_before_it_answers_is_a_502(config: LocalConfig) -> None:
    with beside(gateway.front_door(config)), breaking_host(config, b""):
        assert httpx.get(f"{config.front_url}/healthz", trust_env=False).status_code == 502


def test_a_host_that_dies_while_it_answers_cuts_the_answer(config: LocalConfig) -> None:
    """The client must be able to tell a cut answer from a whole one."""
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    with (
        beside(gateway.front_door(config)),
        breaking_host(config, start),
        pytest.raises(httpx.RemoteProtocolError),
    ):
        httpx.get(f"{config.front_url}/healthz", trust_env=False)


# --- the access log


def test_the_access_log_keeps_no_secrets(
    client: httpx.Client, front: LocalConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client.get("/review/SECRET-1?x=SECRET-2", headers=bearer(front))
        client.post("/Review/SECRET-1/vote", headers=bearer(front))
        client.get("/%72eview/SECRET-1", headers=BROWSER)
        client.post("/runtime/webhooks/eventgrid?functionName=f&code=SECRET-3", json=[])
        client.get("/.auth/login/aad?post_login_redirect_uri=/review/SECRET-1")
        sign_in(client, "ana", "/review/SECRET-1")

    def lines() -> list[str]:
        return [r.getMessage() for r in caplog.records if r.name == "front"]

    eventually(lambda: len(lines()) == 6, 5, "a line for each request, written after its answer")
    ours = lines()
    assert ours[0].startswith("GET /review/[token] -> 200 ana@greenlight.test ")
    assert not [line for line in ours if "SECRET" in line or "Bearer" in line]


def test_a_path_cannot_write_log_lines_of_its_own() -> None:
    assert loggable("/a\nGET /b -> 200\x1b[2J") == "/a?GET /b -> 200?[2J"


def test_ready_does_not_need_the_host(config: LocalConfig) -> None:
    with beside(gateway.front_door(config)):
        assert httpx.get(f"{config.front_url}/-/ready", trust_env=False).status_code == 200


def test_the_principal_is_json_in_base64(client: httpx.Client, front: LocalConfig) -> None:
    import base64

    header = dict(received(client.get("/", headers=bearer(front))))["x-ms-client-principal"]

    principal = json.loads(base64.b64decode(header, validate=True))
    assert set(principal) == {"auth_typ", "claims", "name_typ", "role_typ"}
    assert principal["auth_typ"] == "aad"
    assert principal["role_typ"] == "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
    assert all(set(c) == {"typ", "val"} and isinstance(c["val"], str) for c in principal["claims"])


def test_a_client_that_leaves_during_its_upload_frees_the_host(
    client: httpx.Client, front: LocalConfig, application: Application
) -> None:
    """The application is told, and the door stays open for others."""
    before = application.requests
    token = bearer(front)["Authorization"]
    with socket.create_connection(("127.0.0.1", front.port("front")), timeout=10) as connection:
        head = f"POST /gone HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: 1000000\r\n\r\n"
        connection.sendall(head.encode() + b"some")
        eventually(lambda: application.requests > before, 5, "the host has the request")

    eventually(lambda: application.left > 0, 5, "the host was told that the client left")
    assert client.get("/api/x", headers=bearer(front)).status_code == 200
