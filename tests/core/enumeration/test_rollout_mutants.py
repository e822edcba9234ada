"""The walk notices whatever is wrong with what follows a look at a step's weights, branch by branch."""

from __future__ import annotations

from types import ModuleType

import pytest

from orchestrator import baking, shifting
from tests.core.enumeration.axes import Beside, Place
from tests.core.enumeration.mutants import branch_mutants
from tests.core.enumeration.scenes import rollouts
from tests.core.enumeration.test_guard_and_mutants import noticed

SCENES = [scene for scene in rollouts(Place.FIRST) if scene.beside == Beside()]
BEYOND = "baked, cut: if not step.bake"
"""No step here goes by unwatched: tests/engine/test_canary.py."""
MUTANTS = [
    pytest.param(mutated, id=name)
    for name, mutated in branch_mutants(baking, "baked", "_watched", "_replay")
    if name != BEYOND
]


def test_nothing_is_wrong_with_a_canary() -> None:
    assert noticed(SCENES) == ""


@pytest.mark.parametrize("mutated", MUTANTS)
def test_a_wrong_branch_of_a_bake_is_noticed(mutated: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shifting, "baked", mutated.baked)

    assert noticed(SCENES)
