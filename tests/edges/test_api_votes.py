"""Voting through the JSON API: what counts, and what is refused without a trace."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from orchestrator.model import SlotKey
from orchestrator.views import id_of
from tests.edges.world import AUTHOR, BEN, OUTSIDER, World


def test_a_vote_is_recorded_then_repeated_then_in_conflict():
    world = World()
    p, request = world.asked(required=2)
    body = {"decision": "approve", "comment": "fine", "hash": request.hash}

    assert world.vote_api(p, body)[1]["outcome"] == "recorded"
    assert world.vote_api(p, body)[1]["outcome"] == "repeated"
    status, data = world.vote_api(p, body | {"decision": "reject"})
    assert (status, data["error"]["code"]) == (409, "conflict")
    assert world.vote_api(p, body, BEN)[1]["request_state"] == "granted"


@pytest.mark.parametrize("oid", [OUTSIDER, AUTHOR])
def test_who_may_not_vote_is_told_why(oid):
    world = World()
    p, request = world.asked()

    status, data = world.vote_api(p, {"decision": "approve", "hash": request.hash}, oid)

    assert (status, data["error"]["code"]) == (403, "not_allowed")


def test_a_vote_names_the_hash_it_saw_and_the_request_it_means():
    world = World()
    p, request = world.asked()

    assert world.vote_api(p, {"decision": "approve", "hash": "0" * 64})[1]["error"]["code"] == "changed"
    assert world.vote_api(p, {"decision": "approve", "hash": request.hash, "request": 2})[0] == 400
    assert world.vote_api(p, {"decision": "approve", "hash": request.hash, "request": 1})[0] == 200


def test_a_promotion_that_asks_nothing_takes_no_vote():
    world = World()
    p = world.promotion()

    status, data = world.vote_api(p, {"decision": "approve", "hash": "0" * 64})

    assert (status, data["error"]["code"]) == (409, "closed")


def test_an_expired_request_takes_no_vote():
    world = World()
    p, request = world.asked(expires=timedelta(hours=1))
    world.clock.advance(3601)

    status, data = world.vote_api(p, {"decision": "approve", "hash": request.hash})

    assert (status, data["error"]["code"]) == (409, "closed")


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "maybe"},
        {"decision": None},
        {"decision": ["approve"]},
        {"hash": ""},
        {"hash": "A" * 64},
        {"hash": 7},
        {"comment": 7},
        {"comment": "x" * 2001},
        {"request": "1"},
        {"request": 0},
        {"request": None},
    ],
)
def test_a_wrong_field_is_refused_and_nothing_is_recorded(change):
    world = World()
    p, request = world.asked()

    status, data = world.vote_api(p, {"decision": "approve", "hash": request.hash} | change)

    assert (status, data["error"]["code"]) == (400, "invalid")
    assert world.ledger.votes(SlotKey("titanic", "qa"), p.n, 1) == ()


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b"[" * 50_000])
def test_a_body_that_is_no_object_is_refused(body):
    world = World()
    p, _ = world.asked()

    assert world.vote_api(p, body)[0] in (400, 413)


def test_a_comment_with_what_no_store_holds_is_kept_in_a_harmless_form():
    world = World()
    p, request = world.asked()
    comment = "a\x00b\ud800c\u202ed\r\ne"
    raw = json.dumps({"decision": "approve", "hash": request.hash, "comment": comment}).encode()

    assert world.vote_api(p, raw)[0] == 200

    kept = world.ledger.votes(SlotKey("titanic", "qa"), p.n, 1)[0].comment
    assert kept == "a\ufffdb\ufffdc\ufffdd\ne"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data"},
        {"sec-fetch-site": "cross-site"},
        {"x-ms-client-principal": ""},
    ],
)
def test_what_a_foreign_page_could_send_is_not_a_vote(headers):
    world = World()
    p, request = world.asked()

    status, _ = world.vote_api(p, {"decision": "approve", "hash": request.hash}, **headers)

    assert status in (400, 401, 403)
    assert world.ledger.votes(SlotKey("titanic", "qa"), p.n, 1) == ()


def test_a_get_never_votes():
    world = World()
    p, _ = world.asked()

    answer = world.get(f"/api/promotions/{id_of(p)}/vote")

    assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS, POST")
