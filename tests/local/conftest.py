"""A private address book, for one test or one module: fresh home, a block of free ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.config import LocalConfig
from tests.running import free_port_base

if TYPE_CHECKING:
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
