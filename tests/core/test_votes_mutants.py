"""Every branch of the vote rules matters: cut or turned, it disagrees with the rules said in other words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from types import ModuleType

import pytest

from orchestrator import reminding, votes
from orchestrator.approval import Approver, Decision, RequestState, Rule, Vote
from tests.core.enumeration.mutants import branch_mutants
from tests.core.test_votes import ANA, AUTHOR, AUTHOR_OID, BEN, NOW, request, vote

FUNCTIONS = ("may_vote", "_excluded", "unreachable", "tally", "must_say_why")
PEOPLE = (Approver(name="Ana", id=ANA), Approver(name="Ada", id=AUTHOR, must=True))
RULES = [
    Rule(approvers=(*PEOPLE, *groups), required=n, exclude_author=e, authors=authors, requester=asker)
    for groups, n, e, authors, asker in product(
        ((), (Approver(name="Risk", group="g-risk", must=True),)),
        (1, 2),
        (True, False),
        ((), (AUTHOR_OID,)),
        ("", BEN, ANA),
    )
]


def disagreements(rules: ModuleType) -> Iterator[str]:
    try:
        yield from _about_people(rules)
        yield from _about_quorums(rules)
        yield from _about_comments(rules)
    except (AttributeError, TypeError, StopIteration) as error:
        yield repr(error)


def _about_people(rules: ModuleType) -> Iterator[str]:
    for rule, person, groups, author, known in product(
        RULES, (ANA, BEN, AUTHOR), ((), ("g-risk",)), ("", AUTHOR_OID), (True, False)
    ):
        said = rules.may_vote(rule, person=person, groups=groups, roles=(), author=author, groups_known=known)
        named = {a.id for a in rule.approvers} | {a.group for a in rule.approvers}
        fits = person in named or ("g-risk" in groups and "g-risk" in named)
        bar = rule.exclude_author and (
            person == rule.requester or (person == AUTHOR and bool(author or rule.authors))
        )
        if isinstance(said, tuple) is not (fits and not bar):
            yield f"{person} under {rule}: {said}"
        if not fits and ("could not be read" in said.why) is not (not known and "g-risk" in named):
            yield f"{person} with groups {known}: {said}"
        if fits and bar and ("registered" in said.why) is not (person == AUTHOR and bool(author)):
            yield f"{person}: {said}"


def _about_quorums(rules: ModuleType) -> Iterator[str]:
    cast = [
        vote(ANA, entries=(ANA,)),
        vote(AUTHOR, entries=(AUTHOR, "g-risk"), order=2),
        vote(BEN, order=3, entries=("g-risk",)),
        vote(BEN, Decision.REJECT, order=3),
    ]
    for rule, mask, late, closed in product(RULES, range(16), (False, True), ("", "lapsed")):
        some = [v for at, v in enumerate(cast) if mask >> at & 1]
        asked = request(rule=rule, closed=closed)
        now = NOW + timedelta(days=2 if late else 0)
        state = rules.tally(asked, some, now, author="")
        if state is not _state(rule, some, late, closed):
            yield f"{rule}, {mask:b}, {late}, {closed!r}: {state}"
        if bool(rules.unreachable(rule, "")) is not _hopeless(rule):
            yield f"{rule}: {rules.unreachable(rule, '')!r}"


def _state(rule: Rule, cast: list[Vote], late: bool, closed: str) -> RequestState:
    needed = rule.required + (1 if rule.exclude_author and not rule.authors else 0)
    musts = {a.id or a.group for a in rule.approvers if a.must}
    yes: list[Vote] = []
    for each in {v.approver: v for v in reversed(cast)}.values().__reversed__():
        if each.decision is Decision.REJECT:
            return RequestState.REFUSED
        yes.append(each)
        if len(yes) >= needed and musts <= {entry for v in yes for entry in v.entries}:
            return RequestState.GRANTED
    if closed:
        return RequestState.CLOSED
    return RequestState.EXPIRED if late else RequestState.OPEN


def _hopeless(rule: Rule) -> bool:
    """Nobody's group is known; of those named by id some may not."""
    barred = {AUTHOR} if rule.authors else set()
    barred = barred | {rule.requester} if rule.exclude_author else set()
    if AUTHOR in barred:
        return True  # she must be among those who approve
    needed = rule.required + (1 if rule.exclude_author and not rule.authors else 0)
    return len({ANA, AUTHOR} - barred) < needed and not any(a.group for a in rule.approvers)


def _about_comments(rules: ModuleType) -> Iterator[str]:
    for verdicts, decision in product(((), ("pass",), ("pass", "inconclusive")), Decision):
        asked = request(snapshot={"gates": [{"gate": "auc", "verdict": v} for v in verdicts]})
        needed = decision is Decision.REJECT or "inconclusive" in verdicts
        if bool(rules.must_say_why(asked, decision)) is not needed:
            yield f"{verdicts} {decision}"


def test_the_rules_say_what_is_said_here() -> None:
    assert list(disagreements(votes)) == []


MUTANTS = [pytest.param(m, id=name) for name, m in branch_mutants(votes, *FUNCTIONS)]


@pytest.mark.parametrize("mutated", MUTANTS)
def test_a_wrong_branch_is_noticed(mutated: ModuleType) -> None:
    assert next(disagreements(mutated), None) is not None


# ---- how long people have


def test_an_extension_is_one_life_more_and_three_are_enough() -> None:
    asked = request()
    lives = [asked]
    for _ in range(reminding.MOST_EXTENSIONS):
        assert reminding.refuse_extension(lives[-1], RequestState.OPEN) == ""
        lives.append(reminding.extended(lives[-1]))

    assert [r.expires_at - NOW for r in lives] == [timedelta(days=d) for d in (1, 2, 3, 4)]
    assert {reminding.life_of(r) for r in lives} == {timedelta(days=1)}
    assert "3 times" in reminding.refuse_extension(lives[-1], RequestState.OPEN)
    for state in set(RequestState) - {RequestState.OPEN}:
        assert reminding.refuse_extension(asked, state)
    assert reminding.refuse_extension(None, None) == "nobody has been asked yet"


@pytest.mark.parametrize(
    ("hours", "every", "mark"),
    [
        (0, 0, None),
        (11.9, 0, None),
        (12, 0, "half 1"),
        (21.5, 0, "half 1"),
        (21.6, 0, "late 1"),
        (23.9, 0, "late 1"),
        (24, 0, None),
        (4.9, 5, None),
        (5, 5, "reminder 1"),
        (11, 5, "reminder 2"),
        (12, 5, "half 1"),
        (15, 5, "reminder 3"),
        (12, 12, "half 1"),
        (23, 5, "late 1"),
    ],
)
def test_what_is_due_is_the_last_moment_that_has_come(hours: float, every: float, mark: str | None) -> None:
    asked, at = request(), NOW + timedelta(hours=hours)
    found = reminding.due(asked, at, timedelta(hours=every))
    following = reminding.following(asked, at, timedelta(hours=every))

    assert (found.mark if found else None) == mark
    assert at < following <= asked.expires_at or at >= asked.expires_at


def test_after_an_extension_the_warnings_come_again() -> None:
    asked = reminding.extended(request())

    marks = [
        found.mark if (found := reminding.due(asked, NOW + timedelta(hours=h), timedelta(0))) else None
        for h in (23, 36, 46)
    ]

    assert marks == [None, "half 2", "late 2"]
    assert replace(asked, extensions=0) != asked
