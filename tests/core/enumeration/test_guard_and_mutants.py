"""The traffic guard says what S2 and S3 say; the walk notices whatever is wrong with a goal or the guard.

That nothing is wrong with these scenes as they are: test_every_world.py, which walks them among all others.
"""

from __future__ import annotations

from types import ModuleType

import pytest

from orchestrator import decide as core
from orchestrator import delivering, telling, traffic
from orchestrator.adopting import ADOPTION
from orchestrator.case import Goal
from orchestrator.goals import GOALS
from tests.core.enumeration.axes import Beside, Place, Scene, Stage
from tests.core.enumeration.guard import disagreements
from tests.core.enumeration.invariants import broken
from tests.core.enumeration.mutants import branch_mutants, goal_mutants
from tests.core.enumeration.scenes import scenes, simple_scenes
from tests.core.enumeration.walk import moments

SIMPLE = sorted((s for place in Place for s in simple_scenes(place)), key=lambda scene: scene.stage)
"""Nothing lies beside the promotion; goal by goal, so that whatever is wrong is met soon."""
SCENES = {"GOALS": SIMPLE, "ADOPTION": sorted(SIMPLE, key=lambda scene: not scene.stage.adopts)}
GOAL_MUTANTS = [
    pytest.param(table, mutated, id=f"{table}: {name}")
    for table, goals in (("GOALS", GOALS), ("ADOPTION", ADOPTION))
    for name, mutated in goal_mutants(goals)
]
_OWING = (s for place in Place for s in scenes(place) if s.beside == Beside(outbox=s.beside.outbox))
OWING = sorted(_OWING, key=lambda scene: (scene.stage is not Stage.GATED, not scene.place.ruled))
"""Something is owed to people, and else nothing lies beside the promotion; first where people are asked."""
BEYOND = ("MOST_OWED", "_said_later", "SOON", "SUPERSEDED")
"""Branches that need several notices, a wait of seconds, or an end that another one stands for here:
tests/engine/test_delivering.py and test_telling.py.
"""
NEWS_MUTANTS = [
    pytest.param(hook, getattr(mutated, hook), id=name)
    for module, hook, functions in (
        (delivering, "deliver", ("deliver", "_hopeless", "_still_asked")),
        (telling, "owe", ("owe", "_due")),
        (telling, "announced", ("announced", "_lapses", "_ends")),
    )
    for name, mutated in branch_mutants(module, *functions)
    if not any(word in name for word in BEYOND)
]
GUARD = (*("guard", "foreign", "refuse_weights", "_refuse_mirror", "refuse_removal", "refuse_retirement"),)
GUARD_MUTANTS = [pytest.param(mutated, id=name) for name, mutated in branch_mutants(traffic, *GUARD)]


def noticed(scenes: list[Scene]) -> str:
    """The first thing wrong in these scenes; empty: nothing."""
    for scene in scenes:
        try:
            for moment in moments(scene):
                if broken(moment):
                    return broken(moment)[0]
        except Exception as error:  # noqa: BLE001 -- whatever a broken core raises, it is noticed
            return repr(error)
    return ""


@pytest.mark.parametrize(("table", "mutated"), GOAL_MUTANTS)
def test_the_walk_notices_a_wrong_goal(
    table: str, mutated: tuple[Goal, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, table, mutated)

    assert noticed(SCENES[table])


@pytest.mark.parametrize(("hook", "mutated"), NEWS_MUTANTS)
def test_the_walk_notices_who_is_told_too_much_or_not_at_all(
    hook: str, mutated: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, hook, mutated)

    assert noticed(OWING)


def test_the_guard_says_what_s2_and_s3_say() -> None:
    assert next(disagreements(traffic), None) is None


@pytest.mark.parametrize("mutated", GUARD_MUTANTS)
def test_a_wrong_branch_of_the_guard_is_noticed(mutated: ModuleType) -> None:
    assert next(disagreements(mutated), None) is not None
