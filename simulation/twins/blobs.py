"""TwinBlobs: storage accounts in memory, with ETags, conditional copies and copies that take time."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from shared.blobs import check_place
from shared.errors import Conflict, Forbidden, NotFound, Refused
from shared.ports import Blob, ContainerPort, CopyState
from simulation.twins.clock import TwinClock
from simulation.twins.faults import Faults
from simulation.twins.ordered import Ordered

T = TypeVar("T")
_SIGNED_FOR = ("list", "read", "get_json")
"""What a SAS of ours lets do."""


@dataclass
class _Stored:
    data: bytes
    etag: str
    modified: datetime
    ripe: datetime | None = None  # a copy that is still arriving
    failed: bool = False

    def state(self, now: datetime) -> CopyState:
        if self.failed:
            return CopyState.FAILED
        return CopyState.PENDING if self.ripe and now < self.ripe else CopyState.DONE

    def readable(self, now: datetime) -> bool:
        return self.state(now) is CopyState.DONE


class TwinBlobs:
    """Satisfies `StoragePort`. Copies of more than `large` bytes take `copy_seconds`."""

    def __init__(
        self, clock: TwinClock, *, large: int = 256 * 1024 * 1024, copy_seconds: float = 30.0
    ) -> None:
        self.clock = clock
        self.large = large
        self.copy_seconds = copy_seconds
        self.faults = Faults(clock)
        self.bytes_read = 0
        self.stored: Ordered[tuple[str, str, str], _Stored] = Ordered()
        self.etags = itertools.count(1)
        self.sealed: set[str] = set()  # accounts that no identity of ours opens
        self.signed: dict[str, tuple[str, str, datetime]] = {}

    def container(self, account: str, container: str, sas: str = "") -> TwinContainer:
        check_place(account, container)
        return TwinContainer(self, account, container, sas)

    def sign(self, account: str, container: str, seconds: float) -> str:
        """A SAS that lists and reads a container."""
        sas = f"sig=twin{next(self.etags)}"
        self.signed[sas] = (account, container, self.clock.now() + timedelta(seconds=seconds))
        return sas

    def check_opened(self, account: str, container: str, sas: str) -> None:
        """Does the SAS, or without one the identity, open this container now?"""
        if not sas and account not in self.sealed:
            return
        *place, until = self.signed.get(sas, ("", "", self.clock.now()))
        if place != [account, container] or until <= self.clock.now():
            raise Forbidden(f"could not open {account}/{container}: 403 AuthenticationFailed")

    def etag(self) -> str:
        return f"0x{next(self.etags):016X}"


class TwinContainer:
    """Satisfies `ContainerPort`."""

    def __init__(self, storage: TwinBlobs, account: str, container: str, sas: str = "") -> None:
        self._storage = storage
        self._account = account
        self._container = container
        self._sas = sas

    @property
    def account(self) -> str:
        return self._account

    @property
    def container(self) -> str:
        return self._container

    # What a test arranges

    def write(self, name: str, data: bytes) -> None:
        """As somebody else would: unconditionally, with a new ETag."""
        self._storage.stored[self._key(name)] = _Stored(data, self._storage.etag(), self._storage.clock.now())

    def remove(self, name: str) -> None:
        del self._storage.stored[self._key(name)]

    def break_copy(self, name: str) -> None:
        self._storage.stored[self._key(name)].failed = True

    # ContainerPort

    def list(self, prefix: str) -> tuple[Blob, ...]:
        def effect() -> tuple[Blob, ...]:
            now, stored = self._storage.clock.now(), self._storage.stored
            here = itertools.takewhile(
                lambda key: key[:2] == (self._account, self._container) and key[2].startswith(prefix),
                stored.since(self._key(prefix)),
            )
            return tuple(
                Blob(key[2], blob.etag, len(blob.data), blob.state(now), blob.modified.replace(microsecond=0))
                for key in here
                for blob in (stored[key],)
            )

        return self._around("list", effect)

    def folders(self, prefix: str) -> tuple[str, ...]:
        here = (blob.name.removeprefix(prefix) for blob in self.list(prefix))
        return tuple(sorted({f"{prefix}{rest.partition('/')[0]}/" for rest in here if "/" in rest}))

    def readable_url(self, name: str) -> str:
        return f"https://{self._account}.blob.twin/{self._container}/{quote(name)}?{self._sas or 'sig=twin'}"

    def copy_from(self, source: ContainerPort, blob: Blob, name: str) -> CopyState:
        def effect() -> CopyState:
            storage = self._storage
            if self._key(name) in storage.stored:
                raise Conflict(f"{name} exists already in {self._container}")
            parts = urlsplit(source.readable_url(blob.name))
            account, (_, container, path) = str(parts.hostname).partition(".")[0], parts.path.split("/", 2)
            if account in storage.sealed:
                storage.check_opened(account, container, parts.query)
            found = storage.stored.get((account, container, unquote(path)))
            if found is None:
                raise NotFound(f"{blob.name} does not exist in {container}")
            if found.etag != blob.etag:
                raise Refused(f"{blob.name} has changed since it was listed", code="SourceChanged")
            wait = storage.copy_seconds if len(found.data) > storage.large else 0.0
            now = storage.clock.now()
            made = _Stored(found.data, storage.etag(), now, now + timedelta(seconds=wait) if wait else None)
            storage.stored[self._key(name)] = made
            return made.state(now)

        return self._around("copy_from", effect)

    def read(self, blob: Blob, start: int, length: int) -> bytes:
        def effect() -> bytes:
            found = self._storage.stored.get(self._key(blob.name))
            if found is None or found.etag != blob.etag or not found.readable(self._storage.clock.now()):
                raise Conflict(f"{blob.name} is not what was listed")
            part = found.data[start : start + length]
            self._storage.bytes_read += len(part)
            return part

        return self._around("read", effect)

    def put(self, name: str, data: bytes, kind: str) -> str:
        return self._inserted("put", name, data)

    def put_json(self, name: str, payload: object) -> str:
        return self._inserted("put_json", name, json.dumps(payload, sort_keys=True).encode())

    def _inserted(self, operation: str, name: str, data: bytes) -> str:
        def effect() -> str:
            if self._key(name) in self._storage.stored:
                raise Conflict(f"{name} exists already in {self._container}")
            self.write(name, data)
            return self._storage.stored[self._key(name)].etag

        return self._around(operation, effect)

    def get_json(self, name: str) -> Any | None:
        def effect() -> Any | None:
            found = self._storage.stored.get(self._key(name))
            return json.loads(found.data) if found else None

        return self._around("get_json", effect)

    def _key(self, name: str) -> tuple[str, str, str]:
        return self._account, self._container, name

    def _around(self, operation: str, effect: Callable[[], T]) -> T:
        self._storage.check_opened(self._account, self._container, self._sas)
        if self._sas and operation not in _SIGNED_FOR:
            raise Forbidden(f"could not {operation}: 403 AuthorizationPermissionMismatch")
        return self._storage.faults.around(operation, effect)
