"""One Azure ML registry, read: its models, and where their files are.

Plain requests to its data plane, as Microsoft documents them. azure-ai-ml would read registries, too; but it
sends its token wherever the discovery service points, does not say which versions are archived, and has no
call for the reference that opens a version's files.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from shared.asking import Ask
from shared.azure import AzureCloud
from shared.blobs import check_place
from shared.errors import Invalid, NotFound, Refused, Unavailable
from shared.failures import from_status
from shared.model_uri import checked_path
from shared.ports import ModelVersion, Place
from shared.registry_id import RegistryId

_DISCOVERY = "registrymanagement/v1.0/registries"
_FRONT = "mferp/managementfrontend"
_API = "2021-10-01-dataplanepreview"
_PROVIDER = "Microsoft.MachineLearningServices"
_FRACTION = re.compile(r"(\.\d{6})\d+")
_SEGMENT = re.compile(r"[-\w.()]{1,90}", re.ASCII)
_ASSET = re.compile(r"[A-Za-z0-9][-\w.]{0,254}", re.ASCII)

JSON = dict[str, Any]


@dataclass(frozen=True)
class _Call:
    """What is being done, and until when it must have been."""

    doing: str
    until: float


class Registry:
    """Models and files of a registry. Safe for use from several threads; it is looked up at first use."""

    def __init__(self, registry: RegistryId, cloud: AzureCloud, ask: Ask, *, timeout: float = 20.0) -> None:
        self._id = registry
        self._cloud = cloud
        self._ask = ask
        self._timeout = timeout
        self._lock = threading.Lock()
        self._root = ""

    @property
    def id(self) -> RegistryId:
        return self._id

    def model(self, name: str, version: str) -> ModelVersion | None:
        call = self._calling(f"read model {name}:{version} in {self._id}")
        found = self._version(call, name, version)
        return None if found is None else _model(found, self._id, name, call.doing)

    def models_since(self, matches: Callable[[str], bool], since: datetime, limit: int) -> list[ModelVersion]:
        """As `WorkspacePort` has it."""
        call = self._calling(f"list models of {self._id}")
        names = [str(each.get("name") or "") for each in self._pages(call, "models")]
        found = [
            _model(each, self._id, name, call.doing)
            for name in names
            if _ASSET.fullmatch(name) and matches(name)
            for each in self._pages(call, f"models/{name}/versions")
        ]
        recent = [m for m in found if m.created_at >= since and not m.archived]
        return sorted(recent, key=lambda m: (m.created_at, m.name, m.version))[:limit]

    def files(self, name: str, version: str) -> Place:
        """Its container, opened by the SAS that the registry gives for a while."""
        call = self._calling(f"ask where the files of {name}:{version} in {self._id} are")
        found = self._version(call, name, version)
        if found is None:
            raise NotFound(f"{self._id.model_id(name, version)} does not exist")
        address = str(_properties(found).get("modelUri") or "")
        account, container, path, _ = self._blob(address)
        asked = {"assetId": self._id.model_id(name, version), "blobUri": address}
        told = self._send(call, "POST", self._url(call, f"datarefs/{name}/versions/{version}"), asked)
        reference = cast("JSON", told.get("blobReferenceForConsumption") or {})
        credential = cast("JSON", reference.get("credential") or {})
        signed = str(credential.get("sasUri") or "")
        if not signed:
            kind = str(credential.get("credentialType") or "none")[:40]
            raise Refused(f"could not {call.doing}: it gives no SAS ({kind})", code="NoSas")
        there = self._blob(signed)
        if there[:2] != (account, container) or not there[3]:
            raise Refused(f"could not {call.doing}: the SAS is of another container", code="OtherContainer")
        return Place(account, container, checked_path(path) if path else "", there[3])

    # ---- the data plane

    def _calling(self, doing: str) -> _Call:
        return _Call(doing, time.monotonic() + self._timeout)

    def _version(self, call: _Call, name: str, version: str) -> JSON | None:
        if not (_ASSET.fullmatch(name) and _ASSET.fullmatch(version)):
            raise Invalid(f"{name[:80]!r}, version {version[:80]!r}: no registry has such a model")
        url = self._url(call, f"models/{name}/versions/{version}")
        try:
            return self._send(call, "GET", url)
        except NotFound:
            return None

    def _url(self, call: _Call, path: str) -> str:
        with self._lock:
            root = self._root
        if not root:  # asked outside the lock: whoever is second finds the same
            root = self._discovered(call)
            with self._lock:
                self._root = root
        return f"{root}/{path}?api-version={_API}"

    def _discovered(self, call: _Call) -> str:
        """Where the registry's data plane answers. Raises Invalid for an address outside this cloud."""
        base = self._cloud.registry_discovery.rstrip("/")
        told = self._send(call, "GET", f"{base}/{_DISCOVERY}/{self._id.name}/discovery?api-version=v1.0")
        address = str(told.get("primaryRegionResourceProviderUri") or "").rstrip("/")
        subscription, group = str(told.get("subscriptionId") or ""), str(told.get("resourceGroup") or "")
        if not (_SEGMENT.fullmatch(subscription) and _SEGMENT.fullmatch(group)):
            raise Unavailable(f"could not {call.doing}: the discovery does not say where the registry is")
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
        ours = any(host.endswith(f".{suffix}") for suffix in self._cloud.registry_hosts)
        if not ours or address.lower() != f"https://{host}":
            raise Invalid(
                f"{self._id} is said to be at {address[:200]!r}, which is none of GREENLIGHT_REGISTRY_HOSTS"
                f" ({', '.join(self._cloud.registry_hosts)}): nothing was sent there"
            )
        place = f"subscriptions/{subscription}/resourceGroups/{group}/providers/{_PROVIDER}"
        return f"{address}/{_FRONT}/{place}/registries/{self._id.name}"

    def _pages(self, call: _Call, path: str) -> Iterator[JSON]:
        url = f"{self._url(call, path)}&listViewType=ActiveOnly"
        while url:
            told = self._send(call, "GET", url)
            yield from cast("list[JSON]", told.get("value") or [])
            url = str(told.get("nextLink") or "")
            if url and not url.startswith(f"{self._root.partition('/subscriptions/')[0]}/"):
                raise Invalid(f"could not {call.doing}: the list goes on outside the registry's own address")

    def _send(self, call: _Call, method: str, url: str, body: JSON | None = None) -> JSON:
        if time.monotonic() > call.until:
            raise Unavailable(f"could not {call.doing}: its time was used up")
        answer = self._ask(
            method,
            url,
            scope=f"{self._cloud.arm.rstrip('/')}/.default",
            headers={"Content-Type": "application/json"} if body is not None else None,
            body=None if body is None else json.dumps(body).encode(),
        )
        told = _object(answer.body)
        if answer.status != 200:
            error = cast("JSON", told.get("error") or {})
            headers = {**answer.headers, **{k.title(): v for k, v in answer.headers.items()}}
            code, text = str(error.get("code") or ""), str(error.get("message") or "")
            raise from_status(call.doing, answer.status, code, text, headers)
        return told

    def _blob(self, address: str) -> tuple[str, str, str, str]:
        """(account, container, path, query) of the address of a blob or container in this cloud.

        Never quoted in an error: its query may be a SAS.
        """
        parts = urlsplit(address)
        account, _, rest = (parts.hostname or "").partition(".")
        own = f"blob.{self._cloud.storage_suffix}".lower()
        if parts.scheme != "https" or parts.netloc.lower() != f"{account}.{own}" or rest != own:
            raise Invalid(f"{self._id} keeps files at {(parts.hostname or '?')[:100]!r}, not in *.{own}")
        container, _, path = parts.path.strip("/").partition("/")
        check_place(account, container)
        return account, container, unquote(path), parts.query


def _model(told: JSON, registry: RegistryId, name: str, doing: str) -> ModelVersion:
    """A version as the data plane tells it: `uri` is its address in the registry, not that of its files."""
    properties, made = _properties(told), cast("JSON", told.get("systemData") or {})
    version, at = str(told.get("name") or ""), _time(str(made.get("createdAt") or ""))
    if not version or at is None:
        raise Unavailable(f"could not {doing}: the answer lacks a version, or when it was made")
    flavors = cast("Mapping[str, JSON]", properties.get("flavors") or {})
    return ModelVersion(
        name=name,
        version=version,
        uri=registry.model_id(name, version),
        type=str(properties.get("modelType") or ""),
        job_name=properties.get("jobName") or None,
        created_at=at,
        created_by=str(made.get("createdBy") or ""),
        tags=_texts(properties.get("tags")),
        properties=_texts(properties.get("properties")),
        flavors={flavor: dict(said.get("data") or {}) for flavor, said in flavors.items()},
        archived=bool(properties.get("isArchived")),
    )


def _properties(told: JSON) -> JSON:
    return cast("JSON", told.get("properties") or {})


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {str(k): str(v) for k, v in cast("Mapping[str, object]", value).items() if v is not None}


def _object(body: bytes) -> JSON:
    try:
        told: object = json.loads(body or b"{}")
    except ValueError:
        return {}
    return cast("JSON", told) if isinstance(told, dict) else {}


def _time(text: str) -> datetime | None:
    """The service writes seven fractional digits; Python reads six."""
    try:
        at = datetime.fromisoformat(_FRACTION.sub(r"\1", text))
    except ValueError:
        return None
    return at if at.tzinfo else None
