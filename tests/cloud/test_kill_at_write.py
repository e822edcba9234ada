"""The story survives kill -9 of the functions host with one of its writes in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cloud.moments import BLUE_GREEN, FIRST_DEPLOYMENT, KillAt
from tests.cloud.outcome import problems
from tests.cloud.story import Story

if TYPE_CHECKING:
    from local.cloud import Cloud
    from tests.cloud.inside import Inside
    from tests.cloud.ready_models import ReadyModels

WRITES = {write.name: write for write in (*FIRST_DEPLOYMENT, *BLUE_GREEN)}


@pytest.mark.parametrize(
    ("name", "side"),
    [("register v1", "before"), ("create deployment of v2", "after"), ("traffic to v2", "after")],
)
def test_the_story_survives_a_host_killed_at_a_write(
    cloud: Cloud, inside: Inside, ready_models: ReadyModels, name: str, side: str
) -> None:
    story = Story(inside, ready_models, f"titanic-w{list(WRITES).index(name)}")

    with KillAt(cloud, story.hold(WRITES[name], side)) as kill:
        story.play()

    assert kill.done, f"{name} was never seen"
    assert problems(story, kills=1) == []
