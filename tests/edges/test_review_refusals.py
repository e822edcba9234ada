"""Whoever and whatever may not vote on the review page does not, and is told why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.views import id_of
from shared.links import Links, RequestRef
from tests.edges.looking import text, votes
from tests.edges.world import ANA, AUTHOR, BEN, OUTSIDER, World


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
