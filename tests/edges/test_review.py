"""The review page: GET changes nothing, POST takes person, form and hash, every dead end is explained."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.model import Reason, SlotKey, Verdict
from orchestrator.views import id_of
from orchestrator.world import Change
from shared.links import Links, RequestRef
from tests.edges.world import ANA, AUTHOR, BEN, OUTSIDER, World

KEY = SlotKey("titanic", "qa")


def snapshot(world: World) -> dict:
    """Everything stored, to be compared."""
    return {name: dict(table.rows) for name, table in world.store.tables.items()}


def votes(world: World, n: int, k: int = 1) -> list[tuple[str, str]]:
    return [(v.approver.rpartition("/")[2], v.decision.value) for v in world.ledger.votes(KEY, n, k)]


def text(answer) -> str:
    """What a reader sees: tags out, spaces collapsed."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.body.decode()).split())


def test_the_page_shows_what_why_evidence_lineage_plan_and_two_buttons():
    world = World()
    p, request = world.asked()

    answer = world.get(f"/review/{world.token(p)}")

    assert answer.status == 200
    said = text(answer)
    for part in (
        "titanic v2 → qa",
        "Should it replace v1",
        "0 of 1 approvals",
        "test_auc is 0.8612, at least 0.8431 of what serves now",
        "test_auc 0.8431 0.8612 +0.0181",
        "brave_sun_x1",
        "0a1b2c3d",
        AUTHOR,
        "48.2 KB",
        p.digest,
        request.hash,
        "blue/green",
        "v1-1764012345 keeps its traffic",
        "1 × Standard_DS3_v2",
        "titanic-qa in mlw-qa",
    ):
        assert part in said, part
    html = answer.body.decode()
    assert html.count("<button") == 2
    assert "<script" not in html
    assert "style=" not in html


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_whoever_fetches_the_link_fifty_times_changes_nothing(method):
    world = World()
    p, _ = world.asked()
    before = snapshot(world)

    for _ in range(50):
        assert world.get(f"/review/{world.token(p)}", method=method).status in (200, 204)

    assert snapshot(world) == before


def test_the_form_as_the_page_gives_it_records_the_vote():
    world = World()
    p, _ = world.asked()
    path = f"/review/{world.token(p)}"
    html = world.get(path).body.decode()
    fields = dict(re.findall(r'name="(form|hash)" value="([^"]*)"', html))
    action = re.search(r'action="([^"]*)"', html)
    assert action is not None

    answer = world.post(action[1], {**fields, "decision": "approve", "comment": " looks good "})

    assert answer.status == 200
    assert "Approved. It goes to qa by itself" in text(answer)
    vote = world.ledger.votes(KEY, p.n, 1)[0]
    assert (vote.approver.rpartition("/")[2], vote.comment, vote.channel) == (ANA, "looks good", "page")
    assert "You answered approve" in text(world.get(path))


def test_a_second_approval_is_waited_for_when_two_are_required():
    world = World()
    p, request = world.asked(required=2)

    first = world.post(f"/review/{world.token(p)}", world.fields(p, request))
    second = world.post(f"/review/{world.token(p)}", world.fields(p, request, BEN), BEN)

    assert "More approvals are needed" in text(first)
    assert "Approved" in text(second)
    assert votes(world, p.n) == [(ANA, "approve"), (BEN, "approve")]


def test_the_same_answer_again_is_a_success_and_the_opposite_a_conflict():
    world = World()
    p, request = world.asked(required=2)
    path = f"/review/{world.token(p)}"
    world.post(path, world.fields(p, request))

    again = world.post(path, world.fields(p, request))
    opposite = world.post(path, world.fields(p, request, decision="reject"))

    assert (again.status, opposite.status) == (200, 409)
    assert "already answered" in text(again)
    assert "Another answer was given before" in text(opposite)
    assert votes(world, p.n) == [(ANA, "approve")]


def test_the_same_answer_is_still_a_success_when_the_promotion_has_ended():
    world = World()
    p, request = world.asked()
    path = f"/review/{world.token(p)}"
    world.post(path, world.fields(p, request))
    world.end(p, Verdict.LIVE, Reason.LIVE, "seen at 100 %")

    again = world.post(path, world.fields(p, request))
    opposite = world.post(path, world.fields(p, request, decision="reject"))
    other = world.post(path, world.fields(p, request, BEN), BEN)

    assert (again.status, opposite.status, other.status) == (200, 409, 409)
    assert "takes no more answers" in text(other)


@pytest.mark.parametrize(("oid", "why"), [(OUTSIDER, "not among the approvers"), (AUTHOR, "author may not")])
def test_who_may_not_decide_gets_no_buttons_and_a_403(oid, why):
    world = World()
    p, request = world.asked()
    path = f"/review/{world.token(p)}"

    shown = world.get(path, oid)
    answer = world.post(path, world.fields(p, request, oid), oid)

    assert why in text(shown)
    assert "<button" not in shown.body.decode()
    assert answer.status == 403
    assert why in text(answer)
    assert votes(world, p.n) == []


@pytest.mark.parametrize(
    "change",
    [
        {"form": ""},
        {"form": "forged"},
        {"form": Links(["another-key-of-enough-characters"]).form_token("x", "y")},
    ],
)
def test_a_form_that_this_person_was_not_given_does_nothing_and_is_offered_again(change):
    world = World()
    p, request = world.asked()

    answer = world.post(f"/review/{world.token(p)}", world.fields(p, request) | change)

    assert answer.status == 403
    assert "not given to you" in text(answer)
    assert "<button" in answer.body.decode()
    assert votes(world, p.n) == []


def test_a_form_given_to_one_person_is_worthless_to_another_and_for_another_request():
    world = World()
    p, request = world.asked()
    q = world.promotion(version="3")
    other = world.ask(q)
    path = f"/review/{world.token(p)}"

    stolen = world.post(path, world.fields(p, request, ANA), BEN)
    crossed = world.post(path, world.fields(q, other))

    assert (stolen.status, crossed.status) == (403, 403)
    assert votes(world, p.n) == []


def test_a_form_that_was_open_for_days_asks_to_answer_again():
    world = World()
    p, request = world.asked()
    fields = world.fields(p, request)
    world.clock.advance(timedelta(days=2).total_seconds())

    answer = world.post(f"/review/{world.token(p)}", fields)

    assert answer.status == 409
    assert "open too long" in text(answer)
    assert votes(world, p.n) == []


def test_a_vote_on_other_content_than_is_asked_now_is_refused():
    world = World()
    p, request = world.asked()

    answer = world.post(f"/review/{world.token(p)}", world.fields(p, request, hash="0" * 64))

    assert answer.status == 409
    assert "no longer what is asked" in text(answer)
    assert votes(world, p.n) == []


def test_tampered_foreign_and_unknown_links_lead_to_a_clear_page():
    world = World()
    p, _ = world.asked()
    token = world.token(p)
    foreign = Links(["another-key-of-enough-characters"], clock=world.clock).review_token(
        RequestRef(id_of(p), 1)
    )
    unknown = world.links.review_token(RequestRef("nothing.qa.1.1", 1))

    for bad in (token[:-2], token + "A", foreign, "x", unknown, world.token(p, 7)):
        for answer in (world.get(f"/review/{bad}"), world.post(f"/review/{bad}", {"decision": "approve"})):
            assert answer.status == 404
            assert "titanic" not in text(answer)


def test_an_expired_link_says_so():
    world = World()
    p, _ = world.asked()
    path = f"/review/{world.token(p)}"
    world.clock.advance(timedelta(days=61).total_seconds())

    answer = world.get(path)

    assert answer.status == 410
    assert "expired" in text(answer)


def test_nothing_is_shown_before_sign_in_and_the_way_to_it_is():
    world = World()
    p, request = world.asked()
    path = f"/review/{world.token(p)}"
    forged = {
        "x-ms-client-principal": "",
        "x-ms-client-principal-id": ANA,
        "x-ms-client-principal-name": "Ana",
    }

    shown = world.get(path, **forged)
    posted = world.post(path, world.fields(p, request), **forged)

    for answer in (shown, posted):
        assert answer.status == 401
        assert "titanic" not in text(answer)
        assert f"/.auth/login/aad?post_login_redirect_uri={path}" in answer.body.decode()
    assert votes(world, p.n) == []


def test_with_sign_in_off_pages_are_readable_and_nobody_votes_whatever_the_headers_say():
    world = World(auth_enabled=False)
    p, request = world.asked()
    path = f"/review/{world.token(p)}"

    shown = world.get(path)
    answer = world.post(path, world.fields(p, request))

    assert shown.status == 200
    assert "Sign-in is switched off" in text(shown)
    assert "<button" not in shown.body.decode()
    assert answer.status == 401
    assert votes(world, p.n) == []


def test_a_request_that_was_replaced_leads_to_the_one_that_replaced_it():
    world = World()
    p, request = world.asked()
    loaded = world.ledger.load(KEY)
    assert loaded is not None
    old = replace(request, closed="lapsed: what serves now is not what was shown")
    new = replace(request, k=2, hash="e" * 64)
    change = Change(slot=loaded.state.slot, promotions=(replace(p, asks=2),), requests=(old, new))
    world.ledger.commit(loaded, change, now=world.now)

    shown = world.get(f"/review/{world.token(p)}")
    answer = world.post(f"/review/{world.token(p)}", world.fields(p, request))

    assert "what serves now is not what was shown" in text(shown)
    newer = re.search(r'href="(/review/[^"]+)">Show the request that replaced it', shown.body.decode())
    assert newer is not None
    assert "<button" in world.get(newer[1]).body.decode()
    assert answer.status == 409


@pytest.mark.parametrize(
    ("verdict", "reason", "sentence"),
    [
        (Verdict.SUPERSEDED, Reason.SUPERSEDED, "version 3 was registered later and awaits approval"),
        (Verdict.EXPIRED, Reason.EXPIRED, "nobody decided within 7 days"),
        (Verdict.LIVE, Reason.LIVE, "seen at 100 %"),
    ],
)
def test_the_link_of_an_ended_request_shows_what_happened(verdict, reason, sentence):
    world = World()
    p, _ = world.asked()
    world.end(p, verdict, reason, sentence)

    answer = world.get(f"/review/{world.token(p)}")

    assert answer.status == 200
    assert sentence in text(answer)
    assert "<button" not in answer.body.decode()


def test_an_expired_request_takes_no_vote():
    world = World()
    p, request = world.asked(expires=timedelta(hours=1))
    fields = world.fields(p, request)
    world.clock.advance(3601)

    answer = world.post(f"/review/{world.token(p)}", fields)

    assert answer.status == 409
    assert "expired" in text(answer)
    assert votes(world, p.n) == []


def test_a_long_comment_is_refused_with_its_length_and_nothing_is_recorded():
    world = World()
    p, request = world.asked()

    answer = world.post(f"/review/{world.token(p)}", world.fields(p, request, comment="x" * 2001))

    assert answer.status == 400
    assert "2001 characters" in text(answer)
    assert votes(world, p.n) == []


@pytest.mark.parametrize("decision", ["", "maybe", "APPROVE"])
def test_an_answer_that_is_none_is_asked_for_again(decision):
    world = World()
    p, request = world.asked()

    answer = world.post(f"/review/{world.token(p)}", world.fields(p, request, decision=decision))

    assert answer.status == 400
    assert votes(world, p.n) == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"decision=approve&decision=reject", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"decision=%ff", {}, 400),
        (b"a=1&" * 50, {}, 400),
        (b'{"decision":"approve"}', {"content-type": "application/json"}, 400),
        (b"x" * (64 * 1024 + 1), {}, 413),
        (b"decision=approve", {"sec-fetch-site": "cross-site"}, 403),
        (b"decision=approve", {"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_a_body_that_is_no_form_of_ours_does_nothing(body, headers, status):
    world = World()
    p, _ = world.asked()

    answer = world.post(f"/review/{world.token(p)}", body, **headers)

    assert answer.status == status
    assert votes(world, p.n) == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_are_refused_with_what_is_allowed(method):
    world = World()
    p, _ = world.asked()

    answer = world.get(f"/review/{world.token(p)}", method=method)

    assert answer.status == 405
    assert answer.headers["Allow"] == "OPTIONS, HEAD, GET, POST"
