"""Who may vote, and when enough people have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.approval import Approver, Decision, Request, RequestState, Rule, Subject, Vote
from orchestrator.votes import NotAllowed, may_vote, required, tally

NOW = datetime(2026, 1, 5, tzinfo=UTC)
T = "11111111-1111-4111-8111-111111111111"
ANA, BEN, AUTHOR = (f"{T}/33333333-0000-4000-8000-00000000000{n}" for n in (2, 3, 1))
AUTHOR_OID = AUTHOR.partition("/")[2]
RULE = Rule(approvers=(Approver(name="Ana", id=ANA), Approver(name="Leads", group="g-1")), required=2)


def request(**changes: object) -> Request:
    fields: dict[str, object] = {
        "n": 1,
        "k": 1,
        "hash": "h",
        "subject": Subject(digest="d", target="t", incumbent=""),
        "snapshot": {},
        "rule": RULE,
        "asked_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    }
    return Request(**(fields | changes))  # type: ignore[arg-type]


def vote(approver: str, decision: Decision = Decision.APPROVE, order: int = 1, **changes: object) -> Vote:
    fields: dict[str, object] = {
        "n": 1, "k": 1, "approver": approver, "name": "", "entries": (), "decision": decision, "comment": "",
        "at": NOW, "channel": "page", "hash": "h", "order": order,
    }  # fmt: skip
    return Vote(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("person", "groups", "entries"),
    [
        (ANA, [], (ANA,)),
        (ANA.upper(), [], (ANA,)),
        (BEN, ["G-1"], ("g-1",)),
        (ANA, ["g-1"], (ANA, "g-1")),
    ],
)
def test_an_approver_is_known_by_id_or_group(
    person: str, groups: list[str], entries: tuple[str, ...]
) -> None:
    assert may_vote(RULE, person=person, groups=groups, roles=[], author="") == entries


@pytest.mark.parametrize("groups", [[], ["g-2"], [""]])
def test_others_may_not_vote(groups: list[str]) -> None:
    refused = may_vote(RULE, person=BEN, groups=groups, roles=[], author="")

    assert isinstance(refused, NotAllowed)


def test_the_author_may_not_approve_even_as_a_group_member() -> None:
    refused = may_vote(RULE, person=AUTHOR, groups=["g-1"], roles=[], author=AUTHOR_OID.upper())

    assert isinstance(refused, NotAllowed)
    assert "author" in refused.why


def test_an_unknown_author_costs_one_approver_more() -> None:
    assert required(RULE, "") == 3
    assert required(RULE, AUTHOR_OID) == 2


@pytest.mark.parametrize(
    ("votes", "at", "state"),
    [
        ([], NOW, RequestState.OPEN),
        ([vote(ANA)], NOW, RequestState.OPEN),
        ([vote(ANA), vote(ANA, order=2)], NOW, RequestState.OPEN),
        ([vote(ANA), vote(BEN, order=2)], NOW, RequestState.GRANTED),
        ([vote(ANA), vote(BEN, Decision.REJECT, 2)], NOW, RequestState.REFUSED),
        ([vote(ANA), vote(BEN, order=2), vote("x", Decision.REJECT, 3)], NOW, RequestState.GRANTED),
        ([vote(ANA), vote(BEN, order=2, hash="other")], NOW, RequestState.OPEN),
        ([vote(ANA)], NOW + timedelta(days=1), RequestState.EXPIRED),
        ([vote(ANA), vote(BEN, order=2)], NOW + timedelta(days=9), RequestState.GRANTED),
        ([vote(ANA), vote(BEN, order=2, at=NOW + timedelta(days=1))], NOW, RequestState.OPEN),
    ],
)
def test_votes_count_in_order_once_per_person_for_what_was_seen(
    votes: list[Vote], at: datetime, state: RequestState
) -> None:
    assert tally(request(), votes, at, author=AUTHOR_OID) is state
    assert tally(request(), list(reversed(votes)), at, author=AUTHOR_OID) is state


def test_a_closed_request_stays_closed_unless_it_was_decided() -> None:
    closed = request(closed="lapsed")

    assert tally(closed, [vote(ANA)], NOW, author=AUTHOR_OID) is RequestState.CLOSED
    assert tally(closed, [vote(ANA), vote(BEN, order=2)], NOW, author=AUTHOR_OID) is RequestState.GRANTED
