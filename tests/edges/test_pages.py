"""The reading pages: what they show, what every answer carries, and hostile text everywhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from orchestrator.model import GateResult, Phase, Reason, SlotKey, Verdict
from orchestrator.views import id_of
from shared.errors import Busy
from tests.edges.test_review import text
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
        "html head meta title link body a header img bdi span main h1 h2 h3 p section footer div small "
        "strong b time table thead tbody tr th td ol ul li dl dt dd blockquote form input label "
        "textarea button",
    )
)


class Shape(HTMLParser):
    """Tags and attributes of a page, as a browser would see them."""

    def __init__(self, html: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def pages_of(world: World, p) -> list[str]:
    return ["/", f"/promotions/{id_of(p)}", f"/review/{world.token(p)}"]


def test_the_dashboard_has_one_row_per_model_and_one_column_per_environment():
    world = World()
    world.serve("1", env="dev")
    p, _ = world.asked()
    world.promotion("churn", "dev", "14", phase=Phase.DEPLOYING, candidate="v14-1764012345")
    world.slot(SlotKey("churn", "dev"), hold="incident 4711")
    failed = world.promotion(env="dev", version="3")
    world.end(failed, Verdict.FAILED, Reason.GATE, "test_auc is too low")

    answer = world.get("/")

    shape, said = Shape(answer.body), text(answer)
    assert answer.status == 200
    assert shape.tags.count("tr") == 3
    for part in (
        "v1 serving for",
        "awaiting approval",
        "0/1",
        "held incident 4711",
        "failed test_auc is too low",
    ):
        assert part in said, part
    links = [value for name, value in shape.attributes if name == "href"]
    assert {"/slots/titanic/qa", f"/promotions/{id_of(p)}"} <= set(links)
    assert any(link.startswith("/review/") for link in links)


def test_an_empty_dashboard_says_what_to_wait_for():
    assert "No model has been registered yet" in text(World().get("/"))


def test_the_dashboard_comes_in_pages():
    world = World()
    for i in range(120):
        world.promotion(f"model-{i:03d}", "dev", "1")

    seen: list[str] = []
    path = "/"
    while path:
        html = world.get(path).body.decode()
        seen += re.findall(r'<th scope="row"><bdi>(model-\d+)', html)
        following = re.search(r'href="(/\?cursor=[^"]+)"', html)
        path = following[1].replace("&amp;", "&") if following else ""

    assert seen == [f"model-{i:03d}" for i in range(120)]


def test_a_slot_page_shows_what_serves_its_promotions_and_its_journal():
    world = World()
    world.asked()

    said = text(world.get("/slots/titanic/qa"))

    for part in (
        "titanic in qa",
        "version 1 serves since",
        "v1-1764012345",
        "v2",
        "promotion.opened",
        "approval.asked",
    ):
        assert part in said, part


def test_a_promotion_page_shows_phase_gates_votes_traffic_and_trail():
    world = World()
    p, request = world.asked()
    world.post(f"/review/{world.token(p)}", world.fields(p, request, comment="fine"))
    world.change(
        p,
        phase=Phase.SHIFTING,
        candidate="v2-1764012999",
        wanted={"v2-1764012999": 100},
        seen={"v1-1764012345": 100},
    )

    said = text(world.get(f"/promotions/{id_of(p)}"))

    for part in (
        "titanic v2 → qa",
        "Moving traffic to v2-1764012999",
        "test_auc is 0.8612",
        "Request 1 granted",
        "approve Ana Approver",
        "fine",
        "v2-1764012999 100 %",
        "v1-1764012345 100 %",
        "vote.approve",
        "by Ana Approver",
    ):
        assert part in said, part


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


def test_health_needs_no_sign_in_and_says_nothing():
    answer = World().app.handle("GET", f"{BASE}/healthz", {})

    assert (answer.status, answer.body) == (200, b'{"status": "ok"}')


def test_reading_needs_sign_in_where_it_is_on():
    world = World()
    world.asked()

    for path in ("/", "/slots/titanic/qa", "/promotions/titanic.qa.2.2", "/api/slots", "/api/deadletters"):
        answer = world.app.handle("GET", f"{BASE}{path}", HTML)
        assert answer.status == 401
        assert b"titanic" not in answer.body.replace(path.encode(), b"")


def test_a_store_that_is_busy_says_to_try_again(monkeypatch):
    world = World()

    def busy(*_args: object, **_kwargs: object) -> None:
        raise Busy("the table is throttled", after=7)

    monkeypatch.setattr(world.store.table("open"), "query", busy)

    page = world.get("/")
    status, data = world.api("/api/slots")

    assert (page.status, page.headers["Retry-After"]) == (503, "7")
    assert (status, data["error"]["code"]) == (503, "unavailable")


@pytest.mark.parametrize("url", [f"/?{'a=1&' * 100}", f"/{'a' * 20_000}"])
def test_an_absurd_address_is_refused(url):
    assert World().get(url).status == 400


def test_refreshing_is_asked_for_and_never_on_by_itself():
    world = World()
    p, _ = world.asked()

    for path in pages_of(world, p):
        assert b'http-equiv="refresh"' not in world.get(path).body
    assert b'http-equiv="refresh"' in world.get("/?live=1").body
