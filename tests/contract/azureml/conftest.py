"""The real, unpatched SDK against the emulator; every body on the wire is held to Microsoft's types."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import AccessToken

from local import faults, identity
from local.config import JOB_IDENTITY, PEOPLE, STORAGE_SUFFIX, LocalConfig
from tests.contract import sdk
from tests.contract.azureml.arm import Arm
from tests.contract.azureml.wire import Wire, check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.ai.ml import MLClient

HERE = Path(__file__).parent
AUTHOR = PEOPLE[0].oid
OTHER = JOB_IDENTITY


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and "config" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cloud)
            item.add_marker(pytest.mark.xdist_group("contract"))


class Credential:
    """Tokens of the local tenant for whoever `oid` is."""

    def __init__(self, config: LocalConfig, oid: str) -> None:
        self.config = config
        self.oid = oid

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        audience = scopes[0].removesuffix("/.default").rstrip("/")
        return AccessToken(identity.issue_token(self.config, self.oid, audience), int(time.time()) + 3600)


@pytest.fixture(scope="session")
def wire() -> Wire:
    return Wire()


@pytest.fixture(autouse=True)
def _held_to_the_types(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test made the SDK and the emulator say is checked at its end."""
    if "client" not in request.fixturenames:
        yield
        return
    wire: Wire = request.getfixturevalue("wire")
    start = len(wire.exchanges)
    yield
    assert check(wire.exchanges[start:]).faults == []


@pytest.fixture(autouse=True)
def _no_fault_left(request: pytest.FixtureRequest) -> Iterator[None]:
    config: LocalConfig | None = None
    if "config" in request.fixturenames:
        config = request.getfixturevalue("config")
    yield
    if config:
        faults.clear(config)


@pytest.fixture
def client(config: LocalConfig, wire: Wire) -> Callable[..., MLClient]:
    """`client(env, oid)`: a new MLClient as a user would make one."""
    sdk.load()
    from azure.ai.ml import MLClient

    base = config.arm_url
    metadata = {
        "azure_portal": base,
        "resource_manager": base,
        "active_directory": base,
        "aml_resource_id": base,
        "storage_endpoint": STORAGE_SUFFIX,
        "registry_discovery_endpoint": f"{base}/",
    }

    def make(env: str = "dev", oid: str = AUTHOR, **options: Any) -> MLClient:
        workspace = next(w for w in config.workspaces if w.env == env)
        return MLClient(
            Credential(config, oid),
            workspace.subscription,
            workspace.resource_group,
            workspace.name,
            cloud="greenlight-local",
            cloud_metadata=metadata,
            enable_telemetry=False,
            show_progress=False,
            transport=wire,
            **options,
        )

    return make


@pytest.fixture
def ml(client: Callable[..., MLClient]) -> MLClient:
    return client()


@pytest.fixture
def arm(config: LocalConfig) -> Iterator[Arm]:
    """ARM without the SDK, for what the SDK does not send."""
    with Arm(config, identity.issue_token(config, AUTHOR, config.arm_url)) as plain:
        yield plain


@pytest.fixture
def name() -> str:
    """Fresh in every test: they share one cloud."""
    return f"t{uuid.uuid4().hex[:10]}"
