"""The walk: every scene, and for each every value of every fact that the decision asks for."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator import decide as core
from orchestrator.model import SlotState
from orchestrator.world import Setting, Unseen, World
from tests.core.enumeration.axes import Scene
from tests.core.enumeration.build import setting_of, state_of
from tests.core.enumeration.moment import Facts, Moment
from tests.core.enumeration.outside import possible


def moments(scene: Scene) -> Iterator[Moment]:
    """Everything that can be decided in this scene, each with the facts it rests on."""
    return _decided(scene, state_of(scene), setting_of(scene), World(), {})


def _decided(
    scene: Scene, state: SlotState, setting: Setting, world: World, facts: Facts
) -> Iterator[Moment]:
    try:
        decided = core.decide(state, world, setting)
    except Unseen as unseen:
        look = unseen.look
    else:
        yield Moment(scene, state, facts, decided)
        return
    for fact in possible(scene, look):
        yield from _decided(scene, state, setting, world.seen(look, fact), {**facts, look: fact})
