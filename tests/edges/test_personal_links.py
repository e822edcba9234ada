"""Where nobody can sign in: a link that was sent to one approver personally is that person's identity."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.approval import Approver, Request
from orchestrator.model import Promotion, Reason, SlotKey, Verdict
from orchestrator.views import id_of
from orchestrator.web.app import WebApp
from orchestrator.web.http import WebResponse
from shared.errors import Invalid
from shared.links import Links, RequestRef
from simulation.twins.clock import TwinClock
from tests.edges.looking import stored, text, votes
from tests.edges.world import ANA, AUTHOR, BEN, KEYS, TENANT, World, signed_in

KEY = SlotKey("titanic", "qa")
ANA_ID, BEN_ID, AUTHOR_ID = (f"{TENANT}/{oid}" for oid in (ANA, BEN, AUTHOR))


def world_of(*told: str, auth_enabled: bool = False) -> World:
    """A world in which those people have a personal channel in qa."""
    world = World(auth_enabled=auth_enabled)
    app: WebApp = world.app
    app._site = replace(app._site, personal={"qa": frozenset(told)})
    return world


def asked(world: World, **more: object) -> tuple[Promotion, Request]:
    """A request that Ana, Ben and the author may answer by name."""
    p, request = world.asked()
    people = ((ANA_ID, "Ana"), (BEN_ID, "Ben"), (AUTHOR_ID, "Ada"))
    rule = replace(request.rule, approvers=tuple(Approver(name=name, id=id_) for id_, name in people), **more)
    world.end(p, Verdict.SUPERSEDED, Reason.SUPERSEDED, "a newer one asks")
    newer = world.promotion(version="3")
    return world.read(newer), world.ask(newer, rule=rule)


def link(world: World, p: Promotion, person: str = ANA_ID, k: int = 1) -> str:
    return f"/review/{world.links.personal_token(RequestRef(id_of(p), k, person))}"


def answer_through(world: World, path: str, decision: str = "approve", comment: str = "read") -> WebResponse:
    """Fetches the page as nobody in particular and presses a button on it."""
    html = world.app.handle("GET", path, {"accept": "text/html"}).body.decode()
    fields = dict(re.findall(r'name="(form|hash)" value="([^"]*)"', html))
    body = "&".join(f"{k}={v}" for k, v in {**fields, "decision": decision, "comment": comment}.items())
    headers = {"accept": "text/html", "content-type": "application/x-www-form-urlencoded"}
    return world.app.handle("POST", path, headers, body.encode())


def test_a_personal_link_votes_as_the_one_it_was_sent_to_and_page_and_journal_say_so():
    world = world_of(ANA_ID)
    p, _ = asked(world)
    path = link(world, p)

    shown = world.app.handle("GET", path, {"accept": "text/html"})
    answer = answer_through(world, path)

    assert "You vote as Ana, because this link was sent to Ana personally" in text(shown)
    assert answer.status == 200
    (vote,) = world.ledger.votes(KEY, p.n, 1)
    assert (vote.approver, vote.name, vote.channel) == (ANA_ID, "Ana", "personal link")
    row = next(r.entry for r in world.ledger.journal(KEY) if r.entry.what == "vote.approve")
    assert (row.by, row.after) == (ANA_ID, "personal link")
    again = world.app.handle("GET", path, {"accept": "text/html"})
    assert "You answered approve" in text(again)
    assert "through personal link" in text(again)


def test_two_links_of_one_person_are_two_texts_and_one_vote():
    world = world_of(ANA_ID)
    p, _ = asked(world, required=2)
    first, second = link(world, p), link(world, p)

    assert first != second
    answer_through(world, first)
    opposite = answer_through(world, second, "reject")

    assert opposite.status in (401, 403, 409)
    assert votes(world, p.n) == [(ANA, "approve")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_fetching_a_personal_link_changes_nothing(method):
    world = world_of(ANA_ID)
    p, _ = asked(world)
    path, before = link(world, p), stored(world)

    for _ in range(50):
        assert world.app.handle(method, path, {"accept": "text/html"}).status in (200, 204)

    assert stored(world) == before


def test_a_link_for_everybody_decides_nothing_and_says_how_to_vote():
    world = world_of(ANA_ID)
    p, request = asked(world)
    path = f"/review/{world.token(p)}"

    shown = world.app.handle("GET", path, {"accept": "text/html"})
    posted = world.post(path, world.fields(p, request))

    assert "Ana: please use the link that was sent to you personally" in text(shown)
    assert "<button" not in shown.body.decode()
    assert posted.status == 401
    assert votes(world, p.n) == []


def test_with_sign_in_on_a_personal_link_is_nobody_and_never_outranks_who_is_signed_in():
    world = world_of(ANA_ID, auth_enabled=True)
    p, request = asked(world)
    path = link(world, p)

    nobody = world.app.handle("GET", path, {"accept": "text/html"})
    as_ben = world.post(path, world.fields(p, request, BEN), BEN)

    assert nobody.status == 401
    assert "titanic" not in text(nobody)
    assert as_ben.status == 200
    (vote,) = world.ledger.votes(KEY, p.n, 1)
    assert (vote.approver, vote.channel) == (BEN_ID, "page")


def test_headers_from_outside_do_not_change_whose_link_it_is():
    world = world_of(ANA_ID)
    p, request = asked(world)

    answer = world.post(link(world, p), world.fields(p, request, BEN), BEN)

    assert answer.status == 403
    assert votes(world, p.n) == []


def test_who_lost_the_personal_channel_or_never_had_one_is_nobody():
    world = world_of(BEN_ID)
    p, request = asked(world)

    for path, oid in ((link(world, p), ANA), (link(world, p, "nobody/at-all"), "at-all")):
        answer = world.post(path, world.fields(p, request, oid))
        assert answer.status == 401
    assert votes(world, p.n) == []


def test_the_author_may_not_decide_through_a_personal_link_either():
    world = world_of(AUTHOR_ID)
    p, request = asked(world)
    path = link(world, p, AUTHOR_ID)

    answer = world.post(path, world.fields(p, request, AUTHOR))

    assert answer.status == 403
    assert "author may not" in text(answer)


def test_a_group_cannot_be_voted_for_by_a_link():
    world = world_of(ANA_ID)
    p, request = world.asked()  # its rule names a group only, which Ana is in

    answer = world.post(link(world, p), world.fields(p, request))

    assert answer.status == 403
    assert votes(world, p.n) == []


def test_links_of_another_request_purpose_key_or_person_open_nothing():
    world = world_of(ANA_ID, BEN_ID)
    p, request = asked(world)
    stranger = Links(["another-key-of-enough-characters"], clock=world.clock)
    bad = [
        stranger.personal_token(RequestRef(id_of(p), 1, ANA_ID)),
        world.links.form_token(ANA_ID, f"vote:{id_of(p)}:1"),
        world.links.personal_token(RequestRef(id_of(p), 2, ANA_ID)),
        world.links.personal_token(RequestRef("titanic.qa.9.9", 1, ANA_ID)),
    ]

    for token in bad:
        assert world.post(f"/review/{token}", world.fields(p, request)).status == 404
    crossed = world.post(link(world, p, BEN_ID), world.fields(p, request, ANA))

    assert crossed.status == 403
    assert votes(world, p.n) == []


def test_a_personal_link_with_any_bit_flipped_or_cut_short_is_refused():
    world = world_of(ANA_ID)
    p, _ = asked(world)
    token = world.links.personal_token(RequestRef(id_of(p), 1, ANA_ID))

    for at in range(len(token)):
        for bit in range(8):
            flipped = chr(ord(token[at]) ^ (1 << bit))
            bad = token[:at] + flipped + token[at + 1 :]
            with pytest.raises(Invalid, match="token"):
                world.links.open_review(bad)
        with pytest.raises(Invalid, match="token"):
            world.links.open_review(token[:at])


@pytest.mark.parametrize("skew", [-timedelta(minutes=5), timedelta(minutes=5)])
def test_five_minutes_of_clock_difference_do_not_matter(skew):
    world = world_of(ANA_ID)
    p, _ = asked(world)
    token = world.links.personal_token(RequestRef(id_of(p), 1, ANA_ID))
    other = TwinClock(world.now + skew)

    assert Links(KEYS, clock=other).open_review(token).person == ANA_ID


def test_a_personal_link_ends_with_its_request():
    world = world_of(ANA_ID, BEN_ID)
    p, request = asked(world)
    path, fields = link(world, p), world.fields(p, request)
    world.clock.advance(timedelta(days=7, seconds=1).total_seconds())
    fields["form"] = world.links.form_token(ANA_ID, f"vote:{id_of(p)}:1")

    shown = world.app.handle("GET", path, {"accept": "text/html"})
    posted = world.post(path, fields)

    assert "has expired" in text(shown)
    assert "You vote as" not in text(shown)
    assert posted.status == 409
    assert votes(world, p.n) == []


@pytest.mark.parametrize("method", ["abort", "retry", "withdraw", "extend"])
def test_no_operator_acts_by_a_personal_link(method):
    world = world_of(ANA_ID, BEN_ID)
    p, _ = asked(world)
    token = world.links.personal_token(RequestRef(id_of(p), 1, BEN_ID))
    url = f"/api/promotions/{id_of(p)}/{method}"

    for headers in ({"authorization": f"Bearer {token}"}, signed_in(BEN)):
        sent = {**headers, "content-type": "application/json"}
        assert world.app.handle("POST", url, sent, b'{"reason": "because"}').status == 401


def test_nothing_in_the_api_votes_by_a_personal_link():
    world = world_of(ANA_ID)
    p, request = asked(world)
    token = world.links.personal_token(RequestRef(id_of(p), 1, ANA_ID))

    status, _ = world.vote_api(
        p, {"decision": "approve", "hash": request.hash}, authorization=f"Bearer {token}"
    )

    assert status == 401
    assert votes(world, p.n) == []
