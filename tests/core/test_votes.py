"""Who may vote, and when enough people have."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.approval import Approver, Decision, Request, RequestState, Rule, Subject, Vote
from orchestrator.votes import (
    NotAllowed,
    counted,
    may_vote,
    must_say_why,
    required,
    tally,
    unreachable,
    waited_for,
)

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


# ---- must-haves, authors, requesters


MUST = Rule(
    approvers=(Approver(name="Ana", id=ANA), Approver(name="Risk", group="g-risk", must=True)), required=1
)


def test_there_is_no_quorum_without_a_must_have() -> None:
    asked = request(rule=MUST)
    ana, ben = vote(ANA, entries=(ANA,)), vote(BEN, order=2, entries=("g-risk",))

    assert tally(asked, [ana], NOW, author=AUTHOR_OID) is RequestState.OPEN
    assert waited_for(MUST, [ana]) == ("Risk",)
    assert tally(asked, [ana, ben], NOW, author=AUTHOR_OID) is RequestState.GRANTED
    assert tally(asked, [ben], NOW, author=AUTHOR_OID) is RequestState.GRANTED


def test_one_person_under_two_entries_is_one_approval() -> None:
    asked = request(rule=replace(MUST, required=2))
    both = vote(ANA, entries=(ANA, "g-risk"))

    assert tally(asked, [both], NOW, author=AUTHOR_OID) is RequestState.OPEN
    assert waited_for(asked.rule, [both]) == ()


@pytest.mark.parametrize(
    ("rule", "person", "said"),
    [
        (replace(RULE, authors=(AUTHOR_OID,)), AUTHOR, "ran the training"),
        (replace(RULE, requester=BEN.upper()), BEN, "asked for this promotion"),
    ],
)
def test_whoever_ran_the_training_or_asked_does_not_decide(rule: Rule, person: str, said: str) -> None:
    refused = may_vote(rule, person=person, groups=["g-1"], roles=[], author="")
    free = may_vote(replace(rule, exclude_author=False), person=person, groups=["g-1"], roles=[], author="")

    assert isinstance(refused, NotAllowed)
    assert said in refused.why
    assert free == ("g-1",)


@pytest.mark.parametrize("author", ["", "Ada Author", "ada@example.org", AUTHOR_OID[:-1]])
def test_what_is_no_object_id_names_no_author(author: str) -> None:
    assert required(RULE, author) == 3
    assert required(replace(RULE, authors=(AUTHOR_OID,)), author) == 2
    assert required(replace(RULE, exclude_author=False), author) == 2


def test_too_many_groups_to_list_is_said_where_a_group_could_count() -> None:
    def refused(rule: Rule) -> str:
        why = may_vote(rule, person=BEN, groups=[], roles=[], author="", groups_known=False)
        assert isinstance(why, NotAllowed)
        return why.why

    assert "your groups could not be read" in refused(RULE)
    assert "not among the approvers" in refused(replace(RULE, approvers=RULE.approvers[:1]))


@pytest.mark.parametrize(
    ("rule", "author", "said"),
    [
        (Rule(approvers=(Approver(name="Ana", id=ANA),)), AUTHOR_OID, ""),
        (Rule(approvers=(Approver(name="Ana", id=ANA),)), "", "it takes 2 approvals, and only 1"),
        (Rule(approvers=(Approver(name="Ada", id=AUTHOR),)), AUTHOR_OID, "it takes 1 approvals, and only 0"),
        (RULE, "", ""),  # a group may have any number of members
        (
            Rule(approvers=(Approver(name="Ada", id=AUTHOR, must=True), Approver(name="Ana", id=ANA))),
            AUTHOR_OID,
            "Ada must approve, and may not",
        ),
    ],
)
def test_what_nobody_can_grant_is_said_at_once(rule: Rule, author: str, said: str) -> None:
    assert unreachable(rule, author).startswith(said)
    assert bool(unreachable(rule, author)) is bool(said)


@pytest.mark.parametrize(
    ("gate", "decision", "needed"),
    [
        ("pass", Decision.APPROVE, False),
        ("inconclusive", Decision.APPROVE, True),
        ("pass", Decision.REJECT, True),
    ],
)
def test_a_rejection_and_an_override_say_why(gate: str, decision: Decision, needed: bool) -> None:
    asked = request(snapshot={"gates": [{"gate": "auc", "verdict": gate}]})

    assert bool(must_say_why(asked, decision)) is needed


# ---- whatever is voted

PEOPLE = (ANA, BEN, AUTHOR, ANA.upper())
VOTES = st.builds(
    vote,
    st.sampled_from(PEOPLE),
    st.sampled_from(Decision),
    st.integers(1, 30),
    hash=st.sampled_from(["h", "h", "h", "other"]),
    k=st.sampled_from([1, 1, 1, 2]),
    n=st.sampled_from([1, 1, 1, 2]),
    at=st.sampled_from([NOW, NOW, NOW + timedelta(days=2)]),
    entries=st.sampled_from([(ANA,), ("g-risk",), (ANA, "g-risk")]),
)
CAST = st.lists(VOTES, max_size=8, unique_by=lambda v: v.order)
RULES = st.builds(replace, st.just(MUST), required=st.integers(1, 3))


@given(RULES, CAST)
def test_a_quorum_is_enough_distinct_people_with_every_must_have_and_no_rejection_before(
    rule: Rule, votes: list[Vote]
) -> None:
    asked = request(rule=rule)
    good = counted(asked, votes)
    granted = tally(asked, votes, NOW, author=AUTHOR_OID) is RequestState.GRANTED
    before: list[Vote] = []
    for each in good:
        if each.decision is Decision.REJECT:
            break
        before.append(each)
    enough = len({v.approver.lower() for v in before}) >= rule.required
    musts = any("g-risk" in v.entries for v in before)

    assert granted is (enough and musts)


@given(RULES, CAST, st.randoms(use_true_random=False))
def test_only_the_order_in_which_votes_were_committed_counts(
    rule: Rule, votes: list[Vote], dice: object
) -> None:
    asked, shuffled = request(rule=rule), list(votes)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]

    assert tally(asked, votes, NOW, author="") is tally(asked, shuffled, NOW, author="")


@given(RULES, CAST)
def test_votes_on_another_request_or_on_other_evidence_change_nothing(rule: Rule, votes: list[Vote]) -> None:
    asked = request(rule=rule)
    ours = [v for v in votes if (v.n, v.k, v.hash) == (1, 1, "h")]

    assert tally(asked, votes, NOW, author="") is tally(asked, ours, NOW, author="")
    assert tally(replace(asked, k=3), votes, NOW, author="") is RequestState.OPEN


@given(RULES, CAST, st.integers(0, 7))
def test_voting_again_changes_nothing(rule: Rule, votes: list[Vote], which: int) -> None:
    asked = request(rule=rule)
    if not votes:
        return
    again = replace(votes[which % len(votes)], order=99, decision=Decision.APPROVE)
    first = next((v for v in counted(asked, votes) if v.approver.lower() == again.approver.lower()), None)

    if first is not None:
        assert tally(asked, [*votes, again], NOW, author="") is tally(asked, votes, NOW, author="")


@given(RULES, CAST)
def test_what_was_decided_in_time_stands_however_late_it_is_looked_at(rule: Rule, votes: list[Vote]) -> None:
    asked = request(rule=rule)
    early, late = (tally(asked, votes, NOW + timedelta(days=d), author="") for d in (0, 9))

    assert late is (RequestState.EXPIRED if early is RequestState.OPEN else early)
