"""Trained once, registered often: versions whose bytes differ by a note, without training each."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from azure.core.credentials import AccessToken

from local import identity
from local.appsettings import ROOT
from shared.digest import Entry, Manifest, manifest_digest
from shared.model_uri import DEFAULT_STORE, ModelUri
from shared.workspace import Workspace

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

    from local.config import LocalConfig
    from tests.cloud.inside import Inside

TRAINED = "ready-made"  # a name that greenlight.yaml does not match: nobody promotes it
AUTHOR = "author"
TRAIN_SECONDS = 180


class Person:
    """One of the local people as an azure-identity style credential."""

    def __init__(self, config: LocalConfig, key: str) -> None:
        self._config = config
        self._key = key

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        audience = scopes[0].removesuffix("/.default").rstrip("/")
        return AccessToken(identity.issue_token(self._config, self._key, audience), int(time.time()) + 3600)


class ReadyModels:
    """A trained model's files and the run that measured it: versions of any name are made from them."""

    def __init__(self, inside: Inside) -> None:
        self._config = inside.config
        source = inside.app.policy.source.workspace
        self._workspace = Workspace(
            inside.app.engine.outside.workspace(source).id,
            inside.app.settings.cloud,
            Person(inside.config, AUTHOR),
        )
        trained = self._train()
        self._run_id = trained["run_id"]
        found = self._workspace.model(TRAINED, trained["version"])
        assert found is not None
        folder = ModelUri.parse(found.uri, self._workspace.id).path
        self._container = self._open()
        self._files = {
            blob.name[len(folder) + 1 :]: self._container.download_blob(blob.name).readall()
            for blob in self._container.list_blobs(name_starts_with=f"{folder}/")
        }

    @property
    def files(self) -> int:
        """How many files a version has."""
        return len(self._files) + 1

    def register(self, name: str, version: str) -> str:
        """Upload and register as the author would; the digest that Greenlight must find."""
        folder = f"ready/{name}/{version}"
        files = self._files | {"note.txt": f"{name} {version}".encode()}
        for path, data in files.items():
            self._container.upload_blob(f"{folder}/{path}", data, overwrite=True)
        self._workspace.register(
            name,
            version,
            uri=ModelUri(DEFAULT_STORE, folder).uri(self._workspace.id),
            type="mlflow_model",
            tags={"run_id": self._run_id},
            properties={},
        )
        return _digest(files)

    def _train(self) -> dict[str, Any]:
        uri = f"{self._config.arm_url}/mlflow/v1.0{self._config.workspaces[0].id}"
        command = [sys.executable, "-m", "ml.quick", "--variant", "modest", "--name", TRAINED]
        token = identity.issue_token(self._config, AUTHOR, self._config.arm_url)
        done = subprocess.run(
            [*command, "--tracking-uri", uri],
            cwd=ROOT,
            env={**os.environ, **self._config.client_env(), "MLFLOW_TRACKING_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=TRAIN_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout[done.stdout.index("{") :])

    def _open(self) -> ContainerClient:
        """As the owner of the account, straight to it: the author's upload is not what is measured."""
        from azure.storage.blob import BlobServiceClient

        place = self._config.workspaces[0]
        service = BlobServiceClient.from_connection_string(
            self._config.connection_string(place.account),
            connection_verify=str(self._config.ca_bundle),
            use_env_settings=False,
        )
        return service.get_container_client(place.container)


def _digest(files: dict[str, bytes]) -> str:
    """As docs/concepts.md defines it, from the bytes at hand (each file is smaller than one range)."""
    hashes = {path: (hashlib.sha256(data).hexdigest(),) for path, data in files.items()}
    entries = (Entry(path, len(files[path]), "", hashes[path]) for path in sorted(files))
    return manifest_digest(Manifest(tuple(entries)))
