"""TwinWorkspace: one Azure ML workspace in memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from shared.errors import Invalid, NotFound, Refused
from shared.model_uri import place_of
from shared.names import is_legal_name
from shared.ports import Datastore, Deployment, Endpoint, ModelVersion, Place, WorkspaceId
from simulation.twins.clock import TwinClock
from simulation.twins.faults import Faults
from simulation.twins.online import Online, Region, Seconds, TwinDeployment
from simulation.twins.region import TwinRegion

__all__ = ["Region", "Seconds", "TwinWorkspace"]

STUCK = timedelta(hours=5)
"""How much longer a deployment takes that hangs."""


class TwinWorkspace(TwinRegion):
    """Satisfies `WorkspacePort`. `breaks` says which model's deployments fail, and with what error:
    `twin.breaks["titanic", "4"] = "ImageBuildFailure: …"`; `stuck`, whose take hours for it;
    `accepted` is what the platform took on, in order.
    """

    def __init__(
        self,
        workspace: WorkspaceId,
        clock: TwinClock,
        *,
        region: Region | None = None,
        seconds: Seconds | None = None,
        identity: str = "44444444-0000-4000-8000-000000000001",
    ) -> None:
        self._id = workspace
        self._home = ""
        self.clock = clock
        self._identity = identity
        self.faults = Faults(clock)
        self.online = Online(workspace.key, clock, region or Region(), seconds or Seconds())
        self.models: dict[tuple[str, str], ModelVersion] = {}
        self.deleted: set[tuple[str, str]] = set()
        self._by_time: list[tuple[datetime, str, str]] = []
        self.breaks: dict[tuple[str, str], str] = {}
        self.stuck: set[tuple[str, str]] = set()
        self.broken_endpoints: dict[str, str] = {}
        self.log_lines: dict[tuple[str, str], list[str]] = {}
        self.accepted: list[tuple[str, ...]] = []
        TwinRegion.__init__(self)
        account = f"gl{workspace.name.rpartition('-')[2]}"
        self.datastores = {
            "workspaceblobstore": Datastore("workspaceblobstore", account, "azureml-blobstore"),
            "workspaceartifactstore": Datastore("workspaceartifactstore", account, "azureml"),
            "greenlight_frozen": Datastore("greenlight_frozen", account, "greenlight-frozen"),
        }

    @property
    def id(self) -> WorkspaceId:
        return self._id

    # What a test arranges

    def add_model(
        self, name: str, version: str, *, uri: str = "", created_by: str = "", **changes: object
    ) -> ModelVersion:
        """A version that somebody else registered, now."""
        made = ModelVersion(
            name,
            version,
            uri or f"azureml:/{self._id}/datastores/workspaceblobstore/paths/{name}/{version}",
            "mlflow_model",
            None,
            self.clock.now(),
            created_by or "33333333-0000-4000-8000-000000000001",
        )
        return self._kept(replace(made, **changes))  # type: ignore[arg-type]

    def _kept(self, model: ModelVersion) -> ModelVersion:
        self.models[model.name, model.version] = model
        entry = (model.created_at, model.name, model.version)
        at = bisect_left(self._by_time, entry)
        if self._by_time[at : at + 1] != [entry]:
            self._by_time.insert(at, entry)
        return model

    def delete_model(self, name: str, version: str) -> None:
        """Somebody deletes a version: its number is never given again, and cannot be taken either."""
        del self.models[name, version]
        self.deleted.add((name, version))

    def archive(self, name: str, version: str) -> None:
        self.models[name, version] = replace(self.models[name, version], archived=True)

    # WorkspacePort

    def model(self, name: str, version: str) -> ModelVersion | None:
        return self.faults.around("model", lambda: self.models.get((name, version)))

    def models_since(self, matches: Callable[[str], bool], since: datetime, limit: int) -> list[ModelVersion]:
        def effect() -> list[ModelVersion]:
            late = self._by_time[bisect_left(self._by_time, (since, "", "")) :]
            found = ((at, self.models[name, version]) for at, name, version in late)
            shown = (m for at, m in found if m.created_at == at and not m.archived and matches(m.name))
            return list(islice(shown, limit))

        return self.faults.around("models_since", effect)

    def files(self, uri: str) -> Place:
        return place_of(uri, self)

    def next_version(self, name: str) -> str:
        numbers = [int(v) for n, v in self.models if n == name and v.isdecimal()]
        return self.faults.around("next_version", lambda: str(max(numbers, default=0) + 1))

    def register(
        self,
        name: str,
        version: str,
        *,
        uri: str,
        type: str,  # noqa: A002 - the platform's word
        tags: Mapping[str, str],
        properties: Mapping[str, str],
        description: str = "",
    ) -> ModelVersion:
        def effect() -> ModelVersion:
            if not uri.startswith("azureml:"):
                raise Invalid(f"model path {uri!r} is not an azureml:// address")
            if (name, version) in self.deleted:
                raise Refused(
                    f"Asset {name}:{version} was deleted, it cannot be recreated.", code="AssetDeleted"
                )
            old = self.models.get((name, version))
            if old is not None and old.uri != uri:
                raise Refused("Asset paths cannot be updated.", code="AssetPathChanged")
            made = ModelVersion(
                name,
                version,
                uri,
                type,
                old.job_name if old else None,
                old.created_at if old else self.clock.now(),
                old.created_by if old else self._identity,
                dict(tags),
                dict(properties),
            )
            self._kept(made)
            self.accepted.append(("register", name, version))
            return made

        return self.faults.around("register", effect)

    def endpoint(self, name: str) -> Endpoint | None:
        def effect() -> Endpoint | None:
            found = self.online.find(name)
            return self.online.see(found) if found else None

        return self.faults.around("endpoint", effect)

    def endpoints(self) -> tuple[Endpoint, ...]:
        def effect() -> tuple[Endpoint, ...]:
            return tuple(self.online.see(found) for found in self.online.all())

        return self.faults.around("endpoints", effect)

    def deployments(
        self, endpoint: str, operations: Mapping[str, str] | None = None
    ) -> tuple[Deployment, ...]:
        def effect() -> tuple[Deployment, ...]:
            found = self.online.get(endpoint).deployments.values()
            seen = (d.seen(operations or {}, self._home) for d in found)
            return tuple(sorted(seen, key=lambda d: d.name))

        return self.faults.around("deployments", effect)

    def create_endpoint(
        self, name: str, *, tags: Mapping[str, str], description: str = "", auth_mode: str = "key"
    ) -> str:
        def effect() -> str:
            if not is_legal_name(name):
                raise Invalid(f"{name!r} cannot name an endpoint")
            error = self.broken_endpoints.get(name, "")
            return self._took(
                self.online.create_endpoint(name, tags, auth_mode, error), "create_endpoint", name
            )

        return self.faults.around("create_endpoint", effect)

    def write_traffic(
        self,
        endpoint: str,
        weights: Mapping[str, int],
        tags: Mapping[str, str],
        *,
        mirror: Mapping[str, int] | None = None,
        expect: Mapping[str, int] | None = None,
    ) -> str:
        def effect() -> str:
            told = " ".join(f"{name}={weight}" for name, weight in sorted(weights.items()))
            told += "".join(f" mirror:{name}={share}" for name, share in (mirror or {}).items())
            operation = self.online.write_traffic(endpoint, weights, tags, expect, mirror)
            return self._took(operation, "write_traffic", endpoint, told)

        return self.faults.around("write_traffic", effect)

    def create_deployment(
        self,
        endpoint: str,
        name: str,
        *,
        model: tuple[str, str],
        instance_type: str,
        instance_count: int,
        tags: Mapping[str, str],
        request_timeout: float = 30.0,
    ) -> str:
        def effect() -> str:
            if not is_legal_name(name):
                raise Invalid(f"{name!r} cannot name a deployment")
            told = f"ResourceNotFound: model {model[0]}:{model[1]} was not found"
            error = ("" if self._holds(model) else told) or self.breaks.get(
                model, ""
            )  # the service, too, looks for it only then
            made = TwinDeployment(
                name,
                model,
                instance_type,
                instance_count,
                dict(tags),
                "Creating",
                self.clock.now(),
                "",
                error,
                home=self._home,
            )
            operation = self.online.create_deployment(endpoint, made)
            if model in self.stuck:
                made.ripe += STUCK
            return self._took(operation, "create_deployment", endpoint, name)

        return self.faults.around("create_deployment", effect)

    def delete_deployment(self, endpoint: str, name: str) -> str:
        def effect() -> str:
            operation = self.online.delete_deployment(endpoint, name)
            return self._took(operation, "delete_deployment", endpoint, name)

        return self.faults.around("delete_deployment", effect)

    def delete_endpoint(self, name: str) -> str:
        return self.faults.around(
            "delete_endpoint",
            lambda: self._took(self.online.delete_endpoint(name), "delete_endpoint", name),
        )

    def scoring_key(self, endpoint: str) -> str:
        return self.faults.around("scoring_key", lambda: self.online.get(endpoint).key)

    def logs(self, endpoint: str, deployment: str, lines: int = 100) -> str:
        def effect() -> str:
            if deployment.lower() not in self.online.get(endpoint).deployments:
                raise NotFound(f"deployment {deployment} does not exist below {endpoint}")
            return "\n".join(self.log_lines.get((endpoint, deployment), [])[-lines:])

        return self.faults.around("logs", effect)

    def tracking_uri(self) -> str:
        return self.faults.around("tracking_uri", lambda: f"twin://tracking/{self._id.name}")

    def datastore(self, name: str) -> Datastore:
        def effect() -> Datastore:
            if name not in self.datastores:
                raise NotFound(f"datastore {name} does not exist in {self._id.name}")
            return self.datastores[name]

        return self.faults.around("datastore", effect)

    def default_datastore(self) -> Datastore:
        return self.faults.around("default_datastore", lambda: self.datastores["workspaceblobstore"])

    def _holds(self, model: tuple[str, str]) -> bool:
        return model in self.models

    def _took(self, operation: str, *what: str) -> str:
        if operation:
            self.accepted.append(what)
        return operation
