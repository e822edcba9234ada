"""A workspace whose models are those of a registry: there they are found and read, here they are deployed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from shared.azure import AzureCloud
from shared.ports import ModelVersion, Place, WorkspaceId
from shared.registry import Registry
from shared.registry_id import RegistryId
from shared.workspace import Workspace

if TYPE_CHECKING:
    from azure.ai.ml.entities import Model
    from azure.core.credentials import TokenCredential


class RegistryWorkspace(Workspace):
    """Satisfies `WorkspacePort`. What is registered goes to the workspace: a registry is only read."""

    def __init__(
        self,
        workspace: WorkspaceId,
        registry: Registry,
        cloud: AzureCloud,
        credential: TokenCredential,
        *,
        timeout: float = 20.0,
    ) -> None:
        super().__init__(workspace, cloud, credential, timeout=timeout)
        self._registry = registry

    def model(self, name: str, version: str) -> ModelVersion | None:
        return self._registry.model(name, version)

    def models_since(self, matches: Callable[[str], bool], since: datetime, limit: int) -> list[ModelVersion]:
        return self._registry.models_since(matches, since, limit)

    def files(self, uri: str) -> Place:
        """What was registered before the registry became the source is still in the workspace."""
        found = self._registry.id.version_of(uri)
        return super().files(uri) if found is None else self._registry.files(*found)

    @property
    def _home(self) -> RegistryId:
        return self._registry.id

    def _deployable(self, name: str, version: str) -> Model:
        """As an entity the SDK takes it as it is. For the bare id it would ask the registry first, only to
        log, past every deadline and host check of ours."""
        from azure.ai.ml.entities import Model

        return Model(name=name, version=version, id=self._registry.id.model_id(name, version))
