"""The story survives kill -9 of the functions host with one of its writes in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cloud.moments import STORIES, KillAt
from tests.cloud.outcome import problems

if TYPE_CHECKING:
    from local.cloud import Cloud
    from tests.cloud.inside import Inside
    from tests.cloud.ready_models import ReadyModels

POINTS = [
    ("first deployment", "register v1", "before"),
    ("rollback", "traffic back to v1", "after"),
    ("supersede", "traffic to v3", "after"),
]


@pytest.mark.parametrize(("of", "name", "side"), POINTS)
def test_the_story_survives_a_host_killed_at_a_write(
    cloud: Cloud, inside: Inside, ready_models: ReadyModels, of: str, name: str, side: str
) -> None:
    told = next(t for t in STORIES if t.name == of)
    write = next(w for w in told.writes if w.name == name)
    story = told.story(inside, ready_models, f"{told.models}{POINTS.index((of, name, side))}")

    kill = KillAt(cloud, story.hold(write, side))
    story.play(kill)

    assert kill.done, f"{name} was never seen"
    assert problems(story, kills=1) == []
