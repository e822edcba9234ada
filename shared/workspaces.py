"""Opens workspaces by their ids, each once, with the models of a registry where one is the source."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from shared.azure import AzureCloud
from shared.ports import WorkspaceId, WorkspacePort, Workspaces
from shared.registry_id import RegistryId
from shared.workspace import Workspace

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def opener(cloud: AzureCloud, credential: TokenCredential, *, timeout: float) -> Workspaces:
    @cache
    def opened(at: WorkspaceId, registry: RegistryId | None) -> WorkspacePort:
        if registry is None:
            return Workspace(at, cloud, credential, timeout=timeout)
        from shared.asking import Asking  # most installations have no registry
        from shared.registry import Registry
        from shared.registry_workspace import RegistryWorkspace

        source = Registry(registry, cloud, Asking(credential, timeout=timeout), timeout=timeout)
        return RegistryWorkspace(at, source, cloud, credential, timeout=timeout)

    return opened
