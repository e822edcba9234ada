"""The reading pages: what they show, and to whom."""

from __future__ import annotations

import re

from orchestrator.model import Phase, Reason, SlotKey, Verdict
from orchestrator.views import id_of
from shared.errors import Busy
from tests.edges.looking import Shape, pages_of, text
from tests.edges.world import BASE, HTML, World


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
        "Version 1 has served for",
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


def test_refreshing_is_asked_for_and_never_on_by_itself():
    world = World()
    p, _ = world.asked()

    for path in pages_of(world, p):
        assert b'http-equiv="refresh"' not in world.get(path).body
    assert b'http-equiv="refresh"' in world.get("/?live=1").body
