"""The pages in a real browser: they obey their own policy, work by mouse and by keyboard, and can be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import browser as chromium
from local.browser import Browser
from orchestrator.model import Phase, SlotKey
from orchestrator.views import id_of
from tests.edges.front import Front, serving
from tests.edges.looking import votes
from tests.edges.world import ANA, World

pytestmark = pytest.mark.skipif(chromium.installed() is None, reason="needs Chromium, which is not installed")
SIGNED_IN = {"Authorization": "Bearer token-ana"}
PHONE, DESK = (390, 844), (1200, 900)

CONTRAST = """
(() => {
  const rgb = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const part = (v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c[3] > 0) return c; } return [255, 255, 255, 1]; };
  const low = [];
  for (const e of document.querySelectorAll('body *')) {
    const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
    const box = e.getBoundingClientRect();
    if (!text || box.width === 0 || box.right < 0) continue;
    const a = light(rgb(getComputedStyle(e).color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return low;
})()
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    made = Browser(tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


@pytest.fixture
def front() -> Iterator[Front]:
    with serving(World()) as server:
        yield server


def pages(front: Front) -> list[str]:
    world = front.world
    p, _ = world.asked(required=2)
    busy = world.promotion("churn-gbm", "dev", "14", phase=Phase.DEPLOYING, trouble="throttled", troubles=2)
    long = world.promotion("m" * 120, "dev", "1.2.0", description="W" * 500, tags={"commit": "f" * 300})
    world.slot(
        SlotKey("churn-gbm", "dev"), hold="incident 4711: keep what serves until the pipeline is repaired"
    )
    ids = [id_of(p), id_of(busy), id_of(long)]
    return [
        "/",
        "/slots/titanic/qa",
        f"/review/{world.token(p)}",
        "/nope",
        *(f"/promotions/{i}" for i in ids),
    ]


def test_an_approval_takes_one_click_on_the_page(browser, front):
    p, _ = front.world.asked()
    browser.screen(*PHONE)
    browser.open(f"{front.url}/review/{front.world.token(p)}", **SIGNED_IN)

    browser.run("document.querySelector('textarea').focus()")
    browser.type("read on the train")
    browser.click("button.approve")

    assert "Your answer is recorded" in browser.run("document.querySelector('h1').textContent")
    assert votes(front.world, p.n) == [(ANA, "approve")]
    assert front.world.ledger.votes(SlotKey("titanic", "qa"), p.n, 1)[0].comment == "read on the train"
    posted = next(headers for method, _, headers in front.seen if method == "POST")
    assert posted["sec-fetch-site"] == "same-origin"
    assert "referer" not in posted


def test_a_rejection_works_by_keyboard_alone(browser, front):
    p, _ = front.world.asked()
    browser.screen(*DESK)
    browser.open(f"{front.url}/review/{front.world.token(p)}", **SIGNED_IN)

    for _ in range(30):
        browser.press("Tab")
        if browser.run("document.activeElement.id") == "comment":
            browser.type("the data is stale")
        if browser.run("document.activeElement.className") == "reject":
            break
    browser.events.clear()
    browser.press("Enter")
    browser.wait_for("Page.loadEventFired")

    assert votes(front.world, p.n) == [(ANA, "reject")]


def test_looking_never_votes_and_no_page_breaks_its_own_policy(browser, front):
    for path in pages(front):
        browser.open(f"{front.url}{path}", **SIGNED_IN)
        complaints = [c for c in browser.complaints() if "404" not in c]
        assert complaints == [], path
        assert browser.run("getComputedStyle(document.querySelector('header')).display") == "flex", path
    assert {method for method, _, _ in front.seen} == {"GET"}


@pytest.mark.parametrize("size", [PHONE, DESK, (320, 568)])
def test_nothing_is_wider_than_the_screen(browser, front, size):
    for path in pages(front):
        browser.screen(*size)
        browser.open(f"{front.url}{path}", **SIGNED_IN)
        assert browser.run("document.documentElement.scrollWidth") <= size[0], path


def test_no_number_is_broken_across_lines_on_a_phone(browser, front):
    metrics = {f"test_accuracy_by_passenger_class_{i}": 0.7386 + i for i in range(4)}
    front.world.serve("1", metrics=metrics)
    p = front.world.promotion(metrics={name: value - 0.01 for name, value in metrics.items()})
    front.world.ask(p)
    browser.screen(320, 568)
    browser.open(f"{front.url}/review/{front.world.token(p)}", **SIGNED_IN)

    lines = browser.run(
        "[...document.querySelectorAll('.numbers td')].map(e => { const r = document.createRange();"
        " r.selectNodeContents(e); return r.getClientRects().length; })"
    )

    assert set(lines) == {1}
    assert browser.run("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_has_enough_contrast(browser, front, dark):
    browser.screen(*DESK, dark=dark)
    for path in pages(front):
        browser.open(f"{front.url}{path}", **SIGNED_IN)
        assert browser.run(CONTRAST) == [], path


def test_another_page_can_neither_frame_the_review_nor_post_to_it(browser, front, tmp_path: Path):
    p, request = front.world.asked()
    target = f"{front.url}/review/{front.world.token(p)}"
    fields = "".join(
        f'<input name="{name}" value="{value}">' for name, value in front.world.fields(p, request).items()
    )
    evil = tmp_path / "evil.html"
    form = f'<form method="post" action="{target}">{fields}<button>x</button></form>'
    evil.write_text(f'<iframe src="{target}"></iframe>{form}')

    browser.open(f"file://{evil}", **SIGNED_IN)
    framed = json.dumps(browser.complaints())
    browser.click("button")

    assert "frame" in framed.lower()
    assert any(method == "POST" for method, _, _ in front.seen)
    assert votes(front.world, p.n) == []
