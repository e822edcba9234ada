"""The story survives kill -9 of the functions host with nothing but the sweep to bring its work back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cloud.conftest import SETTINGS
from tests.cloud.killing import HOST, Kill
from tests.cloud.outcome import problems
from tests.cloud.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.cloud import Cloud
    from tests.cloud.inside import Inside
    from tests.cloud.ready_models import ReadyModels

LEASE = "LOCAL_FUNCTIONS_LEASE_SECONDS"
FOR_LONG = "600"  # what the real host hides a killed instance's messages for


@pytest.fixture
def forgetful(cloud: Cloud) -> Iterator[None]:
    """A host whose messages stay hidden after it dies: nothing but the sweep brings the work back."""
    before = SETTINGS[LEASE]
    cloud.restart(HOST, {LEASE: FOR_LONG})
    yield
    cloud.restart(HOST, {LEASE: before})


@pytest.mark.usefixtures("forgetful")
def test_the_sweep_alone_brings_back_what_a_killed_host_was_doing(
    cloud: Cloud, inside: Inside, ready_models: ReadyModels
) -> None:
    story = Story(inside, ready_models, "titanic-k16")

    kill = Kill(cloud, 16)
    story.play(kill)

    assert kill.done, f"the story was over before step {kill.step}"
    assert problems(story, kills=1) == [], f"killed {kill}"
