"""The seams to the outside: what the engine may ask of a workspace, of blobs, of an endpoint, of runs.

Each port has the real adapter in `shared/` and an in-memory twin in `simulation/twins`; one suite
(`tests/contract`) holds both to the same behaviour. No port knows a rule, waits for a long-running
operation, or repeats a write. Every failure is one of `shared.errors`:

404 → None where the result allows it, else NotFound · 409, 429 → Busy(after) · 5xx, no connection →
Unavailable · no answer in time → Unknown · 401, 403 → Forbidden · 400 and the SDK's own checks →
Refused(code) · a conditional write that lost → Conflict · a name that cannot be legal → Invalid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from shared.arm_id import WorkspaceId
from shared.containers import Blob as Blob
from shared.containers import ContainerPort as ContainerPort
from shared.containers import CopyState as CopyState
from shared.containers import Place as Place
from shared.containers import StoragePort as StoragePort
from shared.region import RegionPort
from shared.registry_id import RegistryId


@dataclass(frozen=True)
class ModelVersion:
    """One registered version as the workspace tells it. `version` is text; `created_by` is whatever the
    platform records: an object id, or a display name."""

    name: str
    version: str
    uri: str
    type: str
    job_name: str | None
    created_at: datetime
    created_by: str
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    properties: Mapping[str, str] = field(default_factory=dict[str, str])
    flavors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    archived: bool = False


@dataclass(frozen=True)
class Endpoint:
    """An online endpoint. Zero weights are left out; `auth_mode` is `key`, `aml_token` or `aad_token`."""

    name: str
    state: str
    scoring_uri: str
    traffic: Mapping[str, int]
    mirror: Mapping[str, int]
    tags: Mapping[str, str]
    auth_mode: str


@dataclass(frozen=True)
class Deployment:
    """A deployment below an endpoint. `model` is (name, version) where models come from, else None.

    `error` ("code: message") is filled for a failed one whose operation was given to `deployments`: the
    platform keeps the reason on the operation, not on the deployment.
    """

    name: str
    state: str
    model: tuple[str, str] | None
    instance_type: str
    instance_count: int
    tags: Mapping[str, str]
    error: str = ""


@dataclass(frozen=True)
class Datastore:
    """Where a datastore of the workspace keeps its blobs."""

    name: str
    account: str
    container: str


class WorkspacePort(RegionPort, Protocol):
    """One Azure ML workspace; its models are its own, or those of a registry. Writes are accepted or refused,
    never awaited: they return the address of the operation ("" when there is none), which `deployments`
    takes to say why one failed."""

    @property
    def id(self) -> WorkspaceId: ...

    def model(self, name: str, version: str) -> ModelVersion | None: ...

    def models_since(self, matches: Callable[[str], bool], since: datetime, limit: int) -> list[ModelVersion]:
        """Active versions of matching models created at or after `since`, oldest first, at most `limit`."""
        ...

    def files(self, uri: str) -> Place:
        """Where the files of a registered path are. Asked anew each time: what opens them may expire."""
        ...

    def next_version(self, name: str) -> str: ...

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
        """Registering the same again replaces tags and properties; another `uri` is Refused."""
        ...

    def endpoint(self, name: str) -> Endpoint | None: ...

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of the workspace, by name."""
        ...

    def deployments(
        self, endpoint: str, operations: Mapping[str, str] | None = None
    ) -> tuple[Deployment, ...]:
        """Sorted by name. `operations`: what `create_deployment` returned, by deployment name."""
        ...

    def create_endpoint(
        self, name: str, *, tags: Mapping[str, str], description: str = "", auth_mode: str = "key"
    ) -> str: ...

    def write_traffic(
        self,
        endpoint: str,
        weights: Mapping[str, int],
        tags: Mapping[str, str],
        *,
        mirror: Mapping[str, int] | None = None,
        expect: Mapping[str, int] | None = None,
    ) -> str:
        """One PUT: weights, tags and mirror become exactly these, the rest stays as just read.
        Conflict, and nothing written, when the weights just read are not `expect`."""
        ...

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
    ) -> str: ...

    def delete_deployment(self, endpoint: str, name: str) -> str:
        """ "" also when it is gone already."""
        ...

    def delete_endpoint(self, name: str) -> str: ...

    def scoring_key(self, endpoint: str) -> str: ...

    def logs(self, endpoint: str, deployment: str, lines: int = 100) -> str: ...

    def tracking_uri(self) -> str: ...

    def datastore(self, name: str) -> Datastore: ...

    def default_datastore(self) -> Datastore: ...


Workspaces = Callable[[WorkspaceId, RegistryId | None], WorkspacePort]
"""A workspace, with the models of a registry instead of its own where one is given."""


@dataclass(frozen=True)
class Answer:
    """What an endpoint said. `headers` has lower-case names."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    seconds: float


class ScoringPort(Protocol):
    """Asks an online endpoint, or one deployment of it by name."""

    def score(
        self, uri: str, key: str, body: bytes, *, deployment: str | None, timeout: float, request_id: str
    ) -> Answer:
        """Any HTTP status is an Answer. Invalid when `uri` is not a scoring address of this cloud."""
        ...


@dataclass(frozen=True)
class DeploymentHealth:
    """What one deployment answered in a span. `errors` by class: 4xx, 424, 5xx."""

    requests: int
    errors: Mapping[str, int] = field(default_factory=dict[str, int])
    p95_ms: float | None = None


class MetricsPort(Protocol):
    """What deployments answered, as the platform counted it."""

    def health(
        self,
        workspace: WorkspaceId,
        endpoint: str,
        deployments: Sequence[str],
        since: datetime,
        until: datetime,
    ) -> Mapping[str, DeploymentHealth]:
        """A deployment without data is left out."""
        ...


@dataclass(frozen=True)
class Run:
    """One MLflow run. `status` is MLflow's word: RUNNING, SCHEDULED, FINISHED, FAILED, KILLED."""

    id: str
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    status: str
    start: datetime | None
    end: datetime | None
    user: str = ""
    parent: str | None = None
    owner: str = ""
    """Who began it, as the server recorded that: unlike `user`, no tag that anyone may edit."""


class RunsPort(Protocol):
    """MLflow tracking, read only."""

    def run(self, tracking_uri: str, run_id: str) -> Run | None: ...

    def children(self, tracking_uri: str, run_id: str) -> tuple[Run, ...]:
        """Runs whose parent is `run_id`, oldest first. NotFound when that run does not exist."""
        ...
