"""The part of both worlds that concerns the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.config import REGISTRY
from shared.azure import credential
from shared.azureml import new_client
from shared.model_uri import ModelUri
from shared.registry_id import RegistryId
from shared.workspaces import opener
from simulation.twins import registry as twins
from tests.contract.clouds import LOCAL

if TYPE_CHECKING:
    from shared.ports import WorkspacePort
    from simulation.twins import TwinClock, TwinRegistry, TwinWorkspace

SHARER = "44444444-0000-4000-8000-000000000001"


class TwinSharing:
    clock: TwinClock
    twins: dict[str, TwinWorkspace]
    registry: TwinRegistry

    def sourced(self) -> WorkspacePort:
        opened = twins.opener(*self.twins.values(), registry=self.registry)
        return opened(self.twins["dev"].id, self.registry.id)

    def share(self, name: str, version: str, tags: dict[str, str] | None = None) -> None:
        self.clock.advance(1)
        files = {"MLmodel": b"flavors: {}"}
        self.registry.publish(name, version, files, created_by=SHARER, tags=tags or {})

    def archive_shared(self, name: str, version: str) -> None:
        self.registry.archive(name, version)


def sourced(opened: dict[str, WorkspacePort]) -> WorkspacePort:
    """dev with the registry's models: one client for the whole session, as the others."""
    if "sourced" not in opened:
        make = opener(LOCAL, credential(LOCAL), timeout=20.0)
        opened["sourced"] = make(opened["dev"].id, RegistryId(REGISTRY.name))
    return opened["sourced"]


def share(dev: WorkspacePort, path: str, name: str, version: str, tags: dict[str, str]) -> None:
    """As people do it: register in dev, then let the SDK share it."""
    uri = ModelUri("workspaceblobstore", path).uri(dev.id)
    dev.register(name, version, uri=uri, type="mlflow_model", tags=tags, properties={})
    new_client(dev.id, LOCAL, credential(LOCAL)).models.share(
        name, version, share_with_name=name, share_with_version=version, registry_name=REGISTRY.name
    )


def archive(name: str, version: str) -> None:
    from azure.ai.ml import MLClient

    MLClient(credential(LOCAL), registry_name=REGISTRY.name).models.archive(name, version)
