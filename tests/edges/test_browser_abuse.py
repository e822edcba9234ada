"""Attempts on the review page from a real browser: none of them votes, none of them counts twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from local import browser as chromium
from local.browser import Browser
from orchestrator.model import Reason, SlotKey, Verdict
from tests.edges.front import Front, serving
from tests.edges.looking import stored, votes
from tests.edges.test_personal_links import ANA_ID, asked, link, world_of
from tests.edges.world import ANA, World

pytestmark = pytest.mark.skipif(chromium.installed() is None, reason="needs Chromium, which is not installed")
SIGNED_IN = {"Authorization": "Bearer token-ana"}
HOSTILE = (
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "[click](https://evil.example)",
    "@everyone <at>Ana</at>",
    "v2\N{RIGHT-TO-LEFT OVERRIDE}1v",
    "javascript:document.title='owned'",
)
H1 = "document.querySelector('h1').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    made = Browser(tmp_path_factory.mktemp("profile"))
    made.screen(390, 844)
    yield made
    made.close()


@pytest.fixture
def front() -> Iterator[Front]:
    with serving(World()) as server:
        yield server


def post(front: Front, path: str, fields: dict[str, str]) -> int:
    """As a browser's form does, from a connection of its own."""
    connection = HTTPConnection("localhost", front.server_port, timeout=20)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html", **SIGNED_IN}
    connection.request("POST", path, urlencode(fields), form)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_scanner_that_prefetches_follows_and_asks_fifty_times_changes_nothing(browser, front, tmp_path):
    p, _ = front.world.asked()
    url = f"{front.url}/review/{front.world.token(p)}"
    before = stored(front.world)
    hints = "".join(
        f'<link rel="{rel}" href="{url}">' for rel in ("prefetch", "prerender", "preload", "next")
    )
    mail = tmp_path / "mail.html"
    mail.write_text(f'{hints}<img src="{url}"><object data="{url}"></object>')

    browser.open(mail.as_uri(), **SIGNED_IN)
    every = "Promise.allSettled(Array.from({length: 50}, () => fetch('%s', %s)))"
    for how in ("{mode: 'no-cors'}", "{mode: 'no-cors', method: 'HEAD'}", "{method: 'PUT'}"):
        browser.run(f"window.done = 0; ({every % (url, how)}).finally(() => window.done = 1); 0")
        browser.wait_until("window.done === 1")

    asked_by = [method for method, _, _ in front.seen]
    assert asked_by.count("GET") >= 50
    assert asked_by.count("HEAD") == 50
    assert "OPTIONS" in asked_by, "the browser asks first whether another origin may, and hears no"
    assert "PUT" not in asked_by
    assert stored(front.world) == before


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_tags_and_comments_stay_text(browser, front, hostile):
    world = front.world
    world.serve("1", metrics={"test_auc": 0.8})
    p = world.promotion(
        description=hostile, tags={"commit": hostile, "data_version": hostile}, metrics={hostile: 0.5}
    )
    request = world.ask(p, required=2)
    world.post(f"/review/{world.token(p)}", world.fields(p, request, comment=hostile))

    browser.open(f"{front.url}/review/{world.token(p)}", **SIGNED_IN)

    assert browser.complaints() == []
    assert browser.run("document.title").startswith("Review titanic v2")
    assert browser.run("document.querySelectorAll('script, main img, main object, [onerror]').length") == 0
    outside = "[...document.links].filter(a => a.origin !== location.origin).length"
    assert browser.run(outside) == 0
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in browser.run("document.body.textContent")
    assert browser.run("document.documentElement.scrollWidth") <= 390


def test_a_double_click_is_one_vote(browser, front):
    p, _ = front.world.asked(required=2)
    browser.open(f"{front.url}/review/{front.world.token(p)}", **SIGNED_IN)
    browser.run("document.querySelector('.approve').scrollIntoView({block: 'center'})")
    x, y = browser.run(
        "(r => [r.x + r.width / 2, r.y + r.height / 2])"
        "(document.querySelector('.approve').getBoundingClientRect())"
    )
    browser.events.clear()

    for count in (1, 2):
        for kind in ("mousePressed", "mouseReleased"):
            browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=count)
    browser.wait_for("Page.loadEventFired")

    assert "answer" in browser.run(H1).lower()
    assert votes(front.world, p.n) == [(ANA, "approve")]


def test_reloading_and_going_back_and_pressing_again_votes_once(browser, front):
    p, _ = front.world.asked(required=2)
    browser.open(f"{front.url}/review/{front.world.token(p)}", **SIGNED_IN)
    browser.click("button.approve")
    browser.events.clear()
    browser.call("Page.reload")
    browser.wait_for("Page.loadEventFired")

    assert "already answered" in browser.run(H1).lower() or "recorded" in browser.run(H1)
    browser.events.clear()
    browser.run("history.back()")
    browser.wait_for("Page.loadEventFired")
    assert browser.run("document.querySelectorAll('button').length") == 0, "a page is not kept, so it is new"
    assert votes(front.world, p.n) == [(ANA, "approve")]


def test_two_opposite_answers_at_once_are_one_vote_and_one_conflict(front):
    p, request = front.world.asked(required=2)
    path, fields = f"/review/{front.world.token(p)}", front.world.fields(p, request, comment="at once")
    start, statuses = threading.Barrier(2), []

    def answer(decision: str) -> None:
        start.wait(20)
        statuses.append(post(front, path, fields | {"decision": decision}))

    both = [threading.Thread(target=answer, args=(d,)) for d in ("approve", "reject")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)

    assert sorted(statuses) == [200, 409]
    assert len(votes(front.world, p.n)) == 1


def test_a_rejection_without_a_word_is_asked_again_and_what_was_typed_is_kept(browser, front):
    p, _ = front.world.asked()
    browser.open(f"{front.url}/review/{front.world.token(p)}", **SIGNED_IN)
    browser.click("button.reject")

    assert "why you reject" in browser.run("document.querySelector('[role=alert]').textContent")
    assert browser.run("document.activeElement.id") == "comment"
    assert votes(front.world, p.n) == []
    browser.type("the data is stale")
    browser.click("button.reject")
    assert votes(front.world, p.n) == [(ANA, "reject")]


@pytest.mark.parametrize(("length", "said"), [(3000, "shorten"), (1 << 20, "too large")])
def test_a_comment_that_is_too_long_is_refused_in_words(browser, front, length, said):
    p, _ = front.world.asked()
    browser.open(f"{front.url}/review/{front.world.token(p)}", **SIGNED_IN)
    browser.run(f"document.querySelector('textarea').value = 'x'.repeat({length})")
    browser.run("document.querySelector('textarea').removeAttribute('maxlength')")
    browser.click("button.approve")

    assert said in browser.run("document.body.textContent").lower()
    assert votes(front.world, p.n) == []
    kept = browser.run("document.querySelector('textarea')?.value.length ?? 0")
    assert kept == (2000 if length == 3000 else 0)


def test_a_foreign_page_cannot_press_the_button_with_fetch_or_beacon(browser, front, tmp_path: Path):
    p, request = front.world.asked()
    url = f"{front.url}/review/{front.world.token(p)}"
    body = json.dumps(urlencode(front.world.fields(p, request)))
    (tmp_path / "evil.html").write_text("<title>evil</title>")
    browser.open((tmp_path / "evil.html").as_uri(), **SIGNED_IN)
    kind = "new Blob([%s], {type: 'application/x-www-form-urlencoded'})" % body  # noqa: UP031 -- JS has braces

    browser.run(
        f"window.done = 0; navigator.sendBeacon('{url}', {kind});"
        f"fetch('{url}', {{method: 'POST', mode: 'no-cors', body: {kind}}}).finally(() => window.done = 1); 0"
    )
    browser.wait_until("window.done === 1")

    assert votes(front.world, p.n) == []


def test_the_link_of_a_superseded_request_leads_to_what_replaced_it(browser, front):
    world = front.world
    p, _ = world.asked()
    newer = world.promotion(version="3")
    world.ask(newer)
    world.end(p, Verdict.SUPERSEDED, Reason.SUPERSEDED, "version 3 was registered later")

    browser.open(f"{front.url}/review/{world.token(p)}", **SIGNED_IN)
    assert (
        browser.run("document.querySelector('.outcome .button').textContent") == "Show v3, which replaced it"
    )
    browser.click(".outcome .button")

    assert "titanic v3" in browser.run(H1)
    assert browser.run("document.querySelectorAll('button').length") == 2


def test_who_was_removed_from_the_group_meanwhile_is_refused(browser, front, monkeypatch):
    p, _ = front.world.asked()
    browser.open(f"{front.url}/review/{front.world.token(p)}", **SIGNED_IN)
    monkeypatch.setattr("tests.edges.world.GROUPS", {})

    browser.click("button.approve")

    assert browser.run(H1) == "You cannot decide this"
    assert votes(front.world, p.n) == []


def test_a_personal_link_is_a_vote_in_a_browser_that_is_nobody(browser):
    world = world_of(ANA_ID)
    p, _ = asked(world)
    with serving(world) as server:
        browser.open(f"{server.url}{link(world, p)}")
        assert "You vote as Ana" in browser.run("document.body.textContent")
        browser.click("button.approve")
        sent = [headers for _, _, headers in server.seen]

    assert "recorded" in browser.run(H1)
    assert [v.channel for v in world.ledger.votes(SlotKey("titanic", "qa"), p.n, 1)] == ["personal link"]
    assert not any("referer" in headers for headers in sent), "a referrer would carry the link along"
