"""What every look needs: settings, policy, ports, who asks, and ARM's plain reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from orchestrator.doctor.finding import Names, Unseen
from orchestrator.doctor.tried import WELL, Tried
from orchestrator.doctor.workspaces import misspelt
from orchestrator.sourcing import sourced
from shared.errors import GreenlightError, Unavailable
from shared.failures import from_status
from shared.ports import WorkspaceId
from shared.rights import Granted

if TYPE_CHECKING:
    from orchestrator.app import Ports
    from orchestrator.doctor.rights import Caller
    from orchestrator.policy import EnvironmentPolicy, Policy
    from shared.asking import Ask
    from shared.ports import Answer, WorkspacePort
    from shared.settings import Settings

STORAGE_SCOPE = "https://storage.azure.com/.default"
EVENT_GRID_API = "2025-02-15"
ROLES_API = "2022-04-01"
WORKSPACES_API = "2024-04-01"
STORAGE_API = "2023-05-01"
NO_BLOB = "greenlight-doctor"
"""A blob that is never there."""
_DATA_VERSION = "2021-12-02"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """`principal`: object id of Greenlight's identity, where somebody else asks; empty: the caller is it."""

    settings: Settings
    policy: Policy
    ports: Ports
    ask: Ask
    caller: Caller | Unseen
    names: Names
    variables: Mapping[str, str]
    site: str = ""
    principal: str = ""
    kept: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict[str, tuple[int, dict[str, Any]]])
    """Workspaces by environment, as they were shown."""

    @property
    def as_app(self) -> bool:
        """Is whoever asks Greenlight's own identity?"""
        if isinstance(self.caller, Unseen):
            return False
        return self.principal == self.caller.oid if self.principal else self.caller.managed

    @property
    def environments(self) -> tuple[EnvironmentPolicy, ...]:
        return self.policy.file.environments

    @property
    def account(self) -> str:
        """The state account by name."""
        return self.settings.blob_endpoint.partition("://")[2].partition(".")[0]

    def shown(self, env: EnvironmentPolicy) -> tuple[int, dict[str, Any]]:
        """The workspace as ARM shows it, asked once; 0: its id cannot be one."""
        if env.name not in self.kept:
            well = not misspelt(env.workspace)
            place = str(WorkspaceId.parse(env.workspace)) if well else ""
            self.kept[env.name] = self.arm(place, WORKSPACES_API) if well else (0, {})
        return self.kept[env.name]

    def workspace(self, env: EnvironmentPolicy) -> WorkspacePort:
        """Raises Unavailable for one that is not there: what is missing in it is then not the question."""
        status, _ = self.shown(env)
        if status != 200:
            raise Unavailable(f"the workspace of {env.name} cannot be read, as the check of it says")
        return self.ports.workspaces(*sourced(self.policy, env.workspace))

    # ---- ARM

    def arm(self, path: str, version: str, **query: str) -> tuple[int, dict[str, Any]]:
        """Status and body of one read."""
        base = self.settings.cloud.arm.rstrip("/")
        more = "".join(f"&{name.replace('_', '$', 1)}={value}" for name, value in query.items())
        answer = self.ask("GET", f"{base}{path}?api-version={version}{more}", scope=f"{base}/.default")
        return answer.status, body_of(answer)

    def arm_read(self, doing: str, path: str, version: str, **query: str) -> dict[str, Any]:
        """The body. Raises what shared.errors says of any other status than 200."""
        status, told = self.arm(path, version, **query)
        if status != 200:
            code, message = error_of(told)
            raise from_status(doing, status, code, message, {})
        return told

    def arm_list(self, doing: str, path: str, version: str, **query: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, page after page."""
        told = self.arm_read(doing, path, version, **query)
        base = self.settings.cloud.arm.rstrip("/")
        while True:
            yield from cast("list[dict[str, Any]]", told.get("value") or [])
            link = str(told.get("nextLink") or "")
            if not link.startswith(f"{base}/"):  # a token goes to ARM and nowhere else
                return
            answer = self.ask("GET", link, scope=f"{base}/.default")
            if answer.status != 200:
                raise Unavailable(f"could not {doing}: a page of the list was answered {answer.status}")
            told = body_of(answer)

    def assigned(self, scope: str, principal: str) -> tuple[Granted, ...]:
        """What roles grant somebody at a scope, inherited ones and those of groups included."""
        doing = f"read the roles of {principal} at {scope}"
        wanted = f"atScope() and assignedTo('{principal}')"
        place = f"{scope}/providers/Microsoft.Authorization/roleAssignments"
        found = self.arm_list(doing, place, ROLES_API, _filter=wanted)
        definitions = {str(_properties(each).get("roleDefinitionId")) for each in found}
        return tuple(role for each in sorted(definitions) for role in self._definition(each))

    def _definition(self, definition: str) -> Iterator[Granted]:
        told = self.arm_read(f"read the role {definition}", definition, ROLES_API)
        for row in cast("list[dict[str, Any]]", _properties(told).get("permissions") or []):
            yield Granted(
                actions=tuple(row.get("actions") or ()),
                not_actions=tuple(row.get("notActions") or ()),
                data=tuple(row.get("dataActions") or ()),
                not_data=tuple(row.get("notDataActions") or ()),
            )

    # ---- storage, by identity

    def storage(self, method: str, url: str, doing: str, *well: int, **headers: str) -> Tried:
        """`well`: the statuses that say that it was allowed."""
        sent = {"x-ms-version": _DATA_VERSION, **{k.replace("_", "-"): v for k, v in headers.items()}}
        body = b"" if method == "PUT" else None
        try:
            answer = self.ask(method, url, scope=STORAGE_SCOPE, headers=sent, body=body)
        except GreenlightError as error:
            return Tried.failed(error)
        if answer.status in well:
            return WELL
        code = answer.headers.get("x-ms-error-code", "")
        return Tried.failed(from_status(doing, answer.status, code, "", answer.headers))

    def writable(self, blob_endpoint: str, container: str) -> Tried:
        """A write that its condition refuses, after the right to write was looked at: nothing is written."""
        condition = {"If_Match": '"0x0"', "x_ms_blob_type": "BlockBlob", "Content_Length": "0"}
        url = f"{blob_endpoint.rstrip('/')}/{container}/{NO_BLOB}"
        return self.storage("PUT", url, f"write to {container}", 412, 404, 409, **condition)


def body_of(answer: Answer) -> dict[str, Any]:
    try:
        told: object = json.loads(answer.body or b"{}")
    except ValueError:
        return {}
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}


def error_of(told: Mapping[str, Any]) -> tuple[str, str]:
    """Code and message of ARM's refusal."""
    error = told.get("error")
    if not isinstance(error, Mapping):
        return "", ""
    found = cast("Mapping[str, Any]", error)
    return str(found.get("code") or ""), str(found.get("message") or "")


def _properties(told: Mapping[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", told.get("properties") or {})
