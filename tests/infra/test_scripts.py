"""The scripts of infra/hooks, run by sh with a stand-in for az: twice is once, what is there is used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / "infra" / "hooks"
PLACE = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-ml/providers"
DEV = f"{PLACE}/Microsoft.MachineLearningServices/workspaces/mlw-dev"
QA = f"{PLACE}/Microsoft.MachineLearningServices/workspaces/mlw-qa"
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
        self.write({**state, "published_after": 0, **more})

    def write(self, state: dict[str, Any]) -> None:
        (self.folder / "state.json").write_text(json.dumps(state))

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "state.json").read_text())

    def called(self, *words: str) -> list[str]:
        return [c for c in self.state["calls"] if all(w in c for w in words)]

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        shell = shutil.which("sh")
        assert shell
        return subprocess.run(
            [shell, str(HOOKS / script)],
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
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.infra.az_stand_in {name} "$@"\n')
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
        "keyVault": "gl-vault",
        "sourceWorkspace": DEV,
        "functionApp": "greenlight-app",
        "functionAppId": f"{PLACE}/Microsoft.Web/sites/greenlight-app",
        "stateAccount": "glstate",
        "identityPrincipalId": "22222222-2222-4222-8222-222222222222",
    }
    made = Cloud(tmp_path, env)
    made.begin()
    return made


@pytest.mark.parametrize("script", sorted(p.name for p in HOOKS.glob("*.sh")))
def test_a_script_says_what_it_misses(cloud: Cloud, script: str) -> None:
    bare = {k: v for k, v in cloud.env.items() if k in ("PATH", "PYTHONPATH", "GREENLIGHT_AZ_STATE")}
    cloud.env = bare

    done = cloud.run(script)

    assert done.returncode != 0
    assert "output of main.bicep" in done.stderr or "resource group" in done.stderr or "vault" in done.stderr
    assert cloud.state["calls"] == []


# ---- before


def test_storage_accounts_are_looked_up_and_remembered(cloud: Cloud) -> None:
    done = cloud.run("before.sh", AZURE_ENV_NAME="try")

    assert done.returncode == 0
    assert cloud.called("azd env set GREENLIGHT_DEV_STORAGE", f"{PLACE}/dev")
    assert cloud.called("azd env set GREENLIGHT_QA_STORAGE", f"{PLACE}/qa")
    assert cloud.called("az group create --name rg-greenlight")
    assert done.stdout.splitlines() == [
        f"export GREENLIGHT_DEV_STORAGE='{PLACE}/dev'",
        f"export GREENLIGHT_QA_STORAGE='{PLACE}/qa'",
    ]


def test_a_workspace_with_a_typo_is_named(cloud: Cloud) -> None:
    done = cloud.run("before.sh", GREENLIGHT_QA_WORKSPACE=f"{QA}x")

    assert done.returncode != 0
    assert f"{QA}x" in done.stderr


# ---- secrets


def test_keys_are_made_once(cloud: Cloud) -> None:
    assert cloud.run("secrets.sh").returncode == 0
    first = cloud.state["secrets"]
    assert cloud.run("secrets.sh").returncode == 0

    assert cloud.state["secrets"] == first
    assert set(first) == {"link-keys", "journal-key"}
    assert len(set(first.values())) == 2
    assert all(len(value) >= 64 and "," not in value for value in first.values())


def test_no_key_is_shown(cloud: Cloud) -> None:
    done = cloud.run("secrets.sh")

    told = done.stdout + done.stderr + " ".join(cloud.state["calls"])
    assert [value for value in cloud.state["secrets"].values() if value in told] == []


# ---- events


def test_a_topic_is_made_where_there_is_none(cloud: Cloud) -> None:
    done = cloud.run("events.sh")

    (call,) = cloud.called("az deployment group create", "infra/events.bicep")
    assert done.returncode == 0
    assert "systemTopic= " in call
    assert f"workspace={DEV}" in call
    assert "workspaceLocation=northeurope" in call


def test_the_topic_that_is_there_is_used_however_its_source_is_written(cloud: Cloud) -> None:
    resources = {**cloud.state["resources"], TOPIC.lower(): {"identity.type": "SystemAssigned, UserAssigned"}}
    cloud.begin(topics={DEV.upper(): {"id": TOPIC}}, resources=resources)

    assert cloud.run("events.sh").returncode == 0
    assert cloud.called(f"systemTopic={TOPIC}")


def test_a_topic_without_identity_is_not_changed_but_named(cloud: Cloud) -> None:
    resources = {**cloud.state["resources"], TOPIC.lower(): {"identity.type": ""}}
    cloud.begin(topics={DEV: {"id": TOPIC}}, resources=resources)

    done = cloud.run("events.sh")

    assert done.returncode != 0
    assert f"--ids {TOPIC} --identity systemassigned" in done.stderr
    assert not cloud.called("az deployment")


def test_the_function_is_waited_for(cloud: Cloud) -> None:
    cloud.begin(published_after=3)

    assert cloud.run("events.sh").returncode == 0
    assert len(cloud.called("az functionapp function show")) == 4


def test_a_function_that_never_comes_is_said(cloud: Cloud) -> None:
    cloud.begin(published_after=99)

    done = cloud.run("events.sh", GREENLIGHT_PATIENCE="3")

    assert done.returncode != 0
    assert "was the code published?" in done.stderr
    assert not cloud.called("az deployment")


# ---- teardown


def test_rights_go_before_the_identity_does(cloud: Cloud) -> None:
    cloud.begin(topics={DEV: {"id": TOPIC}}, assignments=["/a/1", "/a/2"])

    assert cloud.run("teardown.sh").returncode == 0

    calls = cloud.state["calls"]
    assert cloud.state["assignments"] == []
    assert cloud.called(f"az resource delete --ids {TOPIC}/eventSubscriptions/greenlight")
    assert calls[-1].startswith("az group delete --name rg-greenlight")


# ---- smoke


class _Health(BaseHTTPRequestHandler):
    answers: tuple[int, ...] = (200,)
    asked = 0

    def do_GET(self) -> None:
        status = self.answers[min(type(self).asked, len(self.answers) - 1)]
        type(self).asked += 1
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_message(self, *_: Any) -> None:
        """Not into the test's output."""


@pytest.fixture
def health(cloud: Cloud) -> Iterator[type[_Health]]:
    class Health(_Health):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cloud.env["baseUrl"] = f"http://127.0.0.1:{server.server_port}"
    cloud.env["NO_PROXY"] = "127.0.0.1"
    yield Health
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_smoke_waits_for_a_cold_start(cloud: Cloud, health: type[_Health]) -> None:
    health.answers = (503, 503, 200)

    done = cloud.run("smoke.sh")

    assert done.returncode == 0, done.stderr
    assert "is up" in done.stdout
    assert health.asked == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_smoke_fails_where_the_app_stays_unwell(cloud: Cloud, health: type[_Health]) -> None:
    health.answers = (500,)

    done = cloud.run("smoke.sh", GREENLIGHT_PATIENCE="3")

    assert done.returncode != 0
    assert health.asked == 3
