"""What is reached from the start keeps every invariant; every world comes to rest soon, or to a person."""

from __future__ import annotations

import pytest

from tests.core.enumeration.axes import End, Place, Roll
from tests.core.enumeration.build_promotion import ENDINGS
from tests.core.enumeration.courses import Closed, Courses
from tests.core.enumeration.invariants import broken
from tests.core.enumeration.moment import Moment
from tests.core.enumeration.platform import Node, Trial
from tests.core.enumeration.reach import canaries, reached, starts
from tests.core.enumeration.rest import Comes, Distances, any_world
from tests.core.enumeration.truths import OF_WORLDS, ends_as_it_says

MOST_STEPS, CANARY_STEPS = 23, 31
"""Commits, calls and waits from any world to rest, where calls succeed and people answer.

Farthest is a canary of three steps whose approval has lapsed: people are asked, told and waited for anew;
then each step is planned, written, waited for, observed, found healthy, watched and baked; it is closed last.
"""

ALL = frozenset(Trial)
PLACES = pytest.mark.parametrize("place", Place, ids=lambda place: place.name.lower())


def keeps_every_invariant(node: Node, moment: Moment) -> None:
    assert not broken(moment), f"{broken(moment)}: {node}, {moment.decided}"


def are_not_far_from_rest(worlds: list[Node], courses: Courses, most: int) -> None:
    distances = Distances(courses)
    for node in worlds:
        farthest, comes = distances.measure(node)
        assert comes is not Comes.NOWHERE, node
        assert farthest <= most, node


@PLACES
@pytest.mark.parametrize(
    "trials",
    [ALL - {Trial.RULE}, frozenset({Trial.RULE, Trial.CRASH, Trial.ABORT})],
    ids=["everything that may happen", "a rule is added"],
)
def test_whatever_is_reached_keeps_every_invariant_and_is_not_far_from_rest(
    place: Place, trials: frozenset[Trial], capsys: pytest.CaptureFixture[str]
) -> None:
    courses, worlds = Courses(), list[Node]()
    ends = set[str]()
    for node, after in reached(starts(place), trials, courses, keeps_every_invariant):
        worlds.append(node)
        assert all(holds(node) for holds in OF_WORLDS), node
        for end in after:
            if isinstance(end, Closed):
                assert ends_as_it_says(end), f"{node}, {end}"
                ends.add(end.verdict)
    are_not_far_from_rest(worlds, courses, MOST_STEPS + 10)
    assert {"Live", ENDINGS[End.FAILED].verdict} == ends  # one stands for all that are not Live
    with capsys.disabled():
        print(f"\n{place.name}: {len(worlds):,} worlds reached", end="")


@pytest.mark.parametrize("place", [Place.FIRST, Place.LATER_RULED], ids=lambda place: place.name.lower())
@pytest.mark.parametrize("trial", [Trial.CRASH, Trial.TROUBLE, Trial.ABORT, Trial.HOLD])
def test_a_canary_keeps_every_invariant_and_goes_up_or_back(
    place: Place, trial: Trial, capsys: pytest.CaptureFixture[str]
) -> None:
    courses, worlds = Courses(), list[Node]()
    ends = set[str]()
    for node, after in reached(canaries(place), frozenset({trial}), courses, keeps_every_invariant):
        worlds.append(node)
        assert all(holds(node) for holds in OF_WORLDS), node
        for end in after:
            if isinstance(end, Closed):
                assert ends_as_it_says(end), f"{node}, {end}"
                ends.add(end.verdict)
    are_not_far_from_rest(worlds, courses, CANARY_STEPS + 10)
    assert {"Live", ENDINGS[End.FAILED].verdict} == ends
    with capsys.disabled():
        print(f"\n{place.name}, {trial.name}: {len(worlds):,} worlds of a canary reached", end="")


@PLACES
def test_from_any_world_it_is_not_far_to_rest_or_to_a_person(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    worlds, distances, farthest = 0, Distances(), 0
    for node in any_world(place):
        worlds += 1
        steps, end = distances.measure(node)
        assert end is not Comes.NOWHERE, node
        assert steps <= (MOST_STEPS if node.scene.roll is Roll.ONE else CANARY_STEPS), node
        farthest = max(farthest, steps)
    with capsys.disabled():
        print(f"\n{place.name}: {worlds:,} worlds come to rest within {farthest} steps", end="")
