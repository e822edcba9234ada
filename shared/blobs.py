"""Blobs by identity: listing, pinned reads, server-side copies, small JSON payloads.

No account keys: a copy between accounts is authorised at its source by a user-delegation SAS for that one
blob, or by the SAS that the container was opened with. A write happens once (no retries) and is always
conditional; a copy is started, never awaited.
"""

from __future__ import annotations

import json
import re
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.azure import AzureCloud
from shared.clock import Clock
from shared.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from shared.failures import from_azure, translated
from shared.model_uri import checked_path
from shared.ports import Blob, ContainerPort, CopyState

if TYPE_CHECKING:
    from azure.core.credentials import AzureSasCredential, TokenCredential
    from azure.core.exceptions import HttpResponseError
    from azure.storage.blob import BlobClient, BlobProperties, BlobServiceClient, UserDelegationKey

SYNC_LIMIT = 256 * 1024 * 1024  # the service copies more than this in the background only
_SAS_LIFE = timedelta(hours=6)  # a large copy inside a region takes minutes
_CLOCK_SKEW = timedelta(minutes=15)
_CONNECT_SECONDS = 5.0
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")


class Storage:
    """Opens containers. One client per account; `accounts`, when given, are the only ones it will talk to."""

    def __init__(
        self,
        cloud: AzureCloud,
        credential: TokenCredential,
        clock: Clock,
        *,
        timeout: float = 20.0,
        accounts: frozenset[str] | None = None,
    ) -> None:
        self._cloud = cloud
        self._credential = credential
        self._clock = clock
        self._timeout = timeout
        self._accounts = accounts
        self._lock = threading.Lock()
        self._services: dict[str, BlobServiceClient] = {}
        self._keys: dict[str, tuple[UserDelegationKey, datetime]] = {}

    def container(self, account: str, container: str, sas: str = "") -> Container:
        """Raises Invalid for names that cannot be Azure's, or an account that is not allowed."""
        check_place(account, container)
        if self._accounts is not None and account not in self._accounts:
            raise Invalid(f"storage account {account} is not one of those that this installation uses")
        return Container(self, account, container, sas)

    def service(self, account: str) -> BlobServiceClient:
        with self._lock:
            if account not in self._services:
                self._services[account] = self._opened(account, self._credential)
            return self._services[account]

    def signed(self, account: str, sas: str) -> BlobServiceClient:
        """By a signature; nobody keeps it, for it expires."""
        from azure.core.credentials import AzureSasCredential

        return self._opened(account, AzureSasCredential(sas))

    def _opened(self, account: str, credential: TokenCredential | AzureSasCredential) -> BlobServiceClient:
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient(
            self._cloud.blob_url(account),
            credential,
            connection_timeout=_CONNECT_SECONDS,
            read_timeout=self._timeout,
            retry_total=0,
            permit_redirects=False,
        )

    def delegation(self, account: str) -> tuple[UserDelegationKey, datetime]:
        """A key to sign SAS with, and until when; asked anew when less than half of its life is left."""
        now = self._clock.now()
        with self._lock:
            kept = self._keys.get(account)
        if kept is not None and kept[1] - now > _SAS_LIFE / 2:
            return kept
        expiry = now + _SAS_LIFE
        with translated(f"sign reads of storage account {account}"):
            key = self.service(account).get_user_delegation_key(now - _CLOCK_SKEW, expiry)
        with self._lock:
            self._keys[account] = (key, expiry)
        return key, expiry


class Container:
    """Satisfies `ContainerPort`."""

    def __init__(self, storage: Storage, account: str, container: str, sas: str = "") -> None:
        self._storage = storage
        self._account = account
        self._container = container
        self._sas = sas
        self._signed = storage.signed(account, sas) if sas else None

    @property
    def account(self) -> str:
        return self._account

    @property
    def container(self) -> str:
        return self._container

    def list(self, prefix: str) -> tuple[Blob, ...]:
        client = self._service.get_container_client(self._container)
        with translated(f"list {self._told(prefix)}"):
            found = client.list_blobs(name_starts_with=prefix, include=["copy", "metadata"])
            return tuple(sorted((_blob(b) for b in found if not _is_folder(b)), key=lambda b: b.name))

    def folders(self, prefix: str) -> tuple[str, ...]:
        from azure.storage.blob import BlobPrefix

        client = self._service.get_container_client(self._container)
        with translated(f"list {self._told(prefix)}"):
            found = client.walk_blobs(name_starts_with=prefix, delimiter="/")
            return tuple(sorted(str(each.name) for each in found if isinstance(each, BlobPrefix)))

    def readable_url(self, name: str) -> str:
        if self._sas:
            return f"{self._client(name).url}?{self._sas}"
        from azure.storage.blob import BlobSasPermissions, generate_blob_sas

        key, expiry = self._storage.delegation(self._account)
        signature = generate_blob_sas(
            self._account,
            self._container,
            name,
            user_delegation_key=key,
            permission=BlobSasPermissions(read=True),
            expiry=expiry,
        )
        return f"{self._client(name).url}?{signature}"

    def copy_from(self, source: ContainerPort, blob: Blob, name: str) -> CopyState:
        from azure.core import MatchConditions
        from azure.core.exceptions import AzureError, HttpResponseError

        target = self._client(checked_path(name))
        url = source.readable_url(blob.name)
        doing = f"copy {source.account}/{source.container}/{blob.name} to {self._told(name)}"
        try:
            answer = target.start_copy_from_url(
                url,
                requires_sync=True if blob.size <= SYNC_LIMIT else None,
                source_etag=_quoted(blob.etag),
                source_match_condition=MatchConditions.IfNotModified,
                match_condition=MatchConditions.IfMissing,
            )
        except HttpResponseError as error:
            raise self._copy_refusal(target, doing, error) from error
        except AzureError as error:
            raise from_azure(doing, error) from error
        return _COPY_STATES.get(str(answer.get("copy_status")), CopyState.FAILED)

    def read(self, blob: Blob, start: int, length: int) -> bytes:
        from azure.core import MatchConditions

        try:
            with translated(f"read {self._told(blob.name)}"):
                stream = self._client(blob.name).download_blob(
                    offset=start,
                    length=length,
                    etag=_quoted(blob.etag),
                    match_condition=MatchConditions.IfNotModified,
                    max_concurrency=1,
                )
                data = stream.readall()
        except NotFound as error:
            raise Conflict(str(error)) from error
        if len(data) != length:
            raise Unavailable(f"read {len(data)} of {length} bytes of {self._told(blob.name)}")
        return data

    def put_json(self, name: str, payload: object) -> str:
        data = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
        return self.put(name, data, "application/json")

    def put(self, name: str, data: bytes, kind: str) -> str:
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.blob import ContentSettings

        settings = ContentSettings(content_type=kind)
        with translated(f"write {self._told(name)}"):
            try:
                done = self._client(checked_path(name)).upload_blob(data, content_settings=settings)
            except ResourceExistsError as error:
                raise Conflict(f"{self._told(name)} exists already") from error
        return _bare(str(done["etag"]))

    def get_json(self, name: str) -> Any | None:
        try:
            with translated(f"read {self._told(name)}"):
                data = self._client(checked_path(name)).download_blob(max_concurrency=1).readall()
        except NotFound:
            return None
        try:
            return json.loads(data)
        except ValueError as error:
            raise Invalid(f"{self._told(name)} is not JSON: {error}") from error

    def _copy_refusal(self, target: BlobClient, doing: str, error: HttpResponseError) -> Exception:
        """409 and 412 do not always say which of the two conditions lost: then the target is looked at."""
        code = str(getattr(error, "error_code", "") or "")
        if error.status_code not in (409, 412):
            return from_azure(doing, error)
        with translated(doing):
            lost = code in ("BlobAlreadyExists", "TargetConditionNotMet", "PendingCopyOperation")
            if lost or (code != "SourceConditionNotMet" and target.exists()):
                return Conflict(f"could not {doing}: the target exists already")
        if error.status_code == 412:
            return Refused(
                f"could not {doing}: the source has changed since it was listed", code="SourceChanged"
            )
        return from_azure(doing, error)

    def _client(self, name: str) -> BlobClient:
        return self._service.get_blob_client(self._container, name)

    @property
    def _service(self) -> BlobServiceClient:
        return self._signed or self._storage.service(self._account)

    def _told(self, name: str) -> str:
        return f"{self._account}/{self._container}/{name}"


def check_place(account: str, container: str) -> None:
    """Names that come from a datastore go into a host name and a path: nothing but Azure's own shape may."""
    if not _ACCOUNT.fullmatch(account):
        raise Invalid(
            f"{account[:80]!r} is not the name of a storage account (3 to 24 lower-case letters, digits)"
        )
    if not _CONTAINER.fullmatch(container):
        raise Invalid(f"{container[:80]!r} is not the name of a blob container")


_COPY_STATES = {"success": CopyState.DONE, "pending": CopyState.PENDING}


def _blob(found: BlobProperties) -> Blob:
    status = found.copy.status
    state = _COPY_STATES.get(status, CopyState.FAILED) if status else CopyState.DONE
    return Blob(found.name, _bare(found.etag), found.size, state, found.last_modified)


def _is_folder(found: BlobProperties) -> bool:
    """Accounts with a hierarchical namespace list folders as empty blobs with this mark."""
    return (found.metadata or {}).get("hdi_isfolder") == "true"


def _bare(etag: str) -> str:
    """Listings give ETags without quotes, answers with them."""
    return etag.strip('"')


def _quoted(etag: str) -> str:
    return f'"{_bare(etag)}"'
