"""The worlds that are reached: from the start, by what we do, the platform does, and people do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from orchestrator.world import Verb
from tests.core.enumeration.axes import (
    Beside,
    Claim,
    End,
    Mover,
    Place,
    Retiring,
    Roll,
    Scene,
    Serves,
    Stage,
    Votes,
)
from tests.core.enumeration.axes_outside import Dep, Kind, Online, Target, Traffic
from tests.core.enumeration.axes_outside import Owner as Named
from tests.core.enumeration.courses import After, Course, Courses
from tests.core.enumeration.meanwhile import moves
from tests.core.enumeration.moment import Moment
from tests.core.enumeration.platform import Node, Outside, Trial, effect, refuses, traffic_of


def starts(place: Place) -> list[Node]:
    """A promotion has just been opened: where nothing served before; where something does, as it should;
    where what served before that is still warm; with the very bytes that serve; too late.
    """
    return _openings(place)


def canaries(place: Place) -> list[Node]:
    """A candidate has answered its probe, and goes up in steps: beside what serves, and as the first."""
    if place not in (Place.FIRST, Place.LATER_RULED):
        return []
    votes = Votes.ENOUGH if place.ruled else Votes.NOT_ASKED
    over = Scene(place, Stage.PROBED, votes, End.NONE, Mover.THIS, Serves.BLUE, Beside(), Roll.MIRROR)
    blue = Online(Kind.SUCCEEDED, Dep.SUCCEEDED, Dep.SUCCEEDED, traffic=Traffic.STABLE)
    alone = Online(Kind.SUCCEEDED, Dep.SUCCEEDED)
    return [
        Node(over, Outside(blue, owner=Named.US, target=Target.OURS)),
        Node(
            over._replace(serves=Serves.NOTHING, roll=Roll.WHOLE),
            Outside(alone, owner=Named.US, target=Target.OURS),
        ),
    ]


def _openings(place: Place) -> list[Node]:
    stage = Stage.DIGESTED if place.later else Stage.NEW
    blue = Online(Kind.SUCCEEDED, stable=Dep.SUCCEEDED, traffic=Traffic.STABLE)
    new = Scene(place, stage, Votes.NOT_ASKED, End.NONE, Mover.NONE, Serves.NOTHING, Beside())
    over = new._replace(serves=Serves.BLUE)
    soon = over._replace(beside=Beside(retiring=Retiring.WARM))
    return [
        Node(new, Outside(Online(Kind.ABSENT))),
        Node(over, Outside(blue, owner=Named.US)),
        Node(soon, Outside(blue._replace(retired=Dep.SUCCEEDED), owner=Named.US)),
        Node(over._replace(stage=Stage.SAME_BYTES), Outside(blue, owner=Named.US)),
        Node(over._replace(stage=Stage.OVERTAKEN), Outside(blue, owner=Named.US)),
    ]


def steps(node: Node, course: Course, trials: frozenset[Trial]) -> Iterator[After]:
    """Every next world by what was decided: one for a commit, more for a call."""
    if course.commit is not None:
        yield course.commit.beside(node.outside)
    if course.action is not None:
        yield from _called(node, course, trials)


def _called(node: Node, course: Course, trials: frozenset[Trial]) -> Iterator[After]:
    action, busy, refused = course.action, course.busy, course.refused
    assert action is not None
    assert busy is not None
    assert refused is not None
    if refuses(node.outside, action):
        yield busy.beside(node.outside)
        return
    done = effect(node.outside, action)
    for commit in course.done:
        yield commit.beside(done)
    if Trial.TROUBLE in trials:
        yield busy.beside(node.outside)
        yield refused.beside(node.outside)
        yield busy.beside(done)
    if Trial.CRASH in trials:
        dead = node._replace(scene=node.scene._replace(beside=node.scene.beside._replace(claim=Claim.DEAD)))
        yield dead
        yield dead._replace(outside=done)
        if action.verb is Verb.WRITE_TRAFFIC:
            yield dead._replace(outside=node.outside._replace(late=traffic_of(action)))


def reached(
    waiting: list[Node], trials: frozenset[Trial], courses: Courses, judge: Callable[[Node, Moment], None]
) -> Iterator[tuple[Node, list[After]]]:
    """Every world that is reached, once, and all that may come next. What is decided there is judged once for
    all worlds that are read alike.
    """
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        course = courses.known(node)
        if course is None:
            course = courses.take(node, partial(judge, node))
        after = [*steps(node, course, trials), *moves(node, trials)]
        yield node, after
        for following in after:
            if isinstance(following, Node) and following not in seen:
                seen.add(following)
                waiting.append(following)
