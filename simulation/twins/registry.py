"""TwinRegistry: a model registry in memory, and a twin workspace seen with the registry's models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from shared.errors import NotFound
from shared.ports import ModelVersion, Place
from shared.registry_id import RegistryId
from simulation.twins.blobs import TwinBlobs
from simulation.twins.clock import TwinClock
from simulation.twins.faults import Faults
from simulation.twins.workspace import TwinWorkspace

SIGNED_FOR = 3600.0


class TwinRegistry:
    """Its files are in an account that only the registry's own signatures open."""

    def __init__(self, registry: RegistryId, clock: TwinClock, blobs: TwinBlobs) -> None:
        self.id = registry
        self.clock = clock
        self.blobs = blobs
        self.account = "glregistry"
        self.faults = Faults(clock)
        self.models: dict[tuple[str, str], ModelVersion] = {}
        blobs.sealed.add(self.account)

    # What a test arranges

    def publish(
        self, name: str, version: str, files: Mapping[str, bytes], *, created_by: str = "", **changes: object
    ) -> ModelVersion:
        """Somebody shares a version to the registry, now."""
        for path, data in files.items():
            self.blobs.container(self.account, self._container(name)).write(f"{version}/{path}", data)
        made = ModelVersion(
            name,
            version,
            self.id.model_id(name, version),
            "mlflow_model",
            None,
            self.clock.now(),
            created_by or "33333333-0000-4000-8000-000000000001",
        )
        made = replace(made, **changes)  # type: ignore[arg-type]
        self.models[name, version] = made
        return made

    def archive(self, name: str, version: str) -> None:
        self.models[name, version] = replace(self.models[name, version], archived=True)

    # What the port asks

    def model(self, name: str, version: str) -> ModelVersion | None:
        return self.faults.around("model", lambda: self.models.get((name, version)))

    def models_since(self, matches: Callable[[str], bool], since: datetime, limit: int) -> list[ModelVersion]:
        def effect() -> list[ModelVersion]:
            shown = (m for m in self.models.values() if matches(m.name) and not m.archived)
            late = [m for m in shown if m.created_at >= since]
            return sorted(late, key=lambda m: (m.created_at, m.name, m.version))[:limit]

        return self.faults.around("models_since", effect)

    def files(self, name: str, version: str) -> Place:
        def effect() -> Place:
            if (name, version) not in self.models:
                raise NotFound(f"{self.id.model_id(name, version)} does not exist")
            container = self._container(name)
            return Place(
                self.account, container, version, self.blobs.sign(self.account, container, SIGNED_FOR)
            )

        return self.faults.around("files", effect)

    def _container(self, name: str) -> str:
        return f"models-{name.lower()}"


class TwinRegistryWorkspace(TwinWorkspace):
    """The same workspace, its endpoints and its faults, with other models."""

    def __init__(self, workspace: TwinWorkspace, registry: TwinRegistry) -> None:
        self.__dict__.update(vars(workspace))  # one place, seen twice
        self.registry = registry
        self._home = str(registry.id)

    def model(self, name: str, version: str) -> ModelVersion | None:
        return self.registry.model(name, version)

    def models_since(self, matches: Callable[[str], bool], since: datetime, limit: int) -> list[ModelVersion]:
        return self.registry.models_since(matches, since, limit)

    def files(self, uri: str) -> Place:
        found = self.registry.id.version_of(uri)
        return super().files(uri) if found is None else self.registry.files(*found)

    def _holds(self, model: tuple[str, str]) -> bool:
        return model in self.registry.models


def opener(
    *workspaces: TwinWorkspace, registry: TwinRegistry | None = None
) -> Callable[[object, RegistryId | None], TwinWorkspace]:
    """Satisfies `shared.ports.Workspaces`."""
    spaces = {w.id: w for w in workspaces}
    sourced = {w.id: TwinRegistryWorkspace(w, registry) for w in workspaces} if registry else {}

    def opened(at: object, named: RegistryId | None) -> TwinWorkspace:
        if named is None:
            return next(w for key, w in spaces.items() if key == at)
        if registry is None or named != registry.id:
            raise NotFound(f"there is no registry {named}")
        return next(w for key, w in sourced.items() if key == at)

    return opened
