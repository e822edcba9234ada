"""The walk notices what is wrong with asking people, taking turns, and the last look before a switch."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest

from orchestrator import asking, goals, shifting
from orchestrator import decide as core
from orchestrator.case import Goal
from tests.core.enumeration.axes import End, Newer, Place, Retiring, Scene, Stage, Stopped
from tests.core.enumeration.mutants import branch_mutants
from tests.core.enumeration.scenes import scenes
from tests.core.enumeration.test_guard_and_mutants import SIMPLE, noticed


def _relevant(scene: Scene) -> bool:
    """Before its turn, where something beside the promotion can stop it or go first."""
    at = scene.beside
    alone = not (at.resting or at.offering) and at.pending.name == "NONE"
    return (
        scene.end is End.NONE
        and scene.stage is Stage.GATED
        and alone
        and at.outbox.name == "NONE"
        and at.claim.name == "NONE"
        and (at.newer is Newer.NONE or at.retiring is Retiring.NONE)
        and at.stopped in (Stopped.NO, Stopped.HELD, Stopped.FREEZING, Stopped.FROZEN)
    )


TURNS = [s for place in Place for s in scenes(place) if _relevant(s)]
SWITCHING = sorted(SIMPLE, key=lambda scene: scene.stage is not Stage.PLANNED)
WALKED = {"asking": [*TURNS, *SWITCHING], "goals": [*TURNS, *SIMPLE], "shifting": SWITCHING}


def _with(mutated: ModuleType) -> tuple[Goal, ...]:
    """The table of goals, with what this module gives to it."""
    if mutated.__name__.endswith("goals"):
        return tuple(mutated.GOALS)
    if mutated.__name__.endswith("asking"):
        parts = {"approved": {"holds": mutated.granted, "pursue": mutated.pursue_approval}}
    else:
        parts = {"shifted": {"holds": mutated.shifted, "pursue": mutated.shift}}
    return tuple(replace(goal, **parts.get(goal.name, {})) for goal in goals.GOALS)


MUTANTS = [
    pytest.param(WALKED[short], _with(mutated), id=f"{short}: {name}")
    for short, module, functions in (
        ("asking", asking, ("granted", "pursue_approval", "_ask", "_newer_ready")),
        ("goals", goals, ("_take_turn", "_goes_first")),
        ("shifting", shifting, ("_altered",)),
    )
    for name, mutated in branch_mutants(module, *functions)
    if "approval is None" not in name  # an assertion: goals.py asks only where there is a rule
]


def test_nothing_is_wrong_with_turns() -> None:
    assert noticed(TURNS) == ""


@pytest.mark.parametrize(("walked", "table"), MUTANTS)
def test_the_walk_notices_a_wrong_branch(
    walked: list[Scene], table: tuple[Goal, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "GOALS", table)

    assert noticed(walked)
