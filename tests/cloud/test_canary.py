"""Two canaries, as `make demo STORY=canary` tells it: copies and steps in qa, all at once in dev."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from local.appsettings import ROOT

if TYPE_CHECKING:
    from local.cloud import Cloud

SECONDS = 600  # a quiet machine takes a seventh


def test_one_canary_is_promoted_and_one_goes_back_by_itself(cloud: Cloud) -> None:
    command = [
        *(sys.executable, "-m", "local", "demo", "--story", "canary"),
        "--home",
        str(cloud.config.home),
    ]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)

    assert told.returncode == 0, told.stdout + told.stderr
    assert "All 4 steps verified" in told.stdout
    assert told.stderr == ""
