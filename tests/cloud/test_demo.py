"""The whole story, as `make demo` tells it, in the cloud that all tests of this folder share."""

from __future__ import annotations

import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx

from local.appsettings import ROOT
from local.azureml import allowed
from local.config import APP_IDENTITY
from shared import rights

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


def test_the_app_did_all_this_with_its_custom_roles_which_hold_nothing_needless(cloud: Cloud) -> None:
    """The cloud enforces roles (conftest.py); what it saw is what was needed."""
    url = f"https://127.0.0.1:{cloud.config.port('arm')}/-/calls"
    calls = httpx.get(url, verify=ssl.create_default_context(cafile=cloud.config.ca_bundle)).json()
    ours = [c for c in calls if c["oid"] == APP_IDENTITY]
    dev, qa = (w.id.lower() for w in cloud.config.workspaces)

    def seen(place: str) -> set[str]:
        return {allowed.action_of(c["method"], c["path"]).lower() for c in ours if place in c["path"].lower()}

    assert [c for c in ours if c["status"] == 403] == []
    assert {a.lower() for a in (*rights.ACTIONS, *rights.LISTING)} - seen(dev) == set()
    assert {a.lower() for a in (*rights.ACTIONS, *rights.REGISTERING)} - seen(qa) == set()
    assert seen(dev) <= {a.lower() for a in rights.SOURCE}
    assert seen(qa) <= {a.lower() for a in rights.TARGET}


def test_a_step_that_is_not_true_says_what_was_expected_and_seen(cloud: Cloud) -> None:
    """The model has versions already when its story begins a second time."""
    told = demo(cloud, MODEL)

    assert told.returncode == 1
    assert "step 1 did not come true" in told.stdout
    assert f"versions of {MODEL} in dev: []" in told.stdout
    assert "['1', '2', '3', '4', '5']" in told.stdout
