"""An approval from the Teams channel to the recorded vote, clicked through in a real browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local import browser as chromium
from local.appsettings import ROOT
from local.browser import Browser
from local.demo.people import author_env
from local.demo.world import World
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.cloud import Cloud

pytestmark = pytest.mark.skipif(chromium.installed() is None, reason="needs Chromium, which is not installed")
MODEL = "titanic-clicked"
SECONDS = 120.0
ONE_TAB = "window.open = (url) => { location.href = url; }"  # a card's button opens another tab otherwise


@pytest.fixture
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as made:
        made.screen(390, 844)
        yield made


@pytest.fixture
def world(cloud: Cloud) -> Iterator[World]:
    with closing(World(cloud.config, MODEL)) as made:
        yield made


def registered(cloud: Cloud) -> str:
    """A new version, from a process of its own as a person would; its number."""
    config = cloud.config
    uri = f"{config.arm_url}/mlflow/v1.0{config.workspaces[0].id}"
    command = [
        sys.executable,
        "-m",
        "ml.quick",
        "--variant",
        "modest",
        "--name",
        MODEL,
        "--tracking-uri",
        uri,
    ]
    env = {**os.environ, **author_env(config)}
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["version"]


def test_from_the_card_to_the_vote_by_clicking(cloud: Cloud, world: World, browser: Browser) -> None:
    version = registered(cloud)
    posted = eventually(lambda: world.message(version, "qa"), SECONDS, "a card in the Teams channel")
    assert posted
    card = f"#message-{posted['id']}"
    complaints: list[str] = []

    browser.open(f"http://localhost:{cloud.config.port('teams')}/")
    browser.wait_until(f"document.querySelector('{card} button') !== null")
    browser.run(ONE_TAB)
    complaints += browser.complaints()
    browser.click(f"{card} button")

    assert browser.run("document.querySelector('h1').textContent") == "Pick an account"
    browser.click("button[value=ana]")

    assert MODEL in browser.run("document.querySelector('h1').textContent")
    tokens = [
        browser.run("location.pathname.split('/').pop()"),
        browser.run("document.querySelector('[name=form]').value"),
    ]
    browser.run("document.querySelector('textarea').focus()")
    browser.type("read in a real browser")
    complaints += browser.complaints()
    browser.click("button.approve")

    assert "Your answer is recorded" in browser.run("document.querySelector('h1').textContent")
    assert complaints + browser.complaints() == []
    promotion = world.promotion("qa", version)
    assert promotion
    (vote,) = promotion["requests"][0]["votes"]
    assert (vote["decision"], vote["comment"]) == ("approve", "read in a real browser")
    assert (vote["name"], vote["channel"]) == ("Ana Approver", "page")
    holding = [
        path.name for path in written(cloud) for token in tokens if token.encode() in path.read_bytes()
    ]
    assert holding == [], "a token is in the card and in the browser, and nowhere else"


def written(cloud: Cloud) -> list[Path]:
    """Everything that the local cloud wrote, but the channel's own messages: logs, tables, queues, blobs."""
    home = cloud.config.home
    found = [p for p in home.rglob("*") if p.is_file() and p != home / "teams.jsonl"]
    assert any(p.parent.name == "logs" for p in found)
    assert any("azurite" in p.parts for p in found)
    return found
