"""Every world the core can be shown: walked, reached, brought to rest; every mutant of the core hunted."""

from __future__ import annotations

import time
from collections import Counter

from bench.report import table
from orchestrator import decide as core
from orchestrator import traffic
from tests.core.enumeration.axes import Place
from tests.core.enumeration.guard import disagreements
from tests.core.enumeration.invariants import broken
from tests.core.enumeration.platform import Trial
from tests.core.enumeration.reach import reached
from tests.core.enumeration.rest import Comes, Distances, any_world
from tests.core.enumeration.scenes import scenes
from tests.core.enumeration.test_guard_and_mutants import GOAL_MUTANTS, GUARD_MUTANTS, SCENES, noticed
from tests.core.enumeration.walk import moments

TITLE = "Enumeration"
ABOUT = """\
`decide` over every combination of rows, platform, votes, times, holds and foreign changes
(tests/core/enumeration): in each exactly one thing is decided, and no decision breaks S1-S5 or S8. Then every
world that is reached from the start, whatever fails, dies or is voted; and how far it is from any world to
rest, or to a person, where calls succeed. Last, the core with one thing wrong: each row of the goals table
deleted, each of its conditions negated, each branch of the traffic guard cut or turned.

"""


def run() -> str:
    rows: list[list[object]] = []
    for place in Place:
        began, combinations, decisions, wrong = time.monotonic(), 0, 0, 0
        for scene in scenes(place):
            combinations += 1
            for moment in moments(scene):
                decisions += 1
                wrong += bool(broken(moment))
        seconds = time.monotonic() - began
        worlds = sum(1 for _ in reached(place, frozenset(Trial) - {Trial.RULE}))
        distances = Distances()
        measured = [distances.measure(node) for node in any_world(place)]
        ends = Counter(end for _, end in measured)
        farthest = max(steps for steps, _ in measured)
        rows.append(
            [
                place.name.lower().replace("_", ", "),
                f"{combinations:,}",
                f"{decisions:,} in {seconds:.0f} s",
                wrong,
                f"{worlds:,}",
                f"{len(measured):,} within {farthest} steps, {ends[Comes.NOWHERE]} never",
            ]
        )
        print(*rows[-1], flush=True)
    head = ["environment", "combinations", "decisions", "unsafe", "worlds reached", "come to rest"]
    return ABOUT + table(head, rows) + "\n" + _mutants()


def _mutants() -> str:
    killed, right = 0, {"GOALS": core.GOALS, "ADOPTION": core.ADOPTION}
    for mutant in GOAL_MUTANTS:
        name, mutated = mutant.values
        setattr(core, str(name), mutated)
        killed += bool(noticed(SCENES[str(name)]))
        setattr(core, str(name), right[str(name)])
    guard = sum(next(disagreements(m.values[0]), None) is not None for m in GUARD_MUTANTS)
    assert next(disagreements(traffic), None) is None
    rows: list[list[object]] = [
        ["goals table", len(GOAL_MUTANTS), killed],
        ["traffic guard", len(GUARD_MUTANTS), guard],
    ]
    return table(["mutants of the", "made", "noticed"], rows)
