"""Fixtures: Azurite once for all, hosts by the module or by the test."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local import faults, npm, storage, tls
from local.config import LocalConfig
from local.proxy import Proxy
from tests.local.host.grid_process import Endpoint, GridProcess
from tests.local.host.host_process import HostProcess, Storage, is_open, wait_for
from tests.running import free_port_base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACE = 300.0
HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They share processes, so one worker of pytest-xdist runs them all."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("host"))


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    """One Azurite for all of these tests."""
    npm.ensure()
    folder = tmp_path_factory.mktemp("azurite")
    config = LocalConfig(home=folder, port_base=free_port_base())
    tls.ensure(config)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            storage.command(config), env={**os.environ, **storage.environment(config)}, stdout=log, stderr=log
        )
    try:
        wait_for(lambda: all(is_open(config.port(s)) for s in ("blob", "queue", "table")), "Azurite up", 60)
        storage.provision(config)
        yield Storage(config)
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[Callable[..., HostProcess]]:
    """A host of this test alone, not started yet."""
    made: list[HostProcess] = []

    def make(changes: dict[str, Any] | None = None, **settings: str) -> HostProcess:
        folder = tmp_path / f"host{len(made)}"
        folder.mkdir()
        made.append(HostProcess(folder, changes, **settings))
        return made[-1]

    yield make
    for host in made:
        host.stop()


@pytest.fixture
def make_queue_host(make_host: Callable[..., HostProcess], azurite: Storage) -> Callable[..., HostProcess]:
    """The same, reaching Azurite by connection string; its queues are empty."""

    def make(changes: dict[str, Any] | None = None, **settings: str) -> HostProcess:
        for name in ("jobs", "jobs-poison"):
            azurite.queue(name)
        bundle = str(azurite.config.ca_bundle)
        return make_host(changes, STORE=azurite.connection, SSL_CERT_FILE=bundle, **settings)

    return make


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    """One running host for all tests of a module; it reaches no storage."""
    made = HostProcess(tmp_path_factory.mktemp("host"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.close()


def _new_grid(storage: Storage, home: Path, pace: float) -> GridProcess:
    config = dataclasses.replace(storage.config, home=home, pace=pace)
    config.save()
    if not (home / "tls").exists():
        (home / "tls").symlink_to(storage.config.home / "tls")
    return GridProcess(config).start()


@pytest.fixture
def make_grid(azurite: Storage, tmp_path: Path) -> Iterator[Callable[..., GridProcess]]:
    """Event Grid of this test alone; made again, it is the same one after a restart."""
    made: list[GridProcess] = []

    def make(pace: float) -> GridProcess:
        made.append(_new_grid(azurite, tmp_path / "home", pace))
        return made[-1]

    yield make
    for grid in made:
        grid.stop()


@pytest.fixture(scope="module")
def running_grid(azurite: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GridProcess]:
    made = _new_grid(azurite, tmp_path_factory.mktemp("grid"), PACE)
    yield made
    made.stop()


@pytest.fixture
def grid(running_grid: GridProcess) -> Iterator[GridProcess]:
    """Event Grid whose waits are PACE times shorter, without subscriptions of other tests."""
    yield running_grid
    for subscription in running_grid.request("GET", "/subscriptions").json():
        if subscription["name"] != "greenlight":
            running_grid.request("DELETE", f"/subscriptions/{subscription['name']}")
    faults.clear(running_grid.config)


@pytest.fixture
def proxy(grid: GridProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local cloud's name resolution, in a thread; clients find it as they would find any proxy."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made = Proxy(grid.config)
    asyncio.run_coroutine_threadsafe(made.start(), loop).result()
    monkeypatch.setenv("HTTPS_PROXY", grid.config.proxy_url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(grid.config.ca_bundle))
    yield
    asyncio.run_coroutine_threadsafe(made.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
