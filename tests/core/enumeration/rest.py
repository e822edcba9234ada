"""How soon a world comes to rest, when the platform is fair: what it began it ends, and people answer."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from itertools import product

from orchestrator.world import Rest
from tests.core.enumeration.axes import End, Mover, Place, Scene, Serves, Stage, Stopped, Votes
from tests.core.enumeration.axes_outside import Dep, Kind, Online, Target
from tests.core.enumeration.axes_outside import Owner as Named
from tests.core.enumeration.courses import Closed, Course, Courses
from tests.core.enumeration.meanwhile import older
from tests.core.enumeration.outside import onlines
from tests.core.enumeration.platform import Node, Outside, effect, refuses
from tests.core.enumeration.scenes import simple_scenes


class Comes(Enum):
    """Where it ends."""

    TO_REST = auto()
    TO_A_PERSON = auto()
    NOWHERE = auto()
    """Nothing changes any more, and nobody was asked."""


def fair(node: Node, course: Course) -> Node | Comes:
    """The next world: what is decided succeeds; whoever waits sees the platform finish and people approve."""
    if course.decided is Rest:
        return Comes.TO_REST
    if course.person:
        return Comes.TO_A_PERSON
    if course.commit is not None:
        after = course.commit.beside(node.outside)
    elif course.action is None:
        return _meanwhile(node)
    elif course.busy is not None and refuses(node.outside, course.action):
        after = course.busy.beside(node.outside)
    else:
        after = course.done[0].beside(effect(node.outside, course.action))
    return Comes.TO_REST if isinstance(after, Closed) else after


def _meanwhile(node: Node) -> Node | Comes:
    if node.scene.beside.stopped is not Stopped.NO:
        return Comes.TO_A_PERSON
    following = Node(_answered(older(node.scene)), finished(node.outside))
    return Comes.NOWHERE if following == node else following


def _answered(scene: Scene) -> Scene:
    votes = Votes.QUORUM if scene.votes in (Votes.OPEN, Votes.LATE) else scene.votes
    mover = Mover.NONE if scene.mover is Mover.OTHER else scene.mover
    return scene._replace(votes=votes, mover=mover)


def finished(outside: Outside) -> Outside:
    """The platform ends whatever it began, well."""
    online = outside.online
    ends = {Dep.CREATING: Dep.SUCCEEDED, Dep.UPDATING: Dep.SUCCEEDED, Dep.DELETING: Dep.ABSENT}
    kinds = {Kind.CREATING: Kind.SUCCEEDED, Kind.UPDATING: Kind.SUCCEEDED}
    online = online._replace(
        kind=kinds.get(online.kind, online.kind),
        candidate=ends.get(online.candidate, online.candidate),
        stable=ends.get(online.stable, online.stable),
        retired=ends.get(online.retired, online.retired),
    )
    return outside._replace(online=online, stale=None, late=None)


# ---- from any world ------------------------------------------------------------------------------------


def any_world(place: Place) -> Iterator[Node]:
    """Every walked scene with nothing beside it, in every world that it may find."""
    for scene in simple_scenes(place):
        if scene.serves is Serves.JUST:
            continue
        for online, target in product(_onlines(scene), _targets(scene)):
            yield Node(scene, Outside(online, owner=Named.US, target=target))


def _onlines(scene: Scene) -> tuple[Online, ...]:
    full = scene.mover is Mover.THIS or scene.end is not End.NONE
    return tuple(onlines(full, scene.stage >= Stage.NAMED, bool(scene.serves), False))


def _targets(scene: Scene) -> tuple[Target, ...]:
    looked_at = scene.place.later and scene.mover is Mover.THIS and scene.end is End.NONE
    if not looked_at or scene.stage.adopts or scene.stage < Stage.CHOSEN:
        return (Target.ABSENT,)
    return (Target.ABSENT, Target.OURS, Target.OTHER_BYTES)


class Distances:
    """Steps from worlds to rest; worlds that lead to one another are walked once."""

    def __init__(self, courses: Courses | None = None) -> None:
        self.steps: dict[Node, int] = {}
        self.ends: dict[Node, Comes] = {}
        self._courses = courses or Courses()

    def measure(self, node: Node) -> tuple[int, Comes]:
        """Raises when the world goes round in a circle."""
        path: dict[Node, None] = {}
        at: Node | Comes = node
        while isinstance(at, Node) and at not in self.steps:
            if at in path:
                raise AssertionError(f"goes round in a circle: {list(path)}")
            path[at] = None
            at = fair(at, self._courses.of(at))
        steps, end = (self.steps[at], self.ends[at]) if isinstance(at, Node) else (0, at)
        for passed in reversed(path):
            steps += 1
            self.steps[passed], self.ends[passed] = steps, end
        return self.steps[node], self.ends[node]
