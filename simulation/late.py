"""Late calls: a write whose worker died, or stopped waiting, takes effect when nobody counts on it any more.

Nothing can fence a call that was sent. So every write of a story is delivered late, at several moments, and
the guards and the end of the run say whether anybody was harmed by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from orchestrator.commands import Command
from simulation.belated import OF_TRAFFIC, ORDERS, Belated, Point, When
from simulation.kills import NEXT, beginning
from simulation.outcome import asks, journal_problems, left_wrong
from simulation.place import ENVIRONMENTS, OLGA, Pipeline, Place
from simulation.stories import DEV, LONG, QA, STORIES, NothingToAnswer, Scene, Story

NEWER = "8"
"""The version that goes live after the story."""
REPAIRED = timedelta(minutes=10)
"""What the product can put right by itself is put right by then."""


def _first(scene: Scene) -> None:
    scene.live("1")


def _second(scene: Scene) -> None:
    scene.live("2")


def _restored(scene: Scene) -> None:
    """Somebody gives traffic back to the deployment that is kept warm, and an operator restores."""
    endpoint = scene.place.workspaces[QA.env].online.get("titanic-qa")
    serving = next(iter(endpoint.traffic))
    old = next(name for name in endpoint.deployments if name != serving)
    scene.place.workspaces[QA.env].write_traffic("titanic-qa", {old: 100}, endpoint.tags)
    scene.host.run_for(timedelta(minutes=10))
    scene.host.processes[0].app.operating.slot(Command.RESTORE, QA, by=OLGA, reason="")
    scene.host.run_for(timedelta(minutes=10))


def _twice(scene: Scene) -> None:
    _first(scene)
    _second(scene)


def _taken_back(scene: Scene) -> None:
    """It is held afterwards, and the bad version stands beside what serves again."""
    scene.orders(Command.ROLLBACK, "wrong scores")


def _put_up_again(scene: Scene) -> None:
    """The next version makes a new endpoint, of the same name."""
    scene.orders(Command.RETIRE, "no longer needed")
    scene.orders(Command.RESUME, "needed after all")


WARM = Pipeline(warm="12h")
TOLD = (
    *STORIES,
    Story("blue/green, kept warm", _second, _first, WARM),
    Story("restored by an operator", _restored, _twice, WARM),
    Story("rolled back, kept warm", _taken_back, _twice, WARM),
    Story("retired, and put up again", _put_up_again, _first),
)
"""In a long warm period the old deployment still stands when the newer one is live."""


@dataclass
class Delivered:
    """What became of all late calls of one story."""

    story: str
    runs: int = 0
    taken: int = 0
    """Late calls that the platform took on; it refused the others."""
    asked: int = 0
    """Runs that ended with a person asked."""
    problems: list[str] = field(default_factory=list)
    strays: list[float] = field(default_factory=list)


def sweep(
    story: Story,
    *,
    whens: tuple[When, ...] = tuple(When),
    deaths: tuple[bool, ...] = (False, True),
    phases: tuple[float, ...] = (0.0,),
) -> Delivered:
    """Every write of a story to a workspace, delivered at each of these moments and `phases` later."""
    start = beginning(story)
    delivered = Delivered(story.name)
    points = _points(told(story, start), whens, deaths)
    for point in (replace(p, phase=phase) for p in points for phase in phases):
        found = told(story, start, point)
        delivered.runs += 1
        delivered.taken += found.accepted
        delivered.strays += found.strays
        delivered.asked += any(asks(found.place, key) for key in (DEV, QA))
        delivered.problems += [f"{story.name}, {point}: {p}" for p in problems(found)]
    return delivered


def _points(base: Belated, whens: tuple[When, ...], deaths: tuple[bool, ...]) -> Iterator[Point]:
    for k, call in enumerate(base.calls, 1):
        if call.port in ENVIRONMENTS and call.writes:
            fitting = [w for w in whens if w not in OF_TRAFFIC or call.operation == "write_traffic"]
            yield from (Point(k, call, when, died) for when in fitting for died in deaths)


def told(story: Story, start: Place, point: Point | None = None) -> Belated:
    """The story, then what comes after it: a newer version if so said, the late call, and one more look."""
    host = Belated(start.copy(), point)
    scene = Scene(host)
    _tell(host, lambda: story.told(scene))
    host.run(LONG)
    if point is None:
        host.close()
        return host
    if point.when is When.NEWER:
        _tell(host, lambda: scene.live(NEWER))
        host.run(LONG)
    if point.when in ORDERS:
        scene.orders(ORDERS[point.when], "wrong scores", point.key)
    host.run_for(timedelta(seconds=point.phase))
    host.land()
    host.run_for(REPAIRED)
    _tell(host, lambda: scene.arrives(NEXT))
    host.run(LONG)
    host.close()
    return host


def _tell(host: Belated, part: Callable[[], None]) -> None:
    try:
        part()
    except NothingToAnswer as error:
        if host.point is None or host.point.when is not When.ROLLED_BACK:  # then there is nothing to ask
            host.problems.append(str(error))


def problems(found: Belated) -> Iterator[str]:
    """What a late call may not have left behind."""
    yield from found.problems
    yield from found.guards.problems
    for key in (DEV, QA):
        yield from journal_problems(found.place, key)
        yield from left_wrong(found.place, key)
