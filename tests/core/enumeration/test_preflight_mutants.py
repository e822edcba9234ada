"""The walk notices whatever is wrong with the look ahead, branch by branch."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest

from orchestrator import decide as core
from orchestrator import preflight
from orchestrator.case import Goal
from orchestrator.goals import GOALS
from tests.core.enumeration.axes import Beside, Place, Stage
from tests.core.enumeration.mutants import branch_mutants
from tests.core.enumeration.scenes import simple_scenes
from tests.core.enumeration.test_guard_and_mutants import noticed

READY = (Stage.DIGESTED, Stage.FROZEN, Stage.SHORT_NOW, Stage.SHORT_OLD)
SCENES = [s for place in Place for s in simple_scenes(place) if s.stage in READY and s.beside == Beside()]
MUTANTS = [
    pytest.param(mutated, id=name)
    for name, mutated in branch_mutants(preflight, "_name", "_files", "_room", "_rights", "_short")
]


def with_preflight(mutated: ModuleType) -> tuple[Goal, ...]:
    return tuple(replace(g, pursue=mutated.preflight) if g.name == "preflight" else g for g in GOALS)


def test_nothing_is_wrong_with_the_look_ahead() -> None:
    assert noticed(SCENES) == ""


@pytest.mark.parametrize("mutated", MUTANTS)
def test_a_wrong_branch_of_the_look_ahead_is_noticed(
    mutated: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "GOALS", with_preflight(mutated))

    assert noticed(SCENES)
