"""A number that a deleted version had cannot be had, on the twin and on the emulator through azure-ai-ml."""

from __future__ import annotations

import pytest

from shared.errors import Refused
from tests.contract.test_workspace_port import register
from tests.contract.worlds import World


def test_a_deleted_version_is_gone_and_its_number_cannot_be_had(world: World) -> None:
    workspace, name = world.workspace("qa"), world.name("deleted")
    register(world, name, "1")
    register(world, name, "2")
    world.delete_model("qa", name, "2")

    assert workspace.model(name, "2") is None
    with pytest.raises(Refused) as refused:
        register(world, name, "2")
    assert refused.value.code == "AssetDeleted"
    assert workspace.model(name, "2") is None
    assert workspace.next_version(name) == "2", "a listing does not know it: only registering does"
    register(world, name, "3")
    assert workspace.next_version(name) == "4"
