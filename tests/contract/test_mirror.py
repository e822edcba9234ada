"""Copies of requests for a deployment without traffic: the twin, and the real SDK against the emulator."""

from __future__ import annotations

import pytest

from shared.errors import Refused
from tests.contract.test_workspace_port import at_rest, deployed, made_endpoint, register, shift
from tests.contract.worlds import World


def test_copies_are_written_with_the_weights_and_end_with_the_next_write(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("copies")
    register(world, name)
    endpoint = made_endpoint(world, "ep-copies")
    for deployment in ("v1-100", "v2-200"):
        deployed(world, endpoint, deployment, (name, "1"))
    shift(world, endpoint, {"v1-100": 100}, {"prod": "v1-100"})

    workspace.write_traffic(endpoint, {"v1-100": 100}, {"prod": "v1-100"}, mirror={"v2-200": 20})
    seen = world.until(
        lambda: found if (found := at_rest(world, endpoint)).mirror else None, "copies are read back"
    )
    assert (dict(seen.traffic), dict(seen.mirror)) == ({"v1-100": 100}, {"v2-200": 20})
    for wrong in ({"v2-200": 51}, {"v1-100": 20}, {"nobody": 20}):
        with pytest.raises(Refused):
            workspace.write_traffic(endpoint, {"v1-100": 100}, {"prod": "v1-100"}, mirror=wrong)
    with pytest.raises(Refused):
        workspace.delete_deployment(endpoint, "v2-200")

    shift(world, endpoint, {"v1-100": 90, "v2-200": 10}, {"prod": "v1-100"})
    assert dict(at_rest(world, endpoint).mirror) == {}
