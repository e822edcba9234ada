"""Asks `greenlight doctor` as a process with the app's settings, and reads what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from local import appsettings
from local.appsettings import ROOT
from local.config import APP_IDENTITY
from local.environment import own

if TYPE_CHECKING:
    from tests.cloud.inside import Inside

RUN_SECONDS = 240
AS_DEPLOYER = ("--json", "--principal", APP_IDENTITY)


def codes(told: Any) -> list[str]:
    return sorted({f["code"] for f in told["findings"]})


def not_well(told: Any) -> dict[str, str]:
    """Checks by name and place, with their result."""
    return {
        f"{c['check']} {c['where']}".strip(): c["result"] for c in told["checks"] if c["result"] != "well"
    }


def command(inside: Inside, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    config = inside.config
    return subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", "doctor", *arguments],
        cwd=ROOT,
        env=own(os.environ) | config.client_env() | appsettings.settings(config) | more,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
