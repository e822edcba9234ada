"""Moves files between a job's folders and the workspace's blob containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from azure.storage.blob import BlobServiceClient

    from local.config import LocalConfig


@dataclass(frozen=True)
class Place:
    """A blob, or everything below a path."""

    account: str
    container: str
    path: str

    def below(self, name: str) -> Place:
        return Place(self.account, self.container, f"{self.path.strip('/')}/{name}")


class Files:
    """Blocking; called from worker threads. One client per account: each has its own TLS context."""

    def __init__(self, config: LocalConfig) -> None:
        self._config = config
        self._clients: dict[str, BlobServiceClient] = {}

    def download(self, place: Place, folder: Path) -> Path:
        """The local path of the blob, or of the folder that holds all that is below the path."""
        container = self._account(place.account).get_container_client(place.container)
        path = place.path.strip("/")
        names = list(container.list_blob_names(name_starts_with=path))
        if path and path in names:
            names, root = [path], path.rpartition("/")[0]
        else:
            names, root = [n for n in names if not path or n.startswith(f"{path}/")], path
        if not names:
            raise FileNotFoundError(f"there is nothing at {place.account}/{place.container}/{path}")
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            target = folder / name[len(root) :].lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as sink:
                container.download_blob(name).readinto(sink)
        return folder / names[0].rpartition("/")[2] if names == [path] else folder

    def upload(self, source: Path, place: Place) -> None:
        """A file becomes that blob; a folder's files become blobs below the path."""
        container = self._account(place.account).get_container_client(place.container)
        if source.is_file():
            found = [(source, place.path.strip("/"))]
        else:
            files = sorted(p for p in source.rglob("*") if p.is_file())
            found = [(p, f"{place.path.strip('/')}/{p.relative_to(source).as_posix()}") for p in files]
        for path, name in found:
            with path.open("rb") as data:
                container.upload_blob(name, data, overwrite=True)

    def _account(self, name: str) -> BlobServiceClient:
        from azure.storage.blob import BlobServiceClient

        if name not in self._clients:
            self._clients[name] = BlobServiceClient.from_connection_string(
                self._config.connection_string(name), connection_verify=str(self._config.ca_bundle)
            )
        return self._clients[name]
