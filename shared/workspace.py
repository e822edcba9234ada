"""One Azure ML workspace through azure-ai-ml. See `shared.ports` for what each call means.

Nothing here waits or repeats: a write is one PUT or DELETE, sent once, under the call's deadline.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared import entities
from shared.azure import AzureCloud
from shared.azureml import begin, calling, new_client, operation_error
from shared.errors import Busy, Conflict, Invalid, NotFound, Refused
from shared.model_uri import place_of
from shared.names import check_legal_name, check_model_name, check_version
from shared.ports import Datastore, Deployment, Endpoint, ModelVersion, Place, WorkspaceId
from shared.region import RegionReads
from shared.registry_id import RegistryId

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Model
    from azure.core.credentials import TokenCredential

__all__ = ["Datastore", "Deployment", "Endpoint", "ModelVersion", "Workspace", "WorkspaceId"]

_DELETED = "cannot be recreated"  # "Asset … was deleted at …, it cannot be recreated": seen in registries
_PATH_CHANGED = "Asset paths cannot be updated"  # the service's words; its status differs between versions


class Workspace(RegionReads):
    """Satisfies `WorkspacePort`. Safe for use from several threads; the client is made at first use."""

    def __init__(
        self, workspace: WorkspaceId, cloud: AzureCloud, credential: TokenCredential, *, timeout: float = 20.0
    ) -> None:
        self._id = workspace
        self._cloud = cloud
        self._credential = credential
        self._timeout = timeout
        self._lock = threading.Lock()
        self._made: MLClient | None = None

    @property
    def id(self) -> WorkspaceId:
        return self._id

    @property
    def _client(self) -> MLClient:
        with self._lock:
            if self._made is None:
                self._made = new_client(self._id, self._cloud, self._credential)
            return self._made

    def _calling(self, doing: str) -> AbstractContextManager[None]:
        """Making the client is no call: importing the SDK alone may take longer than one may."""
        _ = self._client
        return calling(doing, self._timeout)

    # Models

    def model(self, name: str, version: str) -> ModelVersion | None:
        _check_model(name, version)
        try:
            with self._calling(f"read model {name}:{version} in {self._id.name}"):
                from azure.ai.ml.constants import ListViewType

                found = entities.model_version(self._client.models.get(name, version))
                # The entity does not say whether it is archived; the list of archived ones does.
                put_away = self._client.models.list(name, list_view_type=ListViewType.ARCHIVED_ONLY)
                return replace(found, archived=any(m.version == version for m in put_away))
        except NotFound:
            return None

    def models_since(self, matches: Callable[[str], bool], since: datetime, limit: int) -> list[ModelVersion]:
        found: list[ModelVersion] = []
        with self._calling(f"list models of {self._id.name}"):
            names = [str(m.name) for m in self._client.models.list() if m.name]
            for name in filter(matches, names):
                found += map(entities.model_version, self._client.models.list(name))
        recent = [m for m in found if m.created_at >= since]
        return sorted(recent, key=lambda m: (m.created_at, m.name, m.version))[:limit]

    def next_version(self, name: str) -> str:
        check_model_name(name)
        try:
            with self._calling(f"list versions of {name} in {self._id.name}"):
                from azure.ai.ml.constants import ListViewType

                versions = [
                    m.version for m in self._client.models.list(name, list_view_type=ListViewType.ALL)
                ]
        except NotFound:
            versions = []
        return str(max((int(v) for v in versions if v and v.isdecimal()), default=0) + 1)

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
        _check_model(name, version)
        if not uri.startswith("azureml:"):  # anything else the SDK takes for a local folder, and uploads it
            raise Invalid(f"model path {uri[:200]!r} is not an azureml:// address")
        try:
            with self._calling(f"register {name}:{version} in {self._id.name}"):
                from azure.ai.ml.entities import Model

                model = Model(
                    name=name,
                    version=version,
                    path=_folder(uri) if type == "mlflow_model" else uri,
                    type=type,
                    description=description,
                    tags=dict(tags),
                    properties=dict(properties),
                )
                return entities.model_version(self._client.models.create_or_update(model))
        except (Busy, Refused) as error:
            if _PATH_CHANGED in str(error):
                raise Refused(str(error), code="AssetPathChanged") from error
            if _DELETED in str(error):
                raise Refused(str(error), code="AssetDeleted") from error
            raise

    def files(self, uri: str) -> Place:
        return place_of(uri, self)

    # Endpoints and deployments

    @property
    def _home(self) -> WorkspaceId | RegistryId:
        """Where the models are that deployments name."""
        return self._id

    def _deployable(self, name: str, version: str) -> str | Model:
        return self._id.model_id(name, version)

    def endpoint(self, name: str) -> Endpoint | None:
        try:
            return entities.endpoint(self._read_endpoint(name))
        except NotFound:
            return None

    def endpoints(self) -> tuple[Endpoint, ...]:
        with self._calling(f"list endpoints of {self._id.name}"):
            found = [entities.endpoint(each) for each in self._client.online_endpoints.list()]
        return tuple(sorted(found, key=lambda e: e.name))

    def deployments(
        self, endpoint: str, operations: Mapping[str, str] | None = None
    ) -> tuple[Deployment, ...]:
        with self._calling(f"list deployments of {endpoint} in {self._id.name}"):
            found = [
                entities.deployment(d, self._home) for d in self._client.online_deployments.list(endpoint)
            ]
        told = [
            replace(d, error=operation_error(operation, self._cloud, self._credential, self._timeout))
            if d.state == "Failed" and (operation := (operations or {}).get(d.name))
            else d
            for d in found
        ]
        return tuple(sorted(told, key=lambda d: d.name))

    def create_endpoint(
        self, name: str, *, tags: Mapping[str, str], description: str = "", auth_mode: str = "key"
    ) -> str:
        check_legal_name(name)
        with self._calling(f"create endpoint {name} in {self._id.name}"):
            from azure.ai.ml.entities import ManagedOnlineEndpoint

            entity = ManagedOnlineEndpoint(
                name=name, tags=dict(tags), description=description, auth_mode=auth_mode
            )
            existing = self.endpoint(name)
            if existing is not None:  # a PUT from scratch would wipe its traffic
                _taken(f"endpoint {name}", existing.state, "EndpointExists")
            return begin(lambda: self._client.online_endpoints.begin_create_or_update(entity))

    def write_traffic(
        self,
        endpoint: str,
        weights: Mapping[str, int],
        tags: Mapping[str, str],
        *,
        mirror: Mapping[str, int] | None = None,
        expect: Mapping[str, int] | None = None,
    ) -> str:
        entity = self._read_endpoint(endpoint)
        seen = entities.endpoint(entity).traffic
        if expect is not None and seen != entities.weights(expect):
            raise Conflict(
                f"traffic of {endpoint} is {dict(seen)}, not {dict(expect)}: somebody else moved it"
            )
        entity.traffic, entity.mirror_traffic, entity.tags = dict(weights), dict(mirror or {}), dict(tags)
        with self._calling(f"write traffic of {endpoint} in {self._id.name}"):
            return begin(lambda: self._client.online_endpoints.begin_create_or_update(entity))

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
        check_legal_name(name)
        _check_model(*model)
        with self._calling(f"create deployment {name} below {endpoint}"):
            from azure.ai.ml.entities import ManagedOnlineDeployment, OnlineRequestSettings

            entity = ManagedOnlineDeployment(
                name=name,
                endpoint_name=endpoint,
                model=self._deployable(*model),
                instance_type=instance_type,
                instance_count=instance_count,
                tags=dict(tags),
                request_settings=OnlineRequestSettings(request_timeout_ms=int(request_timeout * 1000)),
            )
            existing = next((d for d in self.deployments(endpoint) if d.name.lower() == name.lower()), None)
            if existing is not None:  # names are never reused: whoever finds one adopts it
                _taken(f"deployment {name}", existing.state, "DeploymentExists")
            return begin(lambda: self._client.online_deployments.begin_create_or_update(entity))

    def delete_deployment(self, endpoint: str, name: str) -> str:
        client = self._client.online_deployments
        return self._delete(
            f"delete deployment {name} of {endpoint}", lambda: client.begin_delete(name, endpoint)
        )

    def delete_endpoint(self, name: str) -> str:
        client = self._client.online_endpoints
        return self._delete(f"delete endpoint {name}", lambda: client.begin_delete(name))

    def scoring_key(self, endpoint: str) -> str:
        with self._calling(f"read the key of {endpoint}"):
            keys: Any = self._client.online_endpoints.get_keys(endpoint)
            return str(getattr(keys, "primary_key", None) or keys.access_token)

    def logs(self, endpoint: str, deployment: str, lines: int = 100) -> str:
        with self._calling(f"read logs of {endpoint}/{deployment}"):
            return self._client.online_deployments.get_logs(deployment, endpoint, lines)

    # The workspace itself

    def tracking_uri(self) -> str:
        with self._calling(f"read workspace {self._id.name}"):
            workspaces: Any = self._client.workspaces
            return str(workspaces.get(self._id.name).mlflow_tracking_uri)

    def datastore(self, name: str) -> Datastore:
        with self._calling(f"read datastore {name} of {self._id.name}"):
            return entities.datastore(self._client.datastores.get(name), self._cloud)

    def default_datastore(self) -> Datastore:
        with self._calling(f"read the default datastore of {self._id.name}"):
            return entities.datastore(self._client.datastores.get_default(), self._cloud)

    def _read_endpoint(self, name: str) -> Any:
        with self._calling(f"read endpoint {name} in {self._id.name}"):
            return self._client.online_endpoints.get(name)

    def _delete(self, doing: str, call: Callable[[], object]) -> str:
        try:
            with self._calling(doing):
                return begin(call)
        except NotFound:
            return ""


def _folder(uri: str) -> str:
    """The SDK takes a last part with a dot for a file, and refuses it: a folder may be called 1.2.0."""
    return f"{uri}/" if "." in uri.rpartition("/")[2] else uri


def _check_model(name: str, version: str) -> None:
    check_model_name(name)
    check_version(version)


def _taken(what: str, state: str, code: str) -> None:
    """A name that is going may be had later; any other one never."""
    if state == "Deleting":
        raise Busy(f"{what} is being deleted", after=10.0)
    raise Refused(f"{what} exists already", code=code)
