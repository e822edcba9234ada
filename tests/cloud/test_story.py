"""The promotion story, undisturbed: what the tests of killed hosts compare themselves with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cloud.outcome import problems
from tests.cloud.story import Story

if TYPE_CHECKING:
    from tests.cloud.inside import Inside
    from tests.cloud.ready_models import ReadyModels


def test_two_versions_go_live_in_both_environments(inside: Inside, ready_models: ReadyModels) -> None:
    story = Story(inside, ready_models, "titanic-story")

    story.play()

    print({k: round(v, 1) for k, v in story.took.items()})
    assert problems(story) == []
