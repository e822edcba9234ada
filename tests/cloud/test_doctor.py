"""`greenlight doctor` as a command over the local cloud: all is well, or one thing is not.

Whoever deploys asks, about the app's identity: roles are enforced here, and its own show it no Event Grid.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from local import appsettings
from local.config import APP_IDENTITY
from local.identity import DEPLOYER_CLIENT
from orchestrator.cli import USAGE
from orchestrator.cli import main as greenlight
from orchestrator.doctor.checking import NAMES
from orchestrator.doctor.scene import NO_BLOB
from orchestrator.doctor.telling import NOT_KNOWN, WELL, WRONG
from tests.cloud.doctoring import AS_DEPLOYER, command, not_well
from tests.running import eventually

if TYPE_CHECKING:
    from local.config import LocalConfig
    from tests.cloud.inside import Inside

WELL_SECONDS = 180.0


def healthy(config: LocalConfig) -> bool:
    """Other tests break things in this cloud, and the app tells of them for some seconds."""
    return (
        httpx.get(f"{config.front_url}/healthz", trust_env=False, timeout=WELL_SECONDS).json().get("status")
        == "ok"
    )


def test_the_real_command_finds_nothing_wrong_and_leaves_nothing_behind(inside: Inside) -> None:
    eventually(lambda: healthy(inside.config), WELL_SECONDS, "the app is well")
    done = command(inside, *AS_DEPLOYER, AZURE_CLIENT_ID=DEPLOYER_CLIENT)

    told = json.loads(done.stdout)
    of_others = [f for f in told["findings"] if f["check"] == "endpoint names"]  # slots that tests changed
    assert [f for f in told["findings"] if f not in of_others] == []
    assert (done.returncode, told["well"]) == ((WRONG, False) if of_others else (WELL, True))
    assert (told["schema"], done.stderr) == (1, "")
    assert {c["check"] for c in told["checks"]} == set(NAMES) - {"registry"}
    frozen = inside.ports.storage.container("glqa", "greenlight-frozen")
    assert inside.ports.evidence.list(NO_BLOB) == frozen.list(NO_BLOB) == ()
    assert inside.ports.store.table("slots").get(NO_BLOB, NO_BLOB) is None


def test_what_the_apps_own_roles_do_not_show_is_not_known(inside: Inside) -> None:
    done = command(inside, "--json", "--only", "rights", "--only", "events", "--only", "tables")

    told = json.loads(done.stdout)
    assert (done.returncode, told["well"]) == (NOT_KNOWN, False)
    assert not_well(told) == {"events dev": "not_known"}
    assert "systemTopics/read" in told["findings"][0]["wrong"]


def test_a_broken_one_for_people(inside: Inside) -> None:
    wrong = appsettings.settings(inside.config)["GREENLIGHT_QA_WORKSPACE"].replace("mlw-qa", "mlw-aq")
    more = {"AZURE_CLIENT_ID": DEPLOYER_CLIENT, "GREENLIGHT_QA_WORKSPACE": wrong}
    done = command(inside, "--principal", APP_IDENTITY, **more)

    assert done.returncode == WRONG
    assert "✗ workspace (qa)" in done.stdout
    assert "    workspace_missing: the workspace mlw-aq does not exist" in done.stdout
    assert f"GREENLIGHT_QA_WORKSPACE={wrong.replace('mlw-aq', 'mlw-qa')}'" in done.stdout
    assert "? quota (qa)\n    not known: the workspace of qa cannot be read" in done.stdout


@pytest.mark.parametrize(
    "wrong", [("--principal", "me"), ("--seconds", "0"), ("--seconds", "x"), ("--only", "luck"), ("--what",)]
)
def test_wrong_usage(wrong: tuple[str, ...]) -> None:
    assert greenlight(["doctor", *wrong], {}) == USAGE
