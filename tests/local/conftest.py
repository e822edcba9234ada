"""A private address book, for one test or one module: fresh home, a block of free ports; and a front door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from local import gateway
from local.config import LocalConfig
from tests.local.application import Application
from tests.local.servers import beside
from tests.running import free_port_base

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _fresh(home: Path) -> LocalConfig:
    made = LocalConfig(home=home, port_base=free_port_base())
    made.save()
    return made


@pytest.fixture
def config(tmp_path: Path) -> LocalConfig:
    return _fresh(tmp_path / "home")


@pytest.fixture(scope="module")
def module_config(tmp_path_factory: pytest.TempPathFactory) -> LocalConfig:
    return _fresh(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def application() -> Application:
    return Application()


@pytest.fixture(scope="module")
def front(module_config: LocalConfig, application: Application) -> Iterator[LocalConfig]:
    """A front door with that application behind it."""
    host = gateway.serving(application, module_config.port("functions"))
    with beside(host, gateway.front_door(module_config)):
        yield module_config


@pytest.fixture
def client(front: LocalConfig) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=front.front_url, trust_env=False) as made:
        yield made
