"""What a workspace's region offers, what is left of the quota there, and what the caller may do.

Read once for a promotion, before anyone is asked: nothing here changes anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from shared.arm_id import WorkspaceId
from shared.rights import Granted

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.core.credentials import TokenCredential

    from shared.azure import AzureCloud

_OF_WORKSPACE = re.compile(r"/workspaces/([^/]+)/")


@dataclass(frozen=True)
class VmSize:
    """An instance type of the workspace's region, and the family whose quota it takes from."""

    name: str
    family: str
    cores: int


@dataclass(frozen=True)
class CoreUsage:
    """Cores of a family that are in use, of how many; an empty `family` is the whole region.

    `limit` None: this family has none of its own.
    """

    family: str
    used: int
    limit: int | None


class RegionPort(Protocol):
    """Part of `shared.ports.WorkspacePort`."""

    def region(self) -> str:
        """Azure's word for where the workspace is: westeurope."""
        ...

    def vm_sizes(self) -> tuple[VmSize, ...]:
        """Instance types that the workspace's region offers, by name."""
        ...

    def core_usages(self) -> tuple[CoreUsage, ...]:
        """Dedicated cores of the subscription in the workspace's region, by family."""
        ...

    def granted(self) -> tuple[Granted, ...]:
        """What the caller's roles grant on the workspace."""
        ...


class RegionReads:
    """Satisfies `RegionPort`: a part of `shared.workspace.Workspace`."""

    _id: WorkspaceId
    _cloud: AzureCloud
    _credential: TokenCredential
    _timeout: float

    if TYPE_CHECKING:

        @property
        def _client(self) -> MLClient: ...

        def _calling(self, doing: str) -> AbstractContextManager[None]: ...

    def region(self) -> str:
        with self._calling(f"read workspace {self._id.name}"):
            workspaces: Any = self._client.workspaces
            return str(workspaces.get(self._id.name).location).lower().replace(" ", "")

    def vm_sizes(self) -> tuple[VmSize, ...]:
        with self._calling(f"list instance types for {self._id.name}"):
            found = [_vm_size(vars(each)) for each in self._client.compute.list_sizes()]
        return tuple(sorted(found, key=lambda size: size.name))

    def core_usages(self) -> tuple[CoreUsage, ...]:
        with self._calling(f"read the quota for {self._id.name}"):
            return core_usages(map(vars, self._client.compute.list_usage()), self._id.name)

    def granted(self) -> tuple[Granted, ...]:
        from shared.azureml import granted

        return granted(self._id, self._cloud, self._credential, self._timeout)


def _vm_size(told: Mapping[str, Any]) -> VmSize:
    """The entity's attributes are named as on the wire."""
    return VmSize(str(told["name"]), str(told.get("family") or ""), int(told.get("vCPUs") or 0))


def core_usages(rows: Iterable[Mapping[str, Any]], workspace: str) -> tuple[CoreUsage, ...]:
    """Dedicated cores only, and of the limits that single workspaces have only this one's."""
    found: dict[str, CoreUsage] = {}
    for told in rows:
        kind = str(told.get("type") or "").lower()
        of_workspace = _OF_WORKSPACE.search(str(told.get("id") or "").lower())
        if "dedicatedcores" not in kind or (of_workspace and of_workspace[1] != workspace.lower()):
            continue
        name: Mapping[str, Any] = told.get("name") or {}
        family = str(name.get("value") or "") if "vmfamily" in kind else ""
        limit = int(told.get("limit") or 0)
        row = CoreUsage(family, int(told.get("currentValue") or 0), None if limit < 0 else limit)
        found[family] = _tighter(found.get(family), row)
    return tuple(found[family] for family in sorted(found))


def _tighter(one: CoreUsage | None, other: CoreUsage) -> CoreUsage:
    """The one that leaves less free."""
    if one is None or one.limit is None:
        return other
    return one if other.limit is None or one.limit - one.used <= other.limit - other.used else other
