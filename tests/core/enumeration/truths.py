"""What is so in every world that is reached without anybody else's hand: S1 to S5 on worlds."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.model import Verdict
from tests.core.enumeration.axes import Mover, Roll, Stage
from tests.core.enumeration.axes_outside import Dep, Traffic
from tests.core.enumeration.courses import Closed
from tests.core.enumeration.figures import STEPS
from tests.core.enumeration.outside import OF_STEPS
from tests.core.enumeration.platform import Node, stand
from tests.core.enumeration.scenes import rolls, whole


def the_rows_are_walked(node: Node) -> bool:
    """The walk left out no rows that can be: what is reached is among what is walked."""
    scene = node.scene
    rows = (scene.place, scene.stage, scene.votes, scene.end, scene.mover, scene.serves)
    return scene.stage is Stage.ABSENT or (whole(*rows) if scene.roll is Roll.ONE else rolls(scene))


def somebody_serves(node: Node) -> bool:
    """S2, S3: once the slot is live, all traffic goes to one deployment that stands."""
    online = node.outside.online
    if online.traffic is Traffic.NONE:
        return not node.scene.serves
    ours = (Traffic.STABLE, Traffic.CANDIDATE, *OF_STEPS)
    return online.traffic in ours and stand(online, online.traffic)


def traffic_was_planned(node: Node) -> bool:
    """S1, S4, S5: a candidate has traffic only by a write that was journaled, by whoever moves the slot; and
    never more than the step at which its promotion is.
    """
    given = node.outside.online.traffic
    if given not in (Traffic.CANDIDATE, *OF_STEPS):
        return True
    steps = {Traffic.CANDIDATE: (Roll.ONE, Roll.WHOLE), Traffic.TENTH: (Roll.TENTH, Roll.WHOLE)}
    allowed = node.scene.roll in steps.get(given, STEPS)
    return allowed and node.scene.stage >= Stage.PLANNED and node.scene.mover is Mover.THIS


def stable_stands_by(node: Node) -> bool:
    """S3: what served before stands, with its instances, until the candidate is live."""
    return not node.scene.serves or node.outside.online.stable is Dep.SUCCEEDED


OF_WORLDS: tuple[Callable[[Node], bool], ...] = (
    the_rows_are_walked,
    somebody_serves,
    traffic_was_planned,
    stable_stands_by,
)


def ends_as_it_says(end: Closed) -> bool:
    """Live: the candidate serves. Anything else: what served before does, and the candidate is gone."""
    online = end.outside.online
    if end.verdict is Verdict.LIVE and online.traffic in OF_STEPS:
        return online.tag_right  # a dead worker's call came late: by its tags it is ours to put right
    if end.verdict is Verdict.LIVE:
        return (online.candidate, online.traffic) == (Dep.SUCCEEDED, Traffic.CANDIDATE)
    before = Traffic.STABLE if end.served else Traffic.NONE
    return (online.candidate, online.traffic) == (Dep.ABSENT, before)
