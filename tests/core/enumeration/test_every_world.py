"""In every world exactly one thing is decided, and no invariant is broken by it."""

from __future__ import annotations

import pytest

from orchestrator.world import Act, Change, Rest, Wait
from tests.core.enumeration.axes import Place
from tests.core.enumeration.invariants import broken
from tests.core.enumeration.moment import Moment
from tests.core.enumeration.scenes import scenes
from tests.core.enumeration.walk import Walk


@pytest.mark.parametrize("place", Place, ids=lambda place: place.name.lower())
def test_no_decision_breaks_an_invariant_in_any_world(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, walk = 0, Walk()
    for scene in scenes(place):
        rows += 1
        for moment in walk.moments(scene):
            assert isinstance(moment.decided, (Change, Act, Wait, Rest))
            assert not broken(moment), told(moment)
    with capsys.disabled():
        said = f"{walk.worlds:,} decisions, {walk.decided:,} of which differ in what was read"
        print(f"\n{place.name}: {rows:,} combinations of rows, {said}", end="")


def told(moment: Moment) -> str:
    """A world in words: what to put into a test of its own."""
    said = ", ".join(f"{k}={getattr(v, 'name', v)}" for k, v in moment.scene._asdict().items())
    return f"{broken(moment)}\n  rows: {said}\n  seen: {moment.facts}\n  decided: {moment.decided}"
