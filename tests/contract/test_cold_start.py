"""The first call of a process: it must not lose its time to loading the SDK."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from local.config import LocalConfig

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("contract")]
CLOUD_NAME = "AZUREML_CURRENT_CLOUD"  # clients of other tests leave it in this process, for good
SECONDS = 3.0  # for a call; a cold disk takes as much for loading

PROGRAM = """
import sys, time

class ColdDisk:
    def find_spec(self, name, path=None, target=None):
        if name == "azure.ai.ml":
            time.sleep(float(sys.argv[3]))

sys.meta_path.insert(0, ColdDisk())
from shared.arm_id import WorkspaceId
from shared.azure import AzureCloud, credential
from shared.workspace import Workspace
cloud = AzureCloud(arm=sys.argv[1], storage_suffix="core.greenlight.test")
workspace = Workspace(WorkspaceId.parse(sys.argv[2]), cloud, credential(cloud), timeout=float(sys.argv[3]))
print(workspace.endpoint("not-there"))
"""


def test_loading_the_sdk_takes_none_of_a_calls_time(config: LocalConfig) -> None:
    at = next(w.id for w in config.workspaces if w.env == "qa")

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, config.arm_url, at, str(SECONDS)],
        env={k: v for k, v in os.environ.items() if k != CLOUD_NAME},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.strip(), done.returncode) == ("None", 0), done.stderr
