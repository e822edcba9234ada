"""docs/deploy.md, line by line: what it calls `[local]` is done here, or says where else it is done."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local import appsettings
from local.appsettings import ROOT
from local.config import APP_IDENTITY
from local.environment import own
from local.identity import DEPLOYER_CLIENT, issue_token
from tests.cloud.endings import OPERATOR
from tests.cloud.test_doctor import healthy
from tests.running import eventually

if TYPE_CHECKING:
    from tests.cloud.inside import Inside

WELL_SECONDS, LINE_SECONDS = 180.0, 180.0
ELSEWHERE = {
    "make setup": "whoever runs this did",
    ".venv/bin/python -m local up --package": "the cloud of all these tests is started so (conftest.py)",
    ".venv/bin/python -m pytest": "it is one of the tests",
    "python -m ml.submit": "step 2 of the demo (test_demo.py)",
    "greenlight verify --anchors": "test_anchors.py, where nothing was forged before and after",
}


def lines() -> list[str]:
    page = (ROOT / "docs" / "deploy.md").read_text()
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL))
    found = [line.removesuffix("# [local]").strip() for line in blocks.splitlines() if "[local]" in line]
    return sorted({line for line in found if not line.startswith(tuple(ELSEWHERE))}, key=found.index)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What is made by the way is made there."""
    for path in ROOT.iterdir():
        if path.suffix != ".zip":
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.fixture
def shell(inside: Inside) -> dict[str, str]:
    """What the page has had people set by then; sign-in is the local one, instead of `az login`."""
    config = inside.config
    told = {
        "baseUrl": config.front_url,
        "identityPrincipalId": APP_IDENTITY,
        "stateAccount": "glapp",
        "GREENLIGHT_AUTH_CLIENT_ID": "local",
        "GREENLIGHT_BASE_URL": config.front_url,
        "GREENLIGHT_TOKEN": issue_token(config, OPERATOR),
        "AZURE_CLIENT_ID": DEPLOYER_CLIENT,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    return own(os.environ) | config.client_env() | appsettings.settings(config) | told


@pytest.mark.parametrize("line", lines())
def test_a_line_does_what_the_page_says(
    line: str, inside: Inside, checkout: Path, shell: dict[str, str]
) -> None:
    eventually(lambda: healthy(inside.config), WELL_SECONDS, "the app is well")

    done = subprocess.run(
        ["sh", "-euc", line],
        cwd=checkout,
        env=shell,
        capture_output=True,
        text=True,
        timeout=LINE_SECONDS,
        check=False,
    )

    wrong = re.findall(r"^\u2717 (.*)", done.stdout, re.MULTILINE)
    of_others = line.startswith("greenlight doctor") and wrong and set(wrong) == {"endpoint names"}
    assert done.returncode == 0 or of_others, done.stdout + done.stderr


def test_what_is_done_elsewhere_is_on_the_page() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()

    assert [begin for begin in ELSEWHERE if begin not in page] == []
    assert len(lines()) > 8
