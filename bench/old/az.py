"""The `az ml` commands that the old script calls, over one workspace: a twin, or the real adapter.

A command is a generator: it yields the seconds it waits, so that two scripts can take turns; it raises what
the service refused. Like the real one it repeats calls that got a 5xx or no answer three times, a 409 never,
and it returns only when the long-running operation has ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from shared.errors import GreenlightError, NotFound, Refused, Unavailable, Unknown
from shared.model_uri import ModelUri
from shared.ports import Deployment, ModelVersion, ScoringPort, WorkspacePort
from simulation.twins.online import IN_FLIGHT
from simulation.twins.workspace import TwinWorkspace
from tests.engine.town import Town

T = TypeVar("T")
Waits = Generator[float, None, T]

RETRIES = (0.0, 1.6, 3.2)
ENDPOINT_POLL, DEPLOYMENT_POLL = 30.0, 5.0
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


class AzOnline:
    """Logged in to one workspace: what `az ml online-*` does, and how the SDK below it sends and waits."""

    def __init__(self, workspace: WorkspacePort, scoring: ScoringPort) -> None:
        self._workspace = workspace
        self._scoring = scoring

    def newest(self, name: str) -> Waits[ModelVersion | None]:
        """`model list … [0]`, and what `@latest` means in a deployment file."""

        def listed() -> list[ModelVersion]:
            return self._workspace.models_since(lambda other: other == name, BEGINNING, 1000)

        found = yield from self._sent(listed)
        return found[-1] if found else None

    def endpoints_called(self, name: str) -> Waits[int]:
        """`online-endpoint list | wc -l`: a failed listing counts as none, for `wc` succeeds."""
        try:
            found = yield from self._sent(lambda: self._workspace.endpoint(name))
        except GreenlightError:
            return 0
        return 0 if found is None else 1

    def create_endpoint(self, name: str) -> Waits[None]:
        yield from self._sent(lambda: self._workspace.create_endpoint(name, tags={}))
        yield from self._endpoint_done(name)

    def tag(self, name: str) -> Waits[str]:
        """`online-endpoint show --query tags.prod`; nothing is printed for one that is not there."""
        endpoint = yield from self._sent(lambda: self._workspace.endpoint(name))
        if endpoint is None:
            raise NotFound(f"endpoint {name}")
        return endpoint.tags.get("prod", "")

    def update_endpoint(self, name: str, tag: str, traffic: Mapping[str, int] | None = None) -> Waits[None]:
        """`online-endpoint update --set tags.prod [--traffic]`: reads the whole object, writes it back."""
        endpoint = yield from self._sent(lambda: self._workspace.endpoint(name))
        if endpoint is None:
            raise NotFound(f"endpoint {name}")
        weights = endpoint.traffic if traffic is None else {n: w for n, w in traffic.items() if w}
        tags = {**endpoint.tags, "prod": tag}
        yield from self._sent(lambda: self._workspace.write_traffic(name, weights, tags))
        yield from self._endpoint_done(name)

    def create_deployment(self, endpoint: str, name: str, model: str) -> Waits[None]:
        """`online-deployment create` from a file that says `model: azureml:…@latest`."""
        latest = yield from self.newest(model)
        if latest is None:
            raise NotFound(f"model {model}@latest")
        yield from self._sent(
            lambda: self._workspace.create_deployment(
                endpoint, name, model=(model, latest.version), instance_type="Standard_DS2_v2",
                instance_count=1, tags={},
            )
        )  # fmt: skip
        while (made := (yield from self._deployment(endpoint, name))).state in IN_FLIGHT:
            yield DEPLOYMENT_POLL
        if made.state != "Succeeded":
            raise Refused(f"deployment {name} is {made.state}")

    def delete_deployment(self, endpoint: str, name: str) -> Waits[None]:
        """`online-deployment delete --yes --no-wait`; an empty name is a usage error."""
        if not name:
            raise Refused("expected one argument", code="usage")
        yield from self._sent(lambda: self._workspace.delete_deployment(endpoint, name))

    def invoke(self, endpoint: str, deployment: str, body: bytes) -> Waits[None]:
        """`online-endpoint invoke --deployment --request-file`: looks at the status, not at the answer."""
        found = yield from self._sent(lambda: self._workspace.endpoint(endpoint))
        if found is None or not any(d.name == deployment for d in self._workspace.deployments(endpoint)):
            raise NotFound(f"deployment {deployment} below {endpoint}")
        key = yield from self._sent(lambda: self._workspace.scoring_key(endpoint))
        answer = self._scoring.score(
            found.scoring_uri, key, body, deployment=deployment, timeout=60.0, request_id="invoke"
        )
        if answer.status >= 400:
            raise Refused(f"{deployment} answered {answer.status}", code=str(answer.status))

    # ---- how the SDK below it sends and waits

    def _sent(self, call: Callable[[], T]) -> Waits[T]:
        for pause in RETRIES:
            try:
                return call()
            except (Unavailable, Unknown):
                yield pause
        return call()

    def _endpoint_done(self, name: str) -> Waits[None]:
        while (endpoint := (yield from self._sent(lambda: self._workspace.endpoint(name)))) is not None:
            if endpoint.state not in IN_FLIGHT:
                break
            yield ENDPOINT_POLL
        if endpoint is None or endpoint.state != "Succeeded":
            raise Refused(f"endpoint {name} is {endpoint.state if endpoint else 'gone'}")

    def _deployment(self, endpoint: str, name: str) -> Waits[Deployment]:
        listed = yield from self._sent(lambda: self._workspace.deployments(endpoint))
        found = next((d for d in listed if d.name == name), None)
        if found is None:
            raise NotFound(f"deployment {name} below {endpoint}")
        return found


class Az(AzOnline):
    """The same with the files of models: they pass through the agent's disk."""

    def __init__(self, town: Town, workspace: TwinWorkspace) -> None:
        super().__init__(workspace, town.scoring)
        self._blobs = town.blobs

    def download(self, name: str, version: str) -> Waits[dict[str, bytes]]:
        """`model download`: relative path -> bytes, on the agent's disk."""
        model = yield from self._sent(lambda: self._workspace.model(name, version))
        if model is None:
            raise NotFound(f"model {name}:{version}")
        place = ModelUri.parse(model.uri, self._workspace.id)
        store = self._workspace.datastore(place.datastore)
        container = self._blobs.container(store.account, store.container)
        blobs = yield from self._sent(lambda: container.list(f"{place.path}/"))
        disk: dict[str, bytes] = {}
        for blob in blobs:
            data = yield from self._sent(lambda blob=blob: container.read(blob, 0, blob.size))
            disk[blob.name.removeprefix(f"{place.path}/")] = data
        return disk

    def create_model(self, name: str, version: str, disk: Mapping[str, bytes]) -> Waits[None]:
        """`model create --path`: uploads below the hash of the content, registers with nothing else."""
        content = hashlib.sha256(b"".join(path.encode() + data for path, data in sorted(disk.items())))
        folder = f"LocalUpload/{content.hexdigest()[:32]}/{name}"
        store = self._workspace.default_datastore()
        container = self._blobs.container(store.account, store.container)
        for path, data in disk.items():
            container.write(f"{folder}/{path}", data)
        uri = f"azureml://datastores/{store.name}/paths/{folder}"
        yield from self._sent(
            lambda: self._workspace.register(
                name, version, uri=uri, type="mlflow_model", tags={}, properties={}
            )
        )
