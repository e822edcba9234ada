"""Versioned assets: what models, data, environments, components and code have in common.

A container (name) holds versions. Versions are never rewritten in what makes them: the paths and definitions
of a version stay as first registered; descriptions, tags, properties and the archived flag may change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from local.azureml.arm import JSON, Call, paged, shown, system_data, text_map
from local.azureml.names import check_asset, check_version
from local.azureml.refusals import invalid, missing
from local.azureml.routing import Table, route
from local.azureml.store import Record, Store

if TYPE_CHECKING:
    from local.azureml.callers import Caller
    from local.config import Workspace

DEFAULT_ALIAS = "azureml_default"
CONTAINER_PROPERTIES = ("isArchived", "description", "tags", "properties")
PATH_CHANGED = "Asset paths cannot be updated."  # the SDK looks for these words


@dataclass(frozen=True)
class Draft:
    """A version about to be written; without a number it becomes the next one."""

    workspace: Workspace
    name: str
    version: str
    properties: JSON
    caller: Caller


Prepare = Callable[[Draft], Awaitable[JSON]]
Created = Callable[["Workspace", Record], None]


async def _as_given(draft: Draft) -> JSON:
    return draft.properties


def _nothing(_workspace: Workspace, _record: Record) -> None:
    return None


@dataclass
class AssetKind:
    """What tells one kind from another. `fixed` properties cannot change once a version exists."""

    plural: str
    what: str
    fixed: tuple[str, ...]
    prepare: Prepare = _as_given
    created: Created = _nothing  # runs in the transaction of a version's first write
    inherited: tuple[str, ...] = ()  # properties that a container has from its first version
    provisioned: bool = True  # has a provisioningState


class Assets:
    """Routes and storage of one kind of asset."""

    def __init__(self, store: Store, kind: AssetKind) -> None:
        self.store = store
        self.kind = kind

    def table(self) -> Table:
        base = f"/{self.kind.plural}"
        return [
            route("GET", base, self._containers),
            route("GET", f"{base}/{{name}}", self._container),
            route("PUT", f"{base}/{{name}}", self._put_container),
            route("GET", f"{base}/{{name}}/versions", self._versions),
            route("GET", f"{base}/{{name}}/versions/{{version}}", self._get),
            route("PUT", f"{base}/{{name}}/versions/{{version}}", self._put),
            route("DELETE", f"{base}/{{name}}/versions/{{version}}", self._delete),
        ]

    def find(self, env: str, name: str, version: str) -> Record | None:
        return self.store.get(self.kind.plural, env, name, version) if version else None

    def versions(self, env: str, name: str | None = None) -> list[Record]:
        """Newest first; of every name if none is given."""
        return [r for r in reversed(self.store.list(self.kind.plural, env, name)) if r.version]

    def next_version(self, env: str, name: str) -> str:
        """One above the highest number ever used: a deleted version's number does not come back."""
        container = self.store.get(self.kind.plural, env, name)
        used = [r.version for r in self.versions(env, name)]
        used.append(str(container.private.get("highest", 0)) if container else "0")
        return str(max(int(v) for v in used if v.isdigit()) + 1)

    async def write(self, draft: Draft) -> Record:
        """Register or change a version; refusals leave everything as it was."""
        check_asset(draft.name, self.kind.what)
        properties = await self.kind.prepare(draft)
        version = check_version(draft.version or self.next_version(draft.workspace.env, draft.name))
        before = self.find(draft.workspace.env, draft.name, version)
        if before:
            self._check_fixed(before, properties)
        else:
            self._check_new(draft, version)
        body = {
            "properties": {
                "description": None,
                "isArchived": False,
                "isAnonymous": False,
                **properties,
                "tags": text_map(properties.get("tags"), "tags"),
                "properties": text_map(properties.get("properties"), "properties"),
                **({"provisioningState": "Succeeded"} if self.kind.provisioned else {}),
            },
            "systemData": system_data(draft.caller, before.body["systemData"] if before else None),
        }
        private = before.private if before else {}
        record = Record(self.kind.plural, draft.workspace.env, draft.name, version, body, private)
        with self.store.transaction():
            self._provide_container(draft, version)
            self.store.put(record)
            if before is None:
                self.kind.created(draft.workspace, record)
        return record

    def _check_new(self, draft: Draft, version: str) -> None:
        """Seen of registries. Of workspaces some report that it works: this is the harder of the two."""
        container = self.container(draft.workspace.env, draft.name)
        if container and version in container.private.get("deleted", []):
            asset = f"{self.kind.plural}/{draft.name}/versions/{version}"
            said = f"Asset {asset} was deleted, it cannot be recreated. "
            raise invalid(f"{said}Please try again with a different version.", "version")

    def _check_fixed(self, before: Record, properties: JSON) -> None:
        for key in self.kind.fixed:
            if before.properties.get(key) == properties.get(key):
                continue
            if key.endswith("Uri"):
                raise invalid(PATH_CHANGED, key)
            raise invalid(
                f"{self.kind.what} {before.name} version {before.version} exists already and its {key} "
                "cannot be changed. Register another version.",
                key,
            )

    def container(self, env: str, name: str) -> Record | None:
        return self.store.get(self.kind.plural, env, name)

    def new_container(self, env: str, name: str, caller: Caller) -> Record:
        """Not stored yet."""
        body = {
            "properties": {"description": None, "tags": {}, "properties": {}, "isArchived": False},
            "systemData": system_data(caller),
        }
        return Record(self.kind.plural, env, name, body=body)

    def _provide_container(self, draft: Draft, version: str) -> None:
        env, name = draft.workspace.env, draft.name
        container = self.container(env, name) or self.new_container(env, name, draft.caller)
        for key in self.kind.inherited:
            container.properties.setdefault(key, draft.properties.get(key))
        if version.isdigit():
            container.private["highest"] = max(container.private.get("highest", 0), int(version))
        self.store.put(container)

    def show(self, workspace: Workspace, record: Record) -> JSON:
        plural = self.kind.plural
        path = f"{plural}/{record.name}/versions/{record.version}"
        return shown(workspace, f"{plural}/versions", path, record)

    def _show_container(self, workspace: Workspace, record: Record) -> JSON:
        plural = self.kind.plural
        answer = shown(workspace, plural, f"{plural}/{record.name}", record)
        versions = self.versions(workspace.env, record.name)
        latest = versions[0].version if versions else None
        counted = {"latestVersion": latest, "nextVersion": self.next_version(workspace.env, record.name)}
        return {**answer, "properties": {**answer["properties"], **counted}}

    def _need(self, call: Call) -> Record:
        env, name, version = call.workspace.env, call.part("name"), call.part("version")
        if version == DEFAULT_ALIAS:
            version = next((r.version for r in self.versions(env, name)), version)
        record = self.find(env, name, version)
        if record is None:
            raise missing(f"{self.kind.what} {name} with version {version}")
        return record

    async def _containers(self, call: Call) -> Response:
        everything = self.store.list(self.kind.plural, call.workspace.env)
        records = [r for r in reversed(everything) if not r.version and _listed(call, r)]
        return paged(call, [self._show_container(call.workspace, r) for r in records])

    async def _container(self, call: Call) -> Response:
        name = call.part("name")
        record = self.container(call.workspace.env, name)
        if record is None:
            raise missing(f"{self.kind.what} container {name}")
        return JSONResponse(self._show_container(call.workspace, record))

    async def _put_container(self, call: Call) -> Response:
        name = check_asset(call.part("name"), self.kind.what)
        _, wanted = await call.resource()
        before = self.container(call.workspace.env, name)
        record = self.new_container(call.workspace.env, name, call.caller)
        record.properties.update({k: v for k, v in wanted.items() if k in CONTAINER_PROPERTIES})
        if before:
            record.private = before.private
            record.body["systemData"] = system_data(call.caller, before.body["systemData"])
        self.store.put(record)
        return JSONResponse(self._show_container(call.workspace, record), 200 if before else 201)

    async def _versions(self, call: Call) -> Response:
        records = [r for r in self.versions(call.workspace.env, call.part("name")) if _listed(call, r)]
        if "asc" in (call.query("$orderBy") or "").lower().split():
            records.reverse()
        return paged(call, [self.show(call.workspace, r) for r in records])

    async def _get(self, call: Call) -> Response:
        return JSONResponse(self.show(call.workspace, self._need(call)))

    async def _put(self, call: Call) -> Response:
        name, version = call.part("name"), call.part("version")
        _, properties = await call.resource()
        before = self.find(call.workspace.env, name, version)
        draft = Draft(call.workspace, name, version, dict(properties), call.caller)
        record = await self.write(draft)
        return JSONResponse(self.show(call.workspace, record), 200 if before else 201)

    async def _delete(self, call: Call) -> Response:
        name, version = call.part("name"), call.part("version")
        if self.find(call.workspace.env, name, version) is None:
            return Response(status_code=204)
        container = self.container(call.workspace.env, name)
        with self.store.transaction():
            if container is not None:
                container.private["deleted"] = sorted({*container.private.get("deleted", []), version})
                self.store.put(container)
            self.store.delete(self.kind.plural, call.workspace.env, name, version)
        return Response(status_code=200)


def _listed(call: Call, record: Record) -> bool:
    """`listViewType` and, for models, `stage`."""
    view = (call.query("listViewType") or "ActiveOnly").lower()
    archived = bool(record.properties.get("isArchived"))
    if (view == "activeonly" and archived) or (view == "archivedonly" and not archived):
        return False
    stage = call.query("stage")
    return stage is None or record.properties.get("stage") == stage
