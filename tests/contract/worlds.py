"""Two worlds for one suite: the twins in memory, and the local cloud through the real adapters.

A test arranges through a world what the ports cannot (files, broken models, somebody else's writes) and asks
it to let time pass until something holds.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

import requests
from azure.storage.blob import BlobServiceClient

from local import faults
from local.config import REGION, REGISTRY, SUFFIX, LocalConfig
from shared.arm_id import WorkspaceId
from shared.azure import credential
from shared.blobs import Storage
from shared.clock import SystemClock
from shared.metrics import AzureMonitor
from shared.ports import MetricsPort, RunsPort, ScoringPort, StoragePort, WorkspacePort
from shared.registry_id import RegistryId
from shared.rights import Granted
from shared.runs import Runs
from shared.scoring import Scoring
from shared.workspace import Workspace
from simulation.twins import (
    Answers,
    Region,
    TwinBlobs,
    TwinClock,
    TwinMetrics,
    TwinRegistry,
    TwinRuns,
    TwinScoring,
    TwinWorkspace,
)
from tests.contract import sharing
from tests.contract.clouds import LOCAL
from tests.contract.sharing import TwinSharing
from tests.running import eventually

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
PATIENCE = 45.0
ENVIRONMENTS = ("dev", "qa")
REQUEST = b'{"input_data": {"columns": ["a"], "index": [0], "data": [[0.5]]}}'


class World(Protocol):
    """What a test needs besides the ports. Names are fresh in every world: suites share one cloud."""

    storage: StoragePort
    scoring: ScoringPort
    runs: RunsPort
    identity: str
    scoring_host: str
    metrics: MetricsPort

    def workspace(self, env: str) -> WorkspacePort: ...

    def sourced(self) -> WorkspacePort:
        """dev, with the models of the registry."""
        ...

    def share(self, name: str, version: str, tags: dict[str, str] | None = None) -> None:
        """Somebody shares a version to the registry: a folder that can be deployed."""
        ...

    def archive_shared(self, name: str, version: str) -> None: ...

    def name(self, stem: str) -> str: ...

    def write(self, env: str, path: str, data: bytes) -> None:
        """Somebody writes a file into the default datastore of `env`."""
        ...

    def model_files(self, env: str, path: str) -> None:
        """A folder that can be deployed. Takes some time."""
        ...

    def delete_model(self, env: str, name: str, version: str) -> None:
        """Somebody deletes a version, which no port of ours can."""
        ...

    def break_model(self, env: str, name: str, version: str, code: str) -> None: ...

    def slow_model(self, env: str, name: str) -> None:
        """Its deployments take longer than a few calls."""
        ...

    def forbid(self, env: str, action: str) -> None:
        """The identity's role lacks this action, once somebody asks."""
        ...

    def asked(self, env: str, endpoint: str, times: int) -> datetime:
        """That many requests come to an endpoint. When a minute before them began."""
        ...

    def failing_model(self, env: str, name: str) -> None:
        """Its deployments fail every request."""
        ...

    def now(self) -> datetime: ...

    def until(self, condition: Callable[[], T], what: str) -> T: ...


class TwinWorld(TwinSharing):
    def __init__(self) -> None:
        self.clock = TwinClock()
        self.identity = "44444444-0000-4000-8000-000000000001"
        self.scoring_host = "westeurope.inference.ml.azure.com"
        region = Region(self.scoring_host)
        self.twins = {e: self._twin(e, region) for e in ENVIRONMENTS}
        self.storage = TwinBlobs(self.clock)
        self.scoring = TwinScoring(*self.twins.values())
        self.registry = TwinRegistry(RegistryId(REGISTRY.name), self.clock, self.storage)
        self.runs = TwinRuns(self.clock)
        self.metrics = TwinMetrics(*self.twins.values())

    def _twin(self, env: str, region: Region) -> TwinWorkspace:
        group = f"/subscriptions/{'0' * 8}-0000-4000-8000-{'0' * 12}/resourceGroups/rg-{env}"
        place = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/mlw-{env}"
        return TwinWorkspace(WorkspaceId.parse(place), self.clock, region=region, identity=self.identity)

    def workspace(self, env: str) -> TwinWorkspace:
        return self.twins[env]

    def name(self, stem: str) -> str:
        return stem

    def write(self, env: str, path: str, data: bytes) -> None:
        store = self.twins[env].default_datastore()
        self.storage.container(store.account, store.container).write(path, data)

    def model_files(self, env: str, path: str) -> None:
        self.write(env, f"{path}/MLmodel", b"flavors: {}")
        self.clock.advance(1)

    def delete_model(self, env: str, name: str, version: str) -> None:
        self.twins[env].delete_model(name, version)

    def break_model(self, env: str, name: str, version: str, code: str) -> None:
        self.twins[env].breaks[name, version] = f"{code}: told to fail"

    def slow_model(self, env: str, name: str) -> None:
        """As ever: time stands still until `until`."""

    def forbid(self, env: str, action: str) -> None:
        self.twins[env].roles[:] = [Granted(("*",), (action,))]

    def asked(self, env: str, endpoint: str, times: int) -> datetime:
        began = self.clock.now()
        self.metrics.load = times
        self.clock.advance(60)
        return began

    def failing_model(self, env: str, name: str) -> None:
        self.metrics.answers[name, "1"] = Answers(failing=1.0)

    def now(self) -> datetime:
        return self.clock.now()

    def until(self, condition: Callable[[], T], what: str) -> T:
        for _ in range(120):
            if answer := condition():
                return answer
            self.clock.advance(1)
        raise AssertionError(f"not within two minutes: {what}")


class CloudWorld:
    """The real adapters on the local cloud. Needs its addresses and the identity's in the environment."""

    _numbers = itertools.count(1)

    def __init__(
        self, config: LocalConfig, model: Callable[[], Path], workspaces: dict[str, WorkspacePort]
    ) -> None:
        self._config = config
        self._model = model
        self._workspaces = workspaces
        self._suffix = next(self._numbers)
        identity = credential(LOCAL)
        self.identity = "44444444-0000-4000-8000-000000000001"
        self.scoring_host = f"{REGION}.inference.{SUFFIX}"
        self.storage = Storage(LOCAL, identity, SystemClock())
        self.scoring = Scoring(LOCAL)
        self.runs = Runs(LOCAL, identity)
        self.metrics = AzureMonitor(LOCAL, identity, pace=config.pace)

    def sourced(self) -> WorkspacePort:
        return sharing.sourced(self._workspaces)

    def share(self, name: str, version: str, tags: dict[str, str] | None = None) -> None:
        path = f"models/{name}/{version}"
        self.model_files("dev", path)
        sharing.share(self.workspace("dev"), path, name, version, tags or {})

    def archive_shared(self, name: str, version: str) -> None:
        sharing.archive(name, version)

    @staticmethod
    def open(config: LocalConfig) -> dict[str, WorkspacePort]:
        """One client per workspace for the whole session: each costs a while."""
        identity = credential(LOCAL)
        return {w.env: Workspace(WorkspaceId.parse(w.id), LOCAL, identity) for w in config.workspaces}

    def workspace(self, env: str) -> WorkspacePort:
        return self._workspaces[env]

    def name(self, stem: str) -> str:
        return f"{stem}-{self._suffix}"

    def write(self, env: str, path: str, data: bytes) -> None:
        place = next(w for w in self._config.workspaces if w.env == env)
        with BlobServiceClient.from_connection_string(
            self._config.connection_string(place.account),
            connection_verify=str(self._config.ca_bundle),
            use_env_settings=False,
        ) as client:
            client.get_blob_client(place.container, path).upload_blob(data, overwrite=True)

    def model_files(self, env: str, path: str) -> None:
        folder = self._model()
        for file in folder.rglob("*"):
            if file.is_file():
                self.write(env, f"{path}/{file.relative_to(folder).as_posix()}", file.read_bytes())

    def delete_model(self, env: str, name: str, version: str) -> None:
        place = next(w for w in self._config.workspaces if w.env == env)
        url = f"{LOCAL.arm}{place.id}/models/{name}/versions/{version}?api-version=2023-08-01-preview"
        token = credential(LOCAL).get_token(f"{LOCAL.arm}/.default").token
        assert (
            requests.delete(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code == 200
        )

    def break_model(self, env: str, name: str, version: str, code: str) -> None:
        faults.add(
            self._config,
            {
                "on": "operation",
                "workspace": env,
                "verb": "deployment_put",
                "model": name,
                "version": version,
                "code": code,
                "message": "told to fail",
            },
        )

    def slow_model(self, env: str, name: str) -> None:
        rule = {"on": "operation", "workspace": env, "verb": "deployment_put", "model": name, "seconds": 3}
        faults.add(self._config, rule)

    def forbid(self, env: str, action: str) -> None:
        rule = {"on": "rights", "workspace": env, "actions": ["*"], "not_actions": [action], "times": 1}
        faults.add(self._config, rule)

    def asked(self, env: str, endpoint: str, times: int) -> datetime:
        minute = 60 / self._config.pace
        began = datetime.fromtimestamp(time.time() // minute * minute, UTC)
        workspace = self.workspace(env)
        found = workspace.endpoint(endpoint)
        assert found is not None
        key = workspace.scoring_key(endpoint)
        for number in range(times):
            self.scoring.score(
                found.scoring_uri, key, REQUEST, deployment=None, timeout=10, request_id=f"load-{number}"
            )
        return began

    def failing_model(self, env: str, name: str) -> None:
        faults.add(self._config, {"on": "score", "workspace": env, "model": name, "status": 500})

    def now(self) -> datetime:
        return datetime.now(UTC)

    def until(self, condition: Callable[[], T], what: str) -> T:
        return eventually(condition, PATIENCE, what)
