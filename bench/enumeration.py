"""Every world the core can be shown: walked, reached, brought to rest; every mutant of the core hunted."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from bench.report import table
from orchestrator import decide as core
from orchestrator import shifting, traffic
from tests.core import test_votes_mutants
from tests.core.enumeration import (
    about_hand,
    test_asking_mutants,
    test_by_hand,
    test_preflight_mutants,
    test_rollout_mutants,
)
from tests.core.enumeration.axes import Place
from tests.core.enumeration.axes_by_hand import rows as rows_by_hand
from tests.core.enumeration.courses import Courses
from tests.core.enumeration.guard import disagreements
from tests.core.enumeration.invariants import broken
from tests.core.enumeration.moment import Moment
from tests.core.enumeration.platform import Node, Trial
from tests.core.enumeration.reach import canaries, reached, starts
from tests.core.enumeration.rest import Comes, Distances, any_world
from tests.core.enumeration.scenes import scenes
from tests.core.enumeration.test_guard_and_mutants import (
    GOAL_MUTANTS,
    GUARD_MUTANTS,
    NEWS_MUTANTS,
    OWING,
    SCENES,
    noticed,
)
from tests.core.enumeration.walk import Walk
from tests.core.enumeration.walk_by_hand import walk as walk_by_hand

TITLE = "Enumeration"
ABOUT = """\
`decide` over every combination of rows, platform, votes, times, holds and foreign changes
(tests/core/enumeration): in each exactly one thing is decided, and no decision breaks S1-S5 or S8. Here each
of these worlds is decided by itself; `make test` decides one for all of which the same was read. Then every
world that is reached from the start, whatever fails, dies or is voted, and every one of a canary; and how far
it is from any world to rest, or to a person, where calls succeed. Last, the core with one thing wrong: each
row of the goals table deleted, each of its conditions negated, each branch of the traffic guard, of asking,
of turns, of telling, of the look ahead, of a bake and of the rules for votes cut or turned, and what an
operator orders done wrong. *By hand*: decisions about an operator's orders, in a walk of their own.

"""
OF_CANARIES = (Trial.CRASH, Trial.TROUBLE, Trial.ABORT, Trial.HOLD)


def run() -> str:
    rows: list[list[object]] = []
    for place in Place:
        walked = _walk(place)
        reach = _reached(place)
        distances = Distances()
        measured = [distances.measure(node) for node in any_world(place)]
        ends = Counter(end for _, end in measured)
        farthest = max(steps for steps, _ in measured)
        rest = f"{len(measured):,} within {farthest} steps, {ends[Comes.NOWHERE]} never"
        rows.append([place.name.lower().replace("_", ", "), *walked, *reach, rest])
        print(*rows[-1], sep=" | ", flush=True)
    rows.append(_by_hand())
    head = ["environment", "combinations", "decisions", "unsafe", "worlds reached", "unsafe", "come to rest"]
    return ABOUT + table(head, rows) + "\n\n" + _mutants()


def _walk(place: Place) -> tuple[str, str, int]:
    began, combinations, wrong, walk = time.monotonic(), 0, 0, Walk(each=True)
    for scene in scenes(place):
        combinations += 1
        wrong += sum(bool(broken(moment)) for moment in walk.moments(scene))
    return f"{combinations:,}", f"{walk.worlds:,} in {time.monotonic() - began:.0f} s", wrong


def _reached(place: Place) -> tuple[str, int]:
    wrong: list[Node] = []

    def judge(node: Node, moment: Moment) -> None:
        if broken(moment):
            wrong.append(node)

    begun = (
        (starts(place), frozenset(Trial) - {Trial.RULE}),
        *(
            (canaries(place), frozenset({trial}))
            for trial in Trial
            if trial not in (Trial.RULE, Trial.OTHERS)
        ),
    )
    worlds = sum(1 for nodes, trials in begun for _ in reached(nodes, trials, Courses(), judge))
    return f"{worlds:,}", len(wrong)


def _by_hand() -> list[object]:
    began, combinations, decisions, wrong = time.monotonic(), 0, 0, 0
    for row in rows_by_hand():
        combinations += 1
        for seen in walk_by_hand(row):
            decisions += 1
            wrong += bool(about_hand.broken(seen))
    took = f"{decisions:,} in {time.monotonic() - began:.0f} s"
    return ["by hand, all", f"{combinations:,}", took, wrong, "–", "–", "–"]


def _mutants() -> str:
    goals = {"GOALS": core.GOALS, "ADOPTION": core.ADOPTION}
    tables = sum(_killed(str(m.values[0]), m.values[1], SCENES[str(m.values[0])]) for m in GOAL_MUTANTS)
    news = sum(_killed(str(m.values[0]), m.values[1], OWING) for m in NEWS_MUTANTS)
    turns = sum(_killed("GOALS", m.values[1], m.values[0]) for m in test_asking_mutants.MUTANTS)
    ahead = sum(_look_ahead(m.values[0]) for m in test_preflight_mutants.MUTANTS)
    bakes = sum(_bake(m.values[0]) for m in test_rollout_mutants.MUTANTS)
    with pytest.MonkeyPatch.context() as patch:
        orders = sum(test_by_hand.noticed(mutant, patch) for mutant in test_by_hand.MUTANTS.values())
    votes = sum(
        next(test_votes_mutants.disagreements(m.values[0]), None) is not None
        for m in test_votes_mutants.MUTANTS
    )
    guard = sum(next(disagreements(m.values[0]), None) is not None for m in GUARD_MUTANTS)
    assert next(disagreements(traffic), None) is None
    assert goals == {"GOALS": core.GOALS, "ADOPTION": core.ADOPTION}
    rows: list[list[object]] = [
        ["goals table", len(GOAL_MUTANTS), tables],
        ["traffic guard", len(GUARD_MUTANTS), guard],
        ["asking, turns, the last look before a switch", len(test_asking_mutants.MUTANTS), turns],
        ["telling", len(NEWS_MUTANTS), news],
        ["the look ahead", len(test_preflight_mutants.MUTANTS), ahead],
        ["a bake", len(test_rollout_mutants.MUTANTS), bakes],
        ["an operator's orders", len(test_by_hand.MUTANTS), orders],
        ["the rules for votes", len(test_votes_mutants.MUTANTS), votes],
    ]
    return table(["mutants of the", "made", "noticed"], rows)


def _look_ahead(mutated: Any) -> bool:
    return _killed("GOALS", test_preflight_mutants.with_preflight(mutated), test_preflight_mutants.SCENES)


def _bake(mutated: Any) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shifting, "baked", mutated.baked)
        return bool(noticed(test_rollout_mutants.SCENES))


def _killed(name: str, mutated: object, walked: object) -> bool:
    right = getattr(core, name)
    setattr(core, name, mutated)
    try:
        return bool(noticed(walked))  # type: ignore[arg-type]
    finally:
        setattr(core, name, right)
