"""A whole local cloud for the tests of this folder that one worker runs: a home and ports of its own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra import package
from local.appsettings import ROOT
from local.cloud import Cloud
from local.config import LocalConfig
from tests.cloud.inside import inside as look_inside
from tests.cloud.ready_models import ReadyModels
from tests.running import free_port_base

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tests.cloud.inside import Inside

HERE = Path(__file__).parent
LOG_LINES = 40
LONG = ("test_canary", "test_demo", "test_kill", "test_kill_at_write")
"""Modules that tell whole stories: as long as all others together, and mostly waiting."""
# Short, so that a test of a killed worker does not wait long; never scaled by the pace.
SETTINGS = {
    "GREENLIGHT_LEASE_SECONDS": "3",
    "GREENLIGHT_CALL_DEADLINE_SECONDS": "2",
    "GREENLIGHT_SKEW_SECONDS": "2",
    "GREENLIGHT_SWEEP_SCHEDULE": "*/2 * * * * *",
    "LOCAL_FUNCTIONS_LEASE_SECONDS": "3",  # the real host's ten minutes are the subject of one test
}
_running: list[Cloud] = []


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two workers of pytest-xdist run them, each with one cloud for all of its tests."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.cloud)
            item.add_marker(pytest.mark.xdist_group("stories" if item.path.stem in LONG else "cloud"))


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    home = Path(tempfile.mkdtemp(prefix="gl-"))  # short: it holds a unix socket
    sent = home / "greenlight.zip"  # what Azure would get: no test here runs the checkout's code in the host
    package.build(ROOT, sent)
    config = LocalConfig(home=home, port_base=free_port_base(), pace=60.0, enforce_roles=True, package=sent)
    try:
        with Cloud(config, settings=SETTINGS) as running:
            _running.append(running)
            yield running
    finally:
        _running.clear()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def inside(cloud: Cloud) -> Iterator[Inside]:
    with look_inside(cloud.config) as product:
        yield product


@pytest.fixture(scope="session")
def ready_models(cloud: Cloud) -> ReadyModels:
    with look_inside(cloud.config) as product:
        return ReadyModels(product)


@pytest.fixture(autouse=True)
def _cloud_is_well(request: pytest.FixtureRequest) -> None:
    """Say which service died, instead of letting test after test run into it."""
    if "cloud" in request.fixturenames:
        running: Cloud = request.getfixturevalue("cloud")
        if running.failure:
            pytest.fail(str(running.failure), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the services said last: their folder is gone when one wants to look."""
    report = yield
    if report.failed:
        for cloud in _running:
            for name in cloud.services:
                said = "\n".join(cloud.log(name).splitlines()[-LOG_LINES:])
                report.sections.append((f"{name} log", said))
    return report
