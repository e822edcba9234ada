"""What only the real adapter can get wrong with a registry: whom it asks, and where a signature shows."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import requests

from local import faults
from local.config import REGISTRY
from shared.azure import credential
from shared.blobs import Storage
from shared.clock import SystemClock
from shared.errors import Forbidden, NotFound
from shared.registry_id import RegistryId
from shared.workspaces import opener
from tests.contract import sdk, sharing
from tests.contract.clouds import LOCAL
from tests.contract.worlds import CloudWorld
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.config import LocalConfig
    from shared.ports import WorkspacePort

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("contract")]
MODEL, EVER = "reg-adapter", datetime(2026, 1, 1, tzinfo=UTC)
SIZE = {"instance_type": "Standard_DS3_v2", "instance_count": 1}


@pytest.fixture
def source(config: LocalConfig, opened: dict[str, WorkspacePort]) -> Iterator[WorkspacePort]:
    """dev with the registry's models, and no fault left behind."""
    sdk.load()
    if not opened:
        opened.update(CloudWorld.open(config))
    yield sharing.sourced(opened)
    faults.clear(config)


def to_the_registry(config: LocalConfig) -> int:
    """How many requests its discovery and its plane have had."""
    url = f"https://127.0.0.1:{config.port('arm')}/-/calls"
    calls = requests.get(url, verify=str(config.ca_bundle), timeout=5).json()
    return sum("/registries/" in call["path"] for call in calls)


def test_deploying_a_model_of_the_registry_asks_the_registry_nothing(
    source: WorkspacePort, config: LocalConfig
) -> None:
    """The SDK would, for a bare id: past deadlines and the check of the host."""
    source.create_endpoint("reg-quiet", tags={})
    eventually(lambda: source.endpoint("reg-quiet").state == "Succeeded", 30, "it is there")  # type: ignore[union-attr]
    before = to_the_registry(config)

    source.create_deployment("reg-quiet", "v1-1", model=(MODEL, "1"), tags={}, **SIZE)  # type: ignore[arg-type]

    assert to_the_registry(config) == before
    eventually(lambda: source.deployments("reg-quiet")[0].state == "Failed", 30, "there is no such model")
    source.delete_endpoint("reg-quiet")


def test_a_registry_that_does_not_exist_is_told(source: WorkspacePort) -> None:
    never = opener(LOCAL, credential(LOCAL), timeout=20.0)(source.id, RegistryId("never-was"))

    for call in (lambda: never.model("m", "1"), lambda: never.models_since(bool, EVER, 1)):
        with pytest.raises(NotFound, match="never-was"):
            call()


def test_a_refusal_names_the_action_that_is_missing(source: WorkspacePort, config: LocalConfig) -> None:
    said = "does not have authorization to perform action 'x/registries/assets/read' over scope 'y'"
    faults.add(config, {"on": "arm", "path": "*/registries/*/models", "status": 403, "message": said})

    with pytest.raises(Forbidden) as refused:
        source.models_since(bool, EVER, 1)

    assert refused.value.action == "x/registries/assets/read"


def test_a_signature_is_in_no_log_and_no_error(
    source: WorkspacePort,
    config: LocalConfig,
    opened: dict[str, WorkspacePort],
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = CloudWorld(config, lambda: pytest.fail("no model is needed"), opened)
    world.write("dev", f"models/{MODEL}/2/MLmodel", b"flavors: {}")
    sharing.share(opened["dev"], f"models/{MODEL}/2", MODEL, "2", {})
    with caplog.at_level(logging.INFO):
        place = source.files(f"{REGISTRY.uri}/models/{MODEL}/versions/2")
        container = Storage(LOCAL, credential(LOCAL), SystemClock()).container(
            place.account, place.container, place.sas
        )
        assert [b.name for b in container.list(f"{place.path}/")] == ["2/MLmodel"]
        with pytest.raises(Forbidden) as refused:
            container.put("x", b"", "text/plain")

    signature = place.sas.partition("sig=")[2]
    assert signature
    assert signature not in "\n".join([*(r.getMessage() for r in caplog.records), str(refused.value)])
