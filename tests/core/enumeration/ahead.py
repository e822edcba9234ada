"""What a look before people are asked can find: the files, the room in the region, the rights."""

from __future__ import annotations

from orchestrator.looks import Sight
from orchestrator.seen import CapacitySeen, ModelSeen, RightsSeen
from tests.core.enumeration.axes import Beside, Scene

NEEDED = 8
"""Cores for one instance of four: a fifth more is reserved."""
WELL: dict[Sight, object] = {
    Sight.NAMESAKE: "",
    Sight.MODEL_FILE: ModelSeen(),
    Sight.CAPACITY: CapacitySeen(cores=4, free=NEEDED, limit=100, family="DSv2"),
    Sight.RIGHTS: RightsSeen(),
}
ELSE: dict[Sight, tuple[object, ...]] = {
    Sight.NAMESAKE: ("mlw-prod",),
    Sight.MODEL_FILE: (ModelSeen(problem="no flavor"), ModelSeen(mismatch="'a' is required now")),
    Sight.CAPACITY: (
        CapacitySeen(offered=False),
        CapacitySeen(cores=4, free=NEEDED - 1, limit=100, family="DSv2"),
        CapacitySeen(note="nobody could tell"),
    ),
    Sight.RIGHTS: (RightsSeen(missing=("write",)), RightsSeen(note="nobody could tell")),
}


def ahead(scene: Scene, sight: Sight) -> tuple[object, ...]:
    """Nothing that lies beside the promotion has to do with it: walked in full where nothing does."""
    return (WELL[sight], *ELSE[sight]) if scene.beside == Beside() else (WELL[sight],)
