"""What is reached from the start keeps every invariant; every world comes to rest soon, or to a person."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.core.enumeration.axes import End, Place
from tests.core.enumeration.build_promotion import ENDINGS
from tests.core.enumeration.invariants import broken
from tests.core.enumeration.platform import Trial
from tests.core.enumeration.reach import Closed, canaries, reached, starts
from tests.core.enumeration.rest import Comes, Distances, any_world
from tests.core.enumeration.truths import OF_WORLDS, ends_as_it_says

MOST_STEPS = 24
"""Commits, calls and waits from any world to rest, where calls succeed and people answer.

Farthest is a canary of three steps: each is planned, written, waited for, observed, found healthy, watched
and baked; before them a candidate that scales is waited for, after them comes the verdict, and it is closed.
"""

ALL = frozenset(Trial)
PLACES = pytest.mark.parametrize("place", Place, ids=lambda place: place.name.lower())


@PLACES
@pytest.mark.parametrize(
    "trials",
    [ALL - {Trial.RULE}, frozenset({Trial.RULE, Trial.CRASH, Trial.ABORT})],
    ids=["everything that may happen", "a rule is added"],
)
def test_whatever_is_reached_keeps_every_invariant_and_is_not_far_from_rest(
    place: Place, trials: frozenset[Trial], capsys: pytest.CaptureFixture[str]
) -> None:
    worlds, ends, distances = 0, Counter[str](), Distances()
    for node, moment, after in reached(starts(place), trials):
        worlds += 1
        assert not broken(moment), f"{broken(moment)}: {node}, {moment.decided}"
        assert all(holds(node) for holds in OF_WORLDS), node
        farthest, comes = distances.measure(node)
        assert comes is not Comes.NOWHERE, node
        assert farthest <= MOST_STEPS + 10, node
        for end in after:
            if isinstance(end, Closed):
                assert ends_as_it_says(end), f"{node}, {moment.decided}, {end}"
                ends[end.verdict] += 1
    assert {"Live", ENDINGS[End.FAILED].verdict} == set(ends)  # one stands for all that are not Live
    with capsys.disabled():
        print(f"\n{place.name}: {worlds:,} worlds reached", end="")


@pytest.mark.parametrize("place", [Place.FIRST, Place.LATER_RULED], ids=lambda place: place.name.lower())
@pytest.mark.parametrize("trial", [Trial.CRASH, Trial.TROUBLE, Trial.ABORT, Trial.HOLD])
def test_a_canary_keeps_every_invariant_and_goes_up_or_back(
    place: Place, trial: Trial, capsys: pytest.CaptureFixture[str]
) -> None:
    worlds, ends, distances = 0, Counter[str](), Distances()
    for node, moment, after in reached(canaries(place), frozenset({trial})):
        worlds += 1
        assert not broken(moment), f"{broken(moment)}: {node}, {moment.decided}"
        assert all(holds(node) for holds in OF_WORLDS), node
        farthest, comes = distances.measure(node)
        assert comes is not Comes.NOWHERE, node
        assert farthest <= MOST_STEPS + 20, node
        for end in after:
            if isinstance(end, Closed):
                assert ends_as_it_says(end), f"{node}, {moment.decided}, {end}"
                ends[end.verdict] += 1
    assert {"Live", ENDINGS[End.FAILED].verdict} == set(ends)
    with capsys.disabled():
        print(f"\n{place.name}, {trial.name}: {worlds:,} worlds of a canary reached", end="")


@PLACES
def test_from_any_world_it_is_not_far_to_rest_or_to_a_person(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    distances = Distances()
    measured = [distances.measure(node) for node in any_world(place)]
    farthest = max(steps for steps, _ in measured)

    assert all(end is not Comes.NOWHERE for _, end in measured)
    assert farthest <= MOST_STEPS
    with capsys.disabled():
        print(f"\n{place.name}: {len(measured):,} worlds come to rest within {farthest} steps", end="")
