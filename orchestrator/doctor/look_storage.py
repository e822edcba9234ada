"""Looks at storage, by identity: the state account, the way of the copies, the names of endpoints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from orchestrator.doctor import serving, storing
from orchestrator.doctor.finding import Finding, Unseen
from orchestrator.doctor.scene import NO_BLOB, Scene
from orchestrator.doctor.serving import NameSeen
from orchestrator.doctor.storing import FrozenSeen, Kind, SourceSeen, StateSeen
from orchestrator.doctor.tried import WELL, Tried
from orchestrator.ledger import Ledger
from orchestrator.model import SlotKey
from orchestrator.outside import FROZEN_STORE, names_partition
from orchestrator.world import TAG_SLOT
from shared.errors import GreenlightError, NotFound
from shared.model_uri import ARTIFACT_STORE

if TYPE_CHECKING:
    from orchestrator.policy import EnvironmentPolicy
    from shared.ports import Datastore, Endpoint, WorkspacePort

_MOST_SLOTS = 500
_NO_MESSAGE = "00000000-0000-0000-0000-000000000000?popreceipt=AgAAAAMAAAAAAAAA"
_PLAIN = {"Accept": "application/json;odata=nometadata"}


def state(scene: Scene, kind: Kind) -> Iterator[Finding]:
    look = {Kind.TABLE: _table, Kind.QUEUE: _queue, Kind.CONTAINER: _container}[kind]
    for name in (name for each, name in storing.WANTED if each is kind):
        read, write = look(scene, name)
        seen = StateSeen(
            kind=kind, name=name, account=scene.account, read=read, write=write, as_app=scene.as_app
        )
        yield from storing.judge_state(seen, scene.names)


def _table(scene: Scene, name: str) -> tuple[Tried, Tried]:
    place = f"{scene.settings.table_endpoint}/{name}"
    read = scene.storage("GET", f"{place}()?$top=1", f"read table {name}", 200, **_PLAIN)
    if read.fault:
        return read, WELL
    row = f"{place}(PartitionKey='{NO_BLOB}',RowKey='{NO_BLOB}')"  # never there: nothing is deleted
    return read, scene.storage("DELETE", row, f"write table {name}", 204, 404, If_Match="*", **_PLAIN)


def _queue(scene: Scene, name: str) -> tuple[Tried, Tried]:
    place = f"{scene.settings.queue_endpoint}/{name}"
    read = scene.storage("GET", f"{place}?comp=metadata", f"read queue {name}", 200)
    if read.fault:
        return read, WELL
    message = f"{place}/messages/{_NO_MESSAGE}"
    return read, scene.storage("DELETE", message, f"take from queue {name}", 204, 400, 404)


def _container(scene: Scene, name: str) -> tuple[Tried, Tried]:
    place = f"{scene.settings.blob_endpoint}/{name}"
    read = scene.storage("GET", f"{place}?restype=container", f"read container {name}", 200)
    return read, WELL if read.fault else scene.writable(scene.settings.blob_endpoint, name)


def copies(scene: Scene, env: EnvironmentPolicy) -> Iterator[Finding]:
    """From the environment before, into this one."""
    before = scene.environments[scene.environments.index(env) - 1]
    first = before is scene.environments[0]
    if not (first and scene.policy.registry):  # a registry opens its files itself
        for store in _sources(scene.workspace(before), first=first):
            yield from storing.judge_source(_source(scene, before, store), scene.names)
    yield from storing.judge_frozen(_frozen(scene, env), scene.names)


def _sources(workspace: WorkspacePort, *, first: bool) -> Iterator[Datastore]:
    """Registered models lie in the default datastore or, logged by a run, in the artifact store."""
    if not first:
        yield workspace.datastore(FROZEN_STORE)
        return
    yield workspace.default_datastore()
    try:
        yield workspace.datastore(ARTIFACT_STORE)
    except NotFound:
        return


def _source(scene: Scene, env: EnvironmentPolicy, store: Datastore) -> SourceSeen:
    container = scene.ports.storage.container(store.account, store.container)
    return SourceSeen(
        env=env.name,
        account=store.account,
        container=store.container,
        account_id=f'"$(az storage account show --name {store.account} --query id --output tsv)"',
        read=_tried(lambda: container.list(f"{NO_BLOB}/")),
        sign=_tried(lambda: container.readable_url(NO_BLOB)),
        as_app=scene.as_app,
    )


def _frozen(scene: Scene, env: EnvironmentPolicy) -> FrozenSeen:
    workspace = scene.workspace(env)
    try:
        store = workspace.datastore(FROZEN_STORE)
    except GreenlightError as error:
        return FrozenSeen(env=env.name, workspace=env.workspace, datastore=Tried.failed(error))
    container = scene.ports.storage.container(store.account, store.container)
    read = _tried(lambda: container.list(f"{NO_BLOB}/"))
    endpoint = scene.settings.cloud.blob_url(store.account)
    return FrozenSeen(
        env=env.name,
        workspace=env.workspace,
        datastore=WELL,
        account=store.account,
        container=store.container,
        default_account=workspace.default_datastore().account,
        read=read,
        write=WELL if read.fault else scene.writable(endpoint, store.container),
        as_app=scene.as_app,
    )


def _tried(call: Callable[[], object]) -> Tried:
    try:
        call()
    except GreenlightError as error:
        return Tried.failed(error)
    return WELL


def names(scene: Scene) -> Iterator[Finding]:
    """Of every slot that is known, and of every model that greenlight.yaml calls by its whole name."""
    there: dict[str, dict[str, Endpoint]] = {}
    regions: dict[str, str] = {}
    for env in scene.environments:
        try:
            workspace = scene.workspace(env)
            there[env.name] = {e.name.lower(): e for e in workspace.endpoints()}
            regions[env.name] = workspace.region()
        except GreenlightError as error:  # one environment's trouble hides no other
            yield Unseen(f"endpoints of {env.name}: {error}").finding(env.name)
    slots = sorted(_slots(scene))
    seen = [n for slot in slots if slot.env in there and (n := _name(scene, slot, there, regions))]
    yield from serving.judge_names(seen)


def _slots(scene: Scene) -> set[SlotKey]:
    ledger = Ledger(scene.ports.store, scene.settings.journal_key)
    keys, _ = ledger.slot_keys(limit=_MOST_SLOTS)
    literal = [m.match for m in scene.policy.file.models if not re.search(r"[*?\[]", m.match)]
    return {*keys, *(SlotKey(model, env) for model in literal for env in scene.policy.environments)}


def _name(
    scene: Scene, slot: SlotKey, there: dict[str, dict[str, Endpoint]], regions: dict[str, str]
) -> NameSeen | None:
    policy = scene.policy.slot(*slot)
    if policy is None:
        return None
    at, key = policy.env.workspace, policy.endpoint.lower()
    row = scene.ports.store.table("endpoints").get(names_partition(at), key)
    endpoint = there[slot.env].get(key)
    others = (e for e in there if e != slot.env and regions[e] == regions[slot.env] and key in there[e])
    return NameSeen(
        slot=str(slot),
        env=slot.env,
        workspace=at,
        endpoint=policy.endpoint,
        owner=str(row.values.get("slot", "")) if row else "",
        there=endpoint is not None,
        mark=endpoint.tags.get(TAG_SLOT, "") if endpoint else "",
        namesake=next(others, ""),
    )
