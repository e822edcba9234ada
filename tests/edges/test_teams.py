"""Posting to a webhook, against a real HTTP server on loopback that answers what it is told to."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shared.errors import Busy, GreenlightError, Invalid, Refused, Unavailable, Unknown
from shared.notify.teams import post_card

SECRET = "sig=s3cr3t-signature"
CARD = {"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": "Zürich →"}]}


class Webhook(ThreadingHTTPServer):
    """Keeps what it was sent; answers `answer` (status, headers), and only once `release` is set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: tuple[int, dict[str, str]] = (202, {})
        self.seen: list[tuple[dict[str, str], Any]] = []
        self.release = threading.Event()
        self.release.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/workflows/x/triggers/manual/paths/invoke?api-version=1&{SECRET}"


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((dict(self.headers), json.loads(body)))
        self.server.release.wait(10)
        status, headers = self.server.answer
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("status", [200, 202])
def test_any_success_is_taken_as_accepted(webhook, status):
    webhook.answer = (status, {})

    post_card(webhook.url, CARD, 5)

    headers, message = webhook.seen[0]
    assert headers["Content-Type"].startswith("application/json")
    assert message["type"] == "message"
    assert message["attachments"] == [
        {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": CARD}
    ]


def test_throttling_says_when_to_come_back(webhook):
    webhook.answer = (429, {"Retry-After": "7"})

    with pytest.raises(Busy) as caught:
        post_card(webhook.url, CARD, 5)

    assert caught.value.after == 7


def test_throttling_may_name_a_time(webhook):
    then = datetime.now(UTC) + timedelta(seconds=90)
    webhook.answer = (429, {"Retry-After": format_datetime(then, usegmt=True)})

    with pytest.raises(Busy) as caught:
        post_card(webhook.url, CARD, 5)

    assert caught.value.after == pytest.approx(90, abs=3)


@pytest.mark.parametrize("advice", ["", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1" * 50])
def test_advice_that_is_no_number_is_no_advice(webhook, advice):
    webhook.answer = (429, {"Retry-After": advice})

    with pytest.raises(Busy) as caught:
        post_card(webhook.url, CARD, 5)

    assert caught.value.after is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (413, "too large"),
        (400, "does not take"),
        (410, "410"),
    ],
)
def test_a_final_no_says_what_to_do(webhook, status, words):
    webhook.answer = (status, {})

    with pytest.raises(Refused, match=words) as caught:
        post_card(webhook.url, CARD, 5)

    assert caught.value.code == str(status)


@pytest.mark.parametrize(("status", "words"), [(401, "Anyone"), (403, "policy"), (404, "deleted")])
def test_an_address_that_is_wrong_is_no_fault_of_the_card(webhook, status, words):
    """It waits, and is posted once somebody has mended the flow."""
    webhook.answer = (status, {})

    with pytest.raises(Unavailable, match=f"{status}: .*{words}"):
        post_card(webhook.url, CARD, 5)


@pytest.mark.parametrize("status", [500, 502, 503, 408])
def test_a_failing_service_may_be_tried_again(webhook, status):
    webhook.answer = (status, {})

    with pytest.raises(Unavailable):
        post_card(webhook.url, CARD, 5)


def test_a_redirect_is_not_followed(webhook):
    webhook.answer = (307, {"Location": webhook.url})

    with pytest.raises(Refused, match="redirect"):
        post_card(webhook.url, CARD, 5)

    assert len(webhook.seen) == 1


def test_no_answer_in_time_leaves_the_effect_unknown(webhook):
    webhook.release.clear()

    with pytest.raises(Unknown):
        post_card(webhook.url, CARD, 0.2)


def test_a_card_that_teams_would_refuse_is_not_sent(webhook):
    with pytest.raises(Refused, match="27000"):
        post_card(webhook.url, {"body": "x" * 30_000}, 5)

    assert webhook.seen == []


@pytest.mark.parametrize(
    "url", ["", "ftp://x/y", "not a url", "https://", "http://[::1", "file:///etc/passwd"]
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(Invalid):
        post_card(url, CARD, 5)


@pytest.mark.parametrize("status", [202, 307, 404, 429, 500])
def test_the_secret_part_of_the_address_is_never_said(webhook, status, caplog):
    caplog.set_level(logging.INFO)
    webhook.answer = (status, {})
    said: list[BaseException | None] = []
    try:
        post_card(webhook.url, CARD, 5)
    except GreenlightError as error:
        said = [error, error.__cause__, None if error.__suppress_context__ else error.__context__]

    assert SECRET not in caplog.text
    assert not any(SECRET in repr(e) for e in said)


def test_nobody_listening_is_unavailable_and_keeps_the_secret():
    with pytest.raises(Unavailable) as caught:
        post_card(f"http://127.0.0.1:9/x?{SECRET}", CARD, 2)

    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__
