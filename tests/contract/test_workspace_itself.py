"""What a workspace says of its own stores and of its tracking, on the twin and on the emulator."""

from __future__ import annotations

import pytest

from shared.errors import NotFound
from shared.ports import WorkspacePort
from tests.contract.worlds import World


def test_datastores_say_where_blobs_are(world: World) -> None:
    workspace: WorkspacePort = world.workspace("qa")
    default = workspace.default_datastore()
    assert workspace.datastore(default.name) == default
    assert (default.name, default.container) == ("workspaceblobstore", "azureml-blobstore")
    frozen = workspace.datastore("greenlight_frozen")
    assert (frozen.account, frozen.container) == (default.account, "greenlight-frozen")
    with pytest.raises(NotFound):
        workspace.datastore("never_was")


def test_the_tracking_address_is_told(world: World) -> None:
    assert "://" in world.workspace("qa").tracking_uri()
