"""One decision stands for all worlds that are read alike: each is decided as that one is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice

import pytest

from orchestrator.seen import EndpointSeen
from orchestrator.world import Decided, World
from tests.core.enumeration.axes import Place, Scene
from tests.core.enumeration.axes_outside import Dep, Kind, Online, Traffic
from tests.core.enumeration.figures import CANDIDATE, STABLE
from tests.core.enumeration.invariants import broken
from tests.core.enumeration.moment import ENDPOINT
from tests.core.enumeration.outside import endpoints, seen
from tests.core.enumeration.reading import Alike, Reading, part_of, readable
from tests.core.enumeration.scenes import scenes
from tests.core.enumeration.walk import Walk

EVERY = 211
"""Scenes apart: enough to meet each stage, and whatever lies beside it, in each place."""


@pytest.mark.parametrize("place", Place, ids=lambda place: place.name.lower())
def test_whoever_is_read_alike_is_decided_alike(place: Place) -> None:
    others = 0
    for scene in islice(scenes(place), 0, None, EVERY):
        alike = Alike[list[Decided]]()
        for endpoint in endpoints(scene):
            if endpoint is None:
                continue
            value = partial(part_of, endpoint)
            known, decided = alike.find(value), _decided(scene, endpoint)
            others += known is not None
            if known is None:
                reading = Reading(value)
                known = _decided(scene, readable(endpoint, reading.note))
                alike.keep(reading, known)
            assert known == decided, f"{scene}, {endpoint}"
    assert others > 1000


def test_each_walk_counts_the_same_worlds() -> None:
    once, each = Walk(), Walk(each=True)
    for scene in islice(scenes(Place.LATER_RULED), 0, None, EVERY):
        for walk in (once, each):
            assert not [broken(moment) for moment in walk.moments(scene) if broken(moment)]

    assert once.decided < once.worlds == each.worlds == each.decided


READS: dict[str, tuple[Callable[[EndpointSeen], object], list[tuple[object, ...]]]] = {
    "state": (lambda e: e.at_rest, [("state",)]),
    "split": (lambda e: e.split, [("traffic",), ("mirror",)]),
    "a tag": (lambda e: e.tags.get("prod"), [("tags", "prod")]),
    "all tags": (lambda e: {**e.tags}, [("tags",)]),
    "one deployment": (
        lambda e: e.deployments[STABLE].at_rest,
        [("deployments", STABLE), ("deployments", STABLE, "state")],
    ),
    "is it there": (lambda e: CANDIDATE in e.deployments, [("deployments", CANDIDATE)]),
    "all that are there": (lambda e: list(e.deployments), [("deployments",)]),
}


@pytest.mark.parametrize("what", READS)
def test_nothing_of_an_endpoint_is_reached_without_a_note(what: str) -> None:
    read, parts = READS[what]
    endpoint = seen(Online(Kind.SUCCEEDED, Dep.SUCCEEDED, Dep.SUCCEEDED, traffic=Traffic.STABLE))
    assert endpoint is not None
    reading = Reading(partial(part_of, endpoint))

    found = read(readable(endpoint, reading.note))

    assert found == read(endpoint)
    assert [part for part in reading.trail if part in parts] == parts
    assert {part[0] for part in reading.trail} == {part[0] for part in parts}


def _decided(scene: Scene, endpoint: EndpointSeen) -> list[Decided]:
    """All that can be decided about this endpoint, with every value of every other fact."""
    walk = Walk(each=True)
    found = walk.moments(scene, World({ENDPOINT: endpoint}))
    return [moment.decided for moment in found]
