"""The seam to blobs: containers, opened by identity. See ports.py for what every port promises."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol


class CopyState(enum.StrEnum):
    """How far a server-side copy is. A blob that was written in another way is DONE."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True)
class Blob:
    """One blob as listed. A PENDING one has its full size but not yet its bytes."""

    name: str
    etag: str
    size: int
    copy: CopyState = CopyState.DONE
    modified: datetime = field(default=datetime(1, 1, 1, tzinfo=UTC), compare=False)
    """When the service took it, in whole seconds; no part of which blob it is."""


@dataclass(frozen=True)
class Place:
    """Where files are. `sas`: what opens the container, where identity does not; a secret, never shown."""

    account: str
    container: str
    path: str
    sas: str = field(default="", repr=False)


class ContainerPort(Protocol):
    """One blob container, opened by identity or by a SAS."""

    @property
    def account(self) -> str: ...

    @property
    def container(self) -> str: ...

    def list(self, prefix: str) -> tuple[Blob, ...]:
        """Blobs whose name starts with `prefix`, sorted by name."""
        ...

    def folders(self, prefix: str) -> tuple[str, ...]:
        """What names that start with `prefix` have up to the next slash, sorted: each ends with it."""
        ...

    def readable_url(self, name: str) -> str:
        """Where another account may copy this blob from, for a short time. A secret: never logged."""
        ...

    def copy_from(self, source: ContainerPort, blob: Blob, name: str) -> CopyState:
        """Start a server-side copy of exactly `blob`, and return at once. Conflict when `name` exists,
        Refused(code="SourceChanged") when the source is no longer that blob."""
        ...

    def read(self, blob: Blob, start: int, length: int) -> bytes:
        """A range of exactly `blob`. Conflict when it has changed or is gone."""
        ...

    def put(self, name: str, data: bytes, kind: str) -> str:
        """Insert-if-absent, in one request; returns the ETag. `kind`: its media type. Conflict: it exists."""
        ...

    def put_json(self, name: str, payload: object) -> str:
        """The same with JSON."""
        ...

    def get_json(self, name: str) -> Any | None: ...


class StoragePort(Protocol):
    """Opens containers by account and name. Raises Invalid for names that cannot be Azure's."""

    def container(self, account: str, container: str, sas: str = "") -> ContainerPort:
        """`sas`: reads and lists by it, for as long as it lasts; empty: by identity."""
        ...
