"""Every contract test runs twice: on the twins, and on the local cloud through the real adapters."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local import appsettings
from local.cloud import Cloud
from local.config import LocalConfig
from tests.contract import sdk
from tests.contract.worlds import CloudWorld, TwinWorld, World
from tests.running import free_port_base

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.ports import WorkspacePort

SERVICES = ("azurite", "gateway", "zygote", "router", "azureml")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "world" in metafunc.fixturenames:
        shared = [pytest.mark.cloud, pytest.mark.xdist_group("contract")]
        worlds = [pytest.param("twin"), pytest.param("cloud", marks=shared)]
        metafunc.parametrize("world", worlds, indirect=True)


@pytest.fixture(scope="session")
def platform() -> Iterator[Cloud]:
    """Storage, identity and the Azure ML emulator: no Event Grid, and no product."""
    home = Path(tempfile.mkdtemp(prefix="gl-"))  # short: it holds a unix socket
    try:
        config = LocalConfig(home=home, port_base=free_port_base(), pace=60.0)
        with Cloud(config, only=SERVICES) as running:
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest thing that MLflow serves."""
    folder = tmp_path_factory.mktemp("model") / "model"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of pickles; this one is ours
        import mlflow.sklearn
        import numpy as np
        import pandas as pd
        from mlflow.models import infer_signature
        from sklearn.dummy import DummyClassifier

        rows, labels = pd.DataFrame({"a": [0.0, 1.0]}), np.array([1, 1])
        fitted = DummyClassifier(strategy="most_frequent").fit(rows, labels)
        signature = infer_signature(rows, labels)
        mlflow.sklearn.save_model(fitted, str(folder), signature=signature, pip_requirements=["scikit-learn"])
    return folder


@pytest.fixture(scope="session")
def opened() -> dict[str, WorkspacePort]:
    """Filled at first use: clients must be made while the environment names the cloud."""
    return {}


@pytest.fixture
def config(platform: Cloud, monkeypatch: pytest.MonkeyPatch) -> LocalConfig:
    """The cloud's address book, with this process made a client of it under the product's identity."""
    settings = appsettings.settings(platform.config)
    identity = {k: v for k, v in settings.items() if k.startswith("IDENTITY_")}
    for name, value in (platform.config.client_env() | identity).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    return platform.config


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "twin":
        return TwinWorld()
    config: LocalConfig = request.getfixturevalue("config")
    opened: dict[str, WorkspacePort] = request.getfixturevalue("opened")
    if not opened:
        sdk.load()
        opened.update(CloudWorld.open(config))
    return CloudWorld(config, lambda: request.getfixturevalue("model"), opened)
