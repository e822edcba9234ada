"""A stand-in for a subscription: az and azd that remember, and sh that runs the scripts of infra/hooks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / "infra" / "hooks"
STAND_IN = Path(__file__).with_name("az_stand_in.py")
PLACE = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-ml/providers"
DEV = f"{PLACE}/Microsoft.MachineLearningServices/workspaces/mlw-dev"
QA = f"{PLACE}/Microsoft.MachineLearningServices/workspaces/mlw-qa"
OUTPUTS = {
    "keyVault": "gl-vault",
    "sourceWorkspace": DEV,
    "functionApp": "greenlight-app",
    "functionAppId": f"{PLACE}/Microsoft.Web/sites/greenlight-app",
    "stateAccount": "glstate",
    "identityPrincipalId": "22222222-2222-4222-8222-222222222222",
}
TOPIC = f"{PLACE}/Microsoft.EventGrid/systemTopics/of-somebody"


@dataclass
class Cloud:
    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def begin(self, **more: Any) -> None:
        resources = {
            DEV.lower(): {"properties.storageAccount": f"{PLACE}/dev", "location": "northeurope"},
            QA.lower(): {"properties.storageAccount": f"{PLACE}/qa"},
        }
        state = {"calls": [], "secrets": {}, "resources": resources, "topics": {}, "assignments": []}
        state |= {"registrations": {}, "addresses": [], "service_principals": [], "credentials": []}
        state |= {"outputs": OUTPUTS, "group": True, "policy": "Unlocked"}
        state |= {"needs": ["link-keys", "journal-key"], "believed_after": 0}
        self.write({**state, "published_after": 0, **more})

    def write(self, state: dict[str, Any]) -> None:
        (self.folder / "state.json").write_text(json.dumps(state))

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "state.json").read_text())

    def called(self, *words: str) -> list[str]:
        return [c for c in self.state["calls"] if all(w in c for w in words)]

    def run(
        self, script: str, *, arguments: tuple[str, ...] = (), **more: str
    ) -> subprocess.CompletedProcess[str]:
        shell = shutil.which("sh")
        assert shell
        return subprocess.run(
            [shell, str(HOOKS / script), *arguments],
            env=self.env | more,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("az", "azd"):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{STAND_IN}" {name} "$@"\n')
        program.chmod(0o755)
    sleep = programs / "sleep"  # what is waited for happens by being asked, not by time
    sleep.write_text("#!/bin/sh\nexit 0\n")
    sleep.chmod(0o755)
    env = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GREENLIGHT_AZ_STATE": str(tmp_path / "state.json"),
        "AZURE_RESOURCE_GROUP": "rg-greenlight",
        "GREENLIGHT_DEV_WORKSPACE": DEV,
        "GREENLIGHT_QA_WORKSPACE": QA,
        **OUTPUTS,
    }
    made = Cloud(tmp_path, env)
    made.begin()
    return made
