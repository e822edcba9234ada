"""Signing in at the front door: the page, the session, and that no redirect leaves the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from local import identity, signin
from local.config import APPROVERS_GROUP, LocalConfig
from tests.local.application import ANA, BROWSER, received, sign_in

if TYPE_CHECKING:
    from pathlib import Path


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
    ],
)
def test_no_redirect_leaves_the_site(client: httpx.Client, target: str) -> None:
    answers = [
        client.get("/.auth/login/aad", params={"post_login_redirect_uri": target}),
        sign_in(client, "ana", target),
        client.get("/.auth/logout", params={"post_logout_redirect_uri": target}),
    ]

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
    client: httpx.Client, front: LocalConfig, tmp_path: Path
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
