"""The Teams channel: what the webhook takes and refuses, what the flow loses, and what people then see."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from local import gateway, npm, teams
from shared.errors import Busy, Unavailable
from shared.notify.teams import post_card
from tests.local.servers import beside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.config import LocalConfig

CARD = {
    "type": "AdaptiveCard",
    "version": "1.4",
    "body": [
        {"type": "TextBlock", "text": "Approve **titanic 2** for [qa](http://localhost/x)?", "wrap": True},
        {"type": "TextBlock", "text": "# no heading <b>no html</b> ![no](http://localhost/image)"},
        {"type": "FactSet", "facts": [{"title": "AUC", "value": "0.87"}]},
    ],
    "actions": [{"type": "Action.OpenUrl", "title": "Review", "url": "http://localhost/review/t"}],
    "msteams": {"width": "Full"},
}
MANY = 10_000  # a rate that no test reaches


def message(*cards: Any) -> dict[str, Any]:
    attachments = [{"contentType": teams.CARD_TYPE, "contentUrl": None, "content": card} for card in cards]
    return {"type": "message", "attachments": attachments}


@pytest.fixture
def channel(config: LocalConfig) -> Iterator[LocalConfig]:
    app = teams.create_app(config, per_second=MANY)
    with beside(gateway.serving(app, config.port("teams"))):
        yield config


def post(config: LocalConfig, body: Any, url: str | None = None) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    return httpx.post(url or teams.webhook_url(config), content=content, headers=headers, trust_env=False)


def cards(config: LocalConfig, after: int = 0) -> list[dict[str, Any]]:
    url = f"http://localhost:{config.port('teams')}/api/cards?after={after}"
    return httpx.get(url, trust_env=False).json()["cards"]


def test_a_card_is_accepted_and_posted(channel: LocalConfig) -> None:
    answer = post(channel, message(CARD))

    assert (answer.status_code, answer.content) == (202, b"")
    shown = cards(channel)
    assert [(m["id"], m["status"], m["card"]) for m in shown] == [(1, "posted", CARD)]


def test_each_attachment_is_a_message_and_old_ones_can_be_left_out(channel: LocalConfig) -> None:
    post(channel, message(CARD, CARD))
    post(channel, message(CARD))

    assert [m["id"] for m in cards(channel)] == [1, 2, 3]
    assert [m["id"] for m in cards(channel, after=2)] == [3]


def test_the_products_own_sender_gets_through(channel: LocalConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")

    post_card(teams.webhook_url(channel), CARD)

    assert cards(channel)[0]["card"] == CARD


@pytest.mark.parametrize(
    "body",
    [
        CARD,
        {"text": "hello"},
        {},
        [],
        "text",
        None,
        {"type": "message", "attachments": []},
        {"type": "message", "attachments": {"content": CARD}},
        {"type": "message", "attachments": ["card"]},
        {"type": "message", "attachments": [{"content": CARD}]},
        {"type": "message", "attachments": [{"contentType": "text/html", "content": CARD}]},
        message({"type": "TextBlock", "text": "x"}),
        message(None),
    ],
)
def test_what_the_flow_cannot_post_is_accepted_and_lost(channel: LocalConfig, body: Any) -> None:
    assert post(channel, body).status_code == 202

    (lost,) = cards(channel)
    assert (lost["status"], lost["card"]) == ("flow failed", None)
    assert lost["reason"]


def test_a_message_card_is_still_posted(channel: LocalConfig) -> None:
    old = {"@type": "MessageCard", "title": "Old", "text": "card"}

    assert post(channel, old).status_code == 202
    assert [(m["kind"], m["status"]) for m in cards(channel)] == [("message_card", "posted")]


def test_wrong_addresses_are_refused(channel: LocalConfig) -> None:
    good = teams.webhook_url(channel)
    statuses = {
        "another signature": (good[:-1] + ("0" if good[-1] != "0" else "1"), 401),
        "a truncated address": (good.partition("&sig=")[0], 401),
        "no version": (good.replace("api-version=1&", ""), 400),
        "another workflow": (good.replace(teams.WORKFLOW, "0" * 32), 404),
        "another path": (good.replace("/invoke", "/run"), 404),
    }

    for what, (url, status) in statuses.items():
        assert post(channel, message(CARD), url).status_code == status, what
    got = httpx.get(good, trust_env=False)  # starts no flow
    assert (got.status_code, got.json()["error"]["code"]) == (405, "TriggerRequestMethodNotValid")
    assert httpx.get(good.replace(teams.WORKFLOW, "0" * 32), trust_env=False).status_code == 404
    assert httpx.get(good[:-4], trust_env=False).status_code == 401
    assert cards(channel) == []


def test_broken_json_is_a_400(channel: LocalConfig) -> None:
    assert post(channel, b'{"type": "message"').status_code == 400
    assert post(channel, b"[" * 20_000).status_code == 400
    assert post(channel, b"\xff\xfe").status_code == 400
    assert cards(channel) == []


def test_28_kilobytes_are_taken_and_one_more_is_not(channel: LocalConfig) -> None:
    empty = len(json.dumps(message({**CARD, "note": ""})))
    exact = message({**CARD, "note": "x" * (28 * 1024 - empty)})
    assert len(json.dumps(exact)) == 28 * 1024

    assert post(channel, exact).status_code == 202
    assert post(channel, json.dumps(exact).encode() + b" ").status_code == 413
    assert post(channel, b"x" * 1_000_000).status_code == 413
    assert len(cards(channel)) == 1


def test_more_than_four_a_second_are_throttled(config: LocalConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with beside(gateway.serving(teams.create_app(config), config.port("teams"))):
        with httpx.Client(trust_env=False) as client:
            url = teams.webhook_url(config)
            answers = [client.post(url, json=message(CARD)) for _ in range(5)]
        with pytest.raises(Busy) as caught:
            post_card(url, CARD)
        kept = len(cards(config))

    assert [a.status_code for a in answers] == [202, 202, 202, 202, 429]
    assert answers[-1].headers["retry-after"] == "1"
    assert caught.value.after == 1
    assert kept == 4


def test_a_card_waits_while_its_address_is_wrong_and_the_product_says_why(
    channel: LocalConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")

    with pytest.raises(Unavailable, match="its address was cut short") as caught:
        post_card(teams.webhook_url(channel) + "x", CARD)

    assert "sig=" not in str(caught.value)


def test_messages_survive_a_restart(config: LocalConfig) -> None:
    for _ in range(2):
        with beside(gateway.serving(teams.create_app(config, per_second=MANY), config.port("teams"))):
            post(config, message(CARD))
            shown = cards(config)

    assert [m["id"] for m in shown] == [1, 2]


def test_the_page_and_everything_it_needs_are_served(channel: LocalConfig) -> None:
    npm.ensure()
    with httpx.Client(base_url=f"http://localhost:{channel.port('teams')}", trust_env=False) as client:
        page = client.get("/")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        for path in ("/lib/adaptivecards.js", "/lib/markdown-it.js", "/static/teams.js", "/static/teams.css"):
            assert path in page.text
            assert client.get(path).status_code == 200
        for path in (
            "/lib/package.json",
            "/lib/..%2f..%2fpackage.json",
            "/static/../teams.py",
            "/api/cards?after=x",
        ):
            assert client.get(path).status_code in (400, 404)


@pytest.mark.skipif(
    shutil.which("chromium") is None, reason="renders the page in Chromium, which is not installed"
)
def test_a_browser_shows_the_cards_as_teams_would(channel: LocalConfig, tmp_path: Path) -> None:
    npm.ensure()
    post(channel, message(CARD))
    post(channel, {"@type": "MessageCard", "title": "An old card", "text": "still shown"})
    post(channel, {"text": "lost"})

    dom = _dom(f"http://localhost:{channel.port('teams')}/", tmp_path)

    assert "<strong>titanic 2</strong>" in dom
    assert (
        '<a href="http://localhost/x" class="ac-anchor" target="_blank" rel="noopener noreferrer">qa</a>'
        in dom
    )
    assert "# no heading &lt;b&gt;no html&lt;/b&gt; !<a" in dom
    assert "<img" not in dom
    assert ">Review</div>" in dom or ">Review<" in dom
    assert "still shown" in dom
    assert "nothing was posted" in dom
    assert dom.index("titanic 2") < dom.index("still shown") < dom.index("nothing was posted")


def _dom(url: str, profile: Path) -> str:
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    quiet = [
        "--no-proxy-server",
        "--disable-background-networking",
        "--virtual-time-budget=1200",
        "--dump-dom",
    ]
    done = subprocess.run([*command, *quiet, url], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout
