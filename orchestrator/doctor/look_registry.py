"""Looks at the registry that is the source: as it is looked up, listed, and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

from orchestrator.doctor import registry
from orchestrator.doctor.finding import Finding, Unseen
from orchestrator.doctor.look_azure import whom
from orchestrator.doctor.registry import RegistrySeen
from orchestrator.doctor.scene import Scene, body_of, error_of
from orchestrator.doctor.tried import WELL, Tried
from shared.errors import GreenlightError
from shared.failures import from_status
from shared.ports import WorkspacePort
from shared.registry_id import RegistryId
from shared.rights import Granted

T = TypeVar("T")
_EVER = datetime(1, 1, 2, tzinfo=UTC)


def source(scene: Scene) -> Iterator[Finding]:
    named, whose = RegistryId.parse(scene.policy.registry), whom(scene)
    setting = next((n for n, v in scene.variables.items() if v.rstrip("/") == scene.policy.registry), "")
    lookup, told = _looked_up(scene, named)
    host = (urlsplit(str(told.get("primaryRegionResourceProviderUri") or "")).hostname or "").lower()
    hosts = scene.settings.cloud.registry_hosts
    ours = any(host.endswith(f".{suffix}") for suffix in hosts)
    place = f"/subscriptions/{told.get('subscriptionId')}/resourceGroups/{told.get('resourceGroup')}"
    arm_id = f"{place}/providers/Microsoft.MachineLearningServices/registries/{named.name}" if told else ""
    well = lookup.fault is None and ours
    listing, reference = _read(scene, scene.workspace(scene.environments[0])) if well else (WELL, WELL)
    granted: tuple[Granted, ...] | None = None
    if arm_id and isinstance(whose, str) and not scene.as_app:
        granted = scene.assigned(arm_id, whose)
    seen = RegistrySeen(
        registry=named,
        lookup=lookup,
        setting=setting,
        arm_id=arm_id,
        elsewhere="" if ours or not told else host or "no host",
        hosts=hosts,
        listing=listing,
        reference=reference,
        granted=granted,
        principal=whose if isinstance(whose, str) else "",
        as_app=scene.as_app,
    )
    yield from registry.judge(seen, scene.names)
    if isinstance(whose, Unseen) and not scene.as_app:
        yield whose.finding(str(named))


def _looked_up(scene: Scene, named: RegistryId) -> tuple[Tried, dict[str, object]]:
    """What the discovery says; a token goes to it, and not yet to where it points."""
    cloud = scene.settings.cloud
    base = f"{cloud.registry_discovery.rstrip('/')}/registrymanagement/v1.0/registries/{named.name}/discovery"
    doing = f"look up {named}"
    try:
        answer = scene.ask("GET", f"{base}?api-version=v1.0", scope=f"{cloud.arm.rstrip('/')}/.default")
    except GreenlightError as error:
        return Tried.failed(error), {}
    told = body_of(answer)
    if answer.status != 200:
        return Tried.failed(from_status(doing, answer.status, *error_of(told), {})), {}
    return WELL, told


def _read(scene: Scene, workspace: WorkspacePort) -> tuple[Tried, Tried]:
    """The listing and, where a model of greenlight.yaml is there, the way to its files."""
    listing, found = _tried(lambda: workspace.models_since(scene.policy.covers, _EVER, 1))
    if not found:
        return listing, WELL
    uri = found[0].uri

    def opened() -> object:
        place = workspace.files(uri)
        container = scene.ports.storage.container(place.account, place.container, place.sas)
        return container.list(f"{place.path}/" if place.path else "")

    return listing, _tried(opened)[0]


def _tried(call: Callable[[], T]) -> tuple[Tried, T | None]:
    try:
        return WELL, call()
    except GreenlightError as error:
        return Tried.failed(error), None
