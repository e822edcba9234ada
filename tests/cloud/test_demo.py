"""The whole story, as `make demo` tells it, in the cloud that all tests of this folder share."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from local.appsettings import ROOT

if TYPE_CHECKING:
    from local.cloud import Cloud

SECONDS = 600  # a quiet machine takes a seventh
MODEL = "titanic-story"


def demo(cloud: Cloud, model: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local", "demo", "--home", str(cloud.config.home), "--model", model]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_every_step_of_the_story_comes_true(cloud: Cloud) -> None:
    told = demo(cloud, MODEL)

    assert told.returncode == 0, told.stdout + told.stderr
    assert "All 10 steps verified" in told.stdout
    assert told.stderr == ""


def test_a_step_that_is_not_true_says_what_was_expected_and_seen(cloud: Cloud) -> None:
    """The model has versions already when its story begins a second time."""
    told = demo(cloud, MODEL)

    assert told.returncode == 1
    assert "step 1 did not come true" in told.stdout
    assert f"versions of {MODEL} in dev: []" in told.stdout
    assert "['1', '2', '3', '4', '5']" in told.stdout
