"""Writes that the platform gets to after their client gave up: through the real SDK, on the local cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from local import faults
from shared.errors import Refused, Unknown
from tests.contract import sdk
from tests.contract.test_workspace_port import at_rest, deployed, made_endpoint, register, shift
from tests.contract.worlds import CloudWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.config import LocalConfig
    from shared.ports import WorkspacePort

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("contract")]


@pytest.fixture
def cloud(config: LocalConfig, opened: dict[str, WorkspacePort], model: Path) -> Iterator[CloudWorld]:
    sdk.load()
    if not opened:
        opened.update(CloudWorld.open(config))
    yield CloudWorld(config, lambda: model, opened)
    faults.clear(config)


def late(config: LocalConfig, endpoint: str, seconds: float) -> None:
    """The next write of this endpoint is not answered, and takes effect so much later."""
    rule = {
        "on": "arm",
        "method": "PUT",
        "path": f"*/onlineEndpoints/{endpoint}",
        "late": seconds,
        "times": 1,
    }
    faults.add(config, rule)


def puts(config: LocalConfig, endpoint: str) -> list[dict[str, Any]]:
    """Writes of this endpoint, oldest first; `status` is None until the platform got to one."""
    url = f"https://127.0.0.1:{config.port('arm')}/-/calls"
    calls = requests.get(url, verify=str(config.ca_bundle), timeout=5).json()
    return [c for c in calls if c["method"] == "PUT" and c["path"].endswith(f"/onlineEndpoints/{endpoint}")]


def test_a_traffic_write_superseded_by_a_rollback_may_land_and_is_refused_once_its_deployment_is_gone(
    cloud: CloudWorld, config: LocalConfig
) -> None:
    qa, name = cloud.workspace("qa"), cloud.name("late-model")
    for version in ("1", "2"):
        register(cloud, name, version)
    endpoint = made_endpoint(cloud, "late")
    deployed(cloud, endpoint, "v1-100", (name, "1"))
    shift(cloud, endpoint, {"v1-100": 100}, {"prod": "v1-100"})
    deployed(cloud, endpoint, "v2-200", (name, "2"))
    candidate, ours = {"v2-200": 100}, {"prod": "v2-200", "greenlight_promotion": "late.qa.2.2"}

    late(config, endpoint, 4)
    with pytest.raises(Unknown):
        qa.write_traffic(endpoint, candidate, ours)
    shift(cloud, endpoint, {"v1-100": 100}, {"prod": "v1-100"})
    cloud.until(lambda: at_rest(cloud, endpoint).traffic == candidate, "the superseded write lands")

    assert at_rest(cloud, endpoint).tags == ours  # whose it was can be told
    with pytest.raises(Refused):
        qa.delete_deployment(endpoint, "v2-200")

    shift(cloud, endpoint, {"v1-100": 100}, {"prod": "v1-100"})
    late(config, endpoint, 6)
    with pytest.raises(Unknown):
        qa.write_traffic(endpoint, candidate, ours)
    qa.delete_deployment(endpoint, "v2-200")
    cloud.until(lambda: len(qa.deployments(endpoint)) == 1, "the candidate is gone")
    assert puts(config, endpoint)[-1]["status"] is None, "the write came before the candidate was gone"
    cloud.until(lambda: puts(config, endpoint)[-1]["status"], "the platform gets to the write")

    assert puts(config, endpoint)[-1]["status"] == 400
    found = at_rest(cloud, endpoint)
    assert (found.traffic, found.tags) == ({"v1-100": 100}, {"prod": "v1-100"})
