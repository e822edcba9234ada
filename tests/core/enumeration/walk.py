"""The walk: every scene, and for each every value of every fact that the decision asks for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from orchestrator import decide as core
from orchestrator.model import SlotState
from orchestrator.seen import EndpointSeen
from orchestrator.world import Setting, Unseen, World
from tests.core.enumeration.axes import Scene
from tests.core.enumeration.build import setting_of, state_of
from tests.core.enumeration.moment import Facts, Moment
from tests.core.enumeration.outside import possible
from tests.core.enumeration.reading import Alike, Reading, part_of, readable


class Walk:
    """Counts what it walks: `decided` are looked at, each for all of the `worlds` that are read alike."""

    def __init__(self, *, each: bool = False) -> None:
        self.decided = self.worlds = 0
        self._each = each
        """Is every world decided, also those that are read alike?"""

    def moments(self, scene: Scene, world: World | None = None) -> Iterator[Moment]:
        """Everything that can be decided in this scene, each with the facts it rests on.

        Each must be judged before the next one is asked for: what is read of it then counts as read.
        """
        return self._moments(scene, state_of(scene), setting_of(scene), world or World(), {})

    def _moments(
        self, scene: Scene, state: SlotState, setting: Setting, world: World, facts: Facts
    ) -> Iterator[Moment]:
        try:
            decided = core.decide(state, world, setting)
        except Unseen as unseen:
            look = unseen.look
        else:
            self.decided += 1
            self.worlds += 1
            yield Moment(scene, state, facts, decided)
            return
        alike = Alike[int]()
        for fact in possible(scene, look):
            if self._each or not isinstance(fact, EndpointSeen):
                yield from self._moments(scene, state, setting, world.seen(look, fact), {**facts, look: fact})
                continue
            value = partial(part_of, fact)
            known = alike.find(value)
            if known is not None:
                self.worlds += known
                continue
            before, reading = self.worlds, Reading(value)
            read = readable(fact, reading.note)
            yield from self._moments(scene, state, setting, world.seen(look, read), {**facts, look: read})
            alike.keep(reading, self.worlds - before)


def moments(scene: Scene) -> Iterator[Moment]:
    """Everything that can be decided in this scene, one for all worlds that are read alike."""
    return Walk().moments(scene)
