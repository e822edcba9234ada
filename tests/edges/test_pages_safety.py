"""What every page withstands and carries: hostile text, odd addresses, protecting headers, labels."""

from __future__ import annotations

import re

import pytest

from orchestrator.model import GateResult, SlotKey
from orchestrator.views import id_of
from tests.edges.looking import Shape, pages_of
from tests.edges.world import ANA, BASE, HTML, World, signed_in

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE slots;--",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "safe\u202egnp.exe",
    "zero\u200bwidth",
    "\x1b[31mred\x07",
    "</title></textarea></style>",
    "日本語 モデル",
    "a/b\\c#d?e&f=g",
    "W" * 250,
    "e" + "\u0301" * 40,
)
OURS = set(
    re.findall(
        r"\w+",
        "html head meta title link body a header img bdi span main h1 h2 h3 p section footer div details "
        "summary small strong b time table thead tbody tr th td ol ul li dl dt dd blockquote form "
        "input label textarea button",
    )
)


@pytest.mark.parametrize("text_", HOSTILE)
def test_hostile_text_is_shown_and_never_becomes_markup(text_):
    world = World()
    gate = GateResult(gate=text_, verdict="fail", sentence=text_)
    model = "".join(c for c in text_ if c.isprintable())[:40] or "m"
    tags = {"commit": text_, "data_version": text_}
    p = world.promotion(
        model, "qa", text_[:60], description=text_, run_id=text_, author=text_, tags=tags,
        metrics={text_: 0.5}, gates=(gate,), candidate=text_, trouble=text_, troubles=1,
    )  # fmt: skip
    request = world.ask(p)
    p = world.read(p)
    world.slot(SlotKey(model, "qa"), hold=text_)
    world.post(f"/review/{world.token(p)}", world.fields(p, request, comment=text_))

    for path in [*pages_of(world, p), f"/slots/{id_of(p).partition('.')[0]}/qa"]:
        answer = world.get(path)
        shape = Shape(answer.body)
        assert answer.status == 200, path
        assert set(shape.tags) <= OURS
        assert not [a for a in shape.attributes if a[0].startswith("on") or a[0] == "style"]
        assert all(v.startswith(("/", "#")) for n, v in shape.attributes if n in ("href", "src", "action"))
        for sign in ("\u202e", "\u200b", "\x1b", "\x07"):
            assert sign not in answer.body.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/slots/nothing/qa",
        "/slots/titanic/QA%2F..",
        "/slots/%00/qa",
        f"/slots/{'a' * 600}/qa",
        "/slots//qa",
        "/promotions/nope",
        "/promotions/a.b.c.1",
        "/promotions/titanic.qa.2.99999999999",
        "/promotions/titanic.q%23.2.1",
        "/static/../app.py",
        "/static/%2e%2e%2fapp.py",
        "/static/nope.css",
        "/review/",
        "/api",
        "/healthz/x",
    ],
)
def test_what_does_not_exist_is_a_404_page_for_people_and_json_for_programs(path):
    world = World()
    world.asked()

    page = world.get(path)
    plain = world.app.handle("GET", f"{BASE}{path}", signed_in(ANA))

    assert (page.status, plain.status) == (404, 404)
    assert plain.content_type.startswith("application/json")


def test_a_promotion_id_of_another_version_is_not_found():
    world = World()
    p, _ = world.asked()

    assert world.get(f"/promotions/{id_of(p).replace('.2.2', '.3.2')}").status == 404


@pytest.mark.parametrize(
    "path", ["/", "/slots/titanic/qa", "/nope", "/api/slots", "/healthz", "/static/style.css"]
)
@pytest.mark.parametrize("oid", [ANA, None])
def test_every_answer_carries_the_headers_that_protect_it(path, oid):
    world = World()
    world.asked()

    answer = world.app.handle("GET", f"{BASE}{path}", {**HTML, **(signed_in(oid) if oid else {})})

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    if not path.startswith("/static"):
        assert answer.headers["Cache-Control"] == "no-store"


def test_pages_use_no_script_and_no_inline_style():
    world = World()
    p, _ = world.asked()

    for path in pages_of(world, p):
        shape = Shape(world.get(path).body)
        assert not {"script", "style", "iframe", "object"} & set(shape.tags)
        assert not [a for a in shape.attributes if a[0] == "style" or a[0].startswith("on")]


def test_pages_are_labelled_and_titled():
    world = World()
    p, _ = world.asked()

    for path in pages_of(world, p):
        shape = Shape(world.get(path).body)
        assert ("lang", "en") in shape.attributes
        assert ("name", "viewport") in shape.attributes
        assert shape.tags.count("h1") == 1
        assert shape.tags.count("title") == 1
        assert shape.tags.count("main") == 1
        labelled = {v for n, v in shape.attributes if n == "for"}
        assert {v for n, v in shape.attributes if n == "id"} >= labelled


def test_static_files_are_kept_for_ever_under_the_address_that_pages_use():
    world = World()
    html = world.get("/").body.decode()
    address = re.search(r'href="(/static/style\.css\?v=[0-9a-f]+)"', html)
    assert address is not None

    first = world.app.handle("GET", f"{BASE}{address[1]}", {})
    again = world.app.handle("GET", f"{BASE}{address[1]}", {"if-none-match": first.headers["ETag"]})
    old = world.app.handle("GET", f"{BASE}/static/style.css?v=old", {})

    assert first.content_type.startswith("text/css")
    assert "immutable" in first.headers["Cache-Control"]
    assert (again.status, again.body) == (304, b"")
    assert old.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("url", [f"/?{'a=1&' * 100}", f"/{'a' * 20_000}"])
def test_an_absurd_address_is_refused(url):
    assert World().get(url).status == 400
