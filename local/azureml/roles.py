"""Role assignments and definitions as ARM lists them: what infra/ gives the app and the system topic.

tests/infra compares this list with the templates. Whether roles are enforced or not, these are assigned.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local import faults, storage
from local.azureml.grid import own_topic_id, topic_principal
from local.azureml.refusals import Refusal
from local.azureml.workspaces import account_id
from local.config import APP_ACCOUNT, APP_IDENTITY, REGISTRY
from shared import rights

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.config import LocalConfig

JSON = dict[str, Any]
_STORAGE = "Microsoft.Storage/storageAccounts"
_BLOBS, _QUEUES, _TABLES = (f"{_STORAGE}/{kind}Services" for kind in ("blob", "queue", "table"))
_SIGN = f"{_BLOBS}/generateUserDelegationKey/action"
_ASKED = re.compile(r"assignedTo\('(?P<principal>[^']+)'\)|principalId eq '(?P<only>[^']+)'", re.IGNORECASE)
_SCOPE = re.compile(r"(?P<scope>.*)/providers/Microsoft\.Authorization/roleAssignments", re.IGNORECASE)


@dataclass(frozen=True)
class Role:
    """Built-in ones as Azure's reference of roles lists them."""

    name: str
    id: str
    actions: tuple[str, ...]
    data: tuple[str, ...] = ()


def _own(name: str, actions: tuple[str, ...]) -> Role:
    return Role(name, str(uuid.uuid5(uuid.NAMESPACE_URL, name)), actions)


SOURCE, TARGET, QUOTA, OF_REGISTRY = (
    _own("Greenlight source", rights.SOURCE),
    _own("Greenlight target", rights.TARGET),
    _own("Greenlight quota", rights.REGION),
    _own("Greenlight registry", rights.REGISTRY),
)
BLOB_OWNER = Role(
    "Storage Blob Data Owner",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    (f"{_BLOBS}/containers/*", _SIGN),
    (f"{_BLOBS}/containers/blobs/*",),
)
BLOB_CONTRIBUTOR = Role(
    "Storage Blob Data Contributor",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    (*(f"{_BLOBS}/containers/{verb}" for verb in ("delete", "read", "write")), _SIGN),
    tuple(f"{_BLOBS}/containers/blobs/{v}" for v in ("delete", "read", "write", "move/action", "add/action")),
)
BLOB_READER = Role(
    "Storage Blob Data Reader",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    (f"{_BLOBS}/containers/read", _SIGN),
    (f"{_BLOBS}/containers/blobs/read",),
)
QUEUE_CONTRIBUTOR = Role(
    "Storage Queue Data Contributor",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    tuple(f"{_QUEUES}/queues/{verb}" for verb in ("delete", "read", "write")),
    tuple(f"{_QUEUES}/queues/messages/{verb}" for verb in ("delete", "read", "write", "process/action")),
)
TABLE_CONTRIBUTOR = Role(
    "Storage Table Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    tuple(f"{_TABLES}/tables/{verb}" for verb in ("read", "write", "delete")),
    tuple(
        f"{_TABLES}/tables/entities/{verb}"
        for verb in ("read", "write", "delete", "add/action", "update/action")
    ),
)
EVENT_SENDER = Role(
    "EventGrid Data Sender",
    "d5a91429-5739-47e2-a06b-3470a27159e7",
    ("Microsoft.EventGrid/topics/read", "Microsoft.EventGrid/domains/read"),
    ("Microsoft.EventGrid/events/send/action",),
)
ROLES = (
    *(SOURCE, TARGET, QUOTA, OF_REGISTRY, BLOB_OWNER, BLOB_CONTRIBUTOR, BLOB_READER, QUEUE_CONTRIBUTOR),
    *(TABLE_CONTRIBUTOR, EVENT_SENDER),
)


class Assignment(NamedTuple):
    principal: str
    role: Role
    scope: str


def assignments(config: LocalConfig) -> Iterator[Assignment]:
    """Who has which role where."""
    state = account_id(config, APP_ACCOUNT)
    for role in (BLOB_OWNER, QUEUE_CONTRIBUTOR, TABLE_CONTRIBUTOR):
        yield Assignment(APP_IDENTITY, role, state)
    for subscription in {workspace.subscription: None for workspace in config.workspaces}:
        yield Assignment(APP_IDENTITY, QUOTA, f"/subscriptions/{subscription}")
    yield Assignment(APP_IDENTITY, OF_REGISTRY, REGISTRY.id)
    for at, workspace in enumerate(config.workspaces):
        account = account_id(config, workspace.account)
        yield Assignment(APP_IDENTITY, TARGET if at else SOURCE, workspace.id)
        if at < len(config.workspaces) - 1:  # the next one is copied from here
            yield Assignment(APP_IDENTITY, BLOB_READER, account)
        if at:
            frozen = f"{account}/blobServices/default/containers/{storage.FROZEN}"
            yield Assignment(APP_IDENTITY, BLOB_CONTRIBUTOR, frozen)
    undelivered = f"{state}/blobServices/default/containers/eventgrid-deadletter"
    yield Assignment(APP_IDENTITY, EVENT_SENDER, own_topic_id())
    yield Assignment(topic_principal(config.workspaces[0]), BLOB_CONTRIBUTOR, undelivered)


def assigned(config: LocalConfig, principal: str, scope: str) -> Iterator[Assignment]:
    """What is in force at a scope, unless a fault rule took it away. No principal: everybody's."""
    for each in assignments(config):
        facts = {"principal": each.principal, "role": each.role.name, "scope": each.scope}
        asked = principal in ("", each.principal) and _covers(each, scope)
        if asked and faults.take(config, "role", **facts) is None:
            yield each


class Roles:
    """`{scope}/…/roleAssignments?$filter=atScope() and assignedTo('…')`, and the roles that they name."""

    def __init__(self, config: LocalConfig) -> None:
        self.config = config

    def routes(self) -> list[Route]:
        return [
            Route("/roleAssignments", self._assignments),
            Route(
                "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{id}",
                self._definition,
            ),
        ]

    async def _assignments(self, request: Request) -> Response:
        match = _SCOPE.fullmatch(request.scope["original_path"])
        scope = match["scope"] if match else ""
        asked = _ASKED.search(request.query_params.get("$filter", ""))
        principal = (asked["principal"] or asked["only"]).lower() if asked else ""
        return JSONResponse({"value": [_shown(a) for a in assigned(self.config, principal, scope)]})

    async def _definition(self, request: Request) -> Response:
        wanted = request.path_params["id"].lower()
        role = next((r for r in ROLES if r.id == wanted), None)
        if role is None:
            raise Refusal(404, "RoleDefinitionDoesNotExist", f"There is no role definition '{wanted}'.")
        permission = {
            "actions": list(role.actions),
            "notActions": [],
            "dataActions": list(role.data),
            "notDataActions": [],
        }
        place = f"/subscriptions/{request.path_params['subscription']}"
        own = role in (SOURCE, TARGET, QUOTA, OF_REGISTRY)
        properties = {
            "roleName": role.name,
            "type": "CustomRole" if own else "BuiltInRole",
            "permissions": [permission],
            "assignableScopes": [place if own else "/"],
        }
        return JSONResponse({"id": _definition_id(role, place), "name": role.id, "properties": properties})


def _covers(each: Assignment, scope: str) -> bool:
    """At the scope or above it."""
    return f"{scope.lower()}/".startswith(f"{each.scope.lower()}/")


def _definition_id(role: Role, scope: str) -> str:
    """A role is defined for each subscription."""
    place = "/".join(scope.split("/")[:3])
    return f"{place}/providers/Microsoft.Authorization/roleDefinitions/{role.id}"


def _shown(each: Assignment) -> JSON:
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{each.scope} {each.principal} {each.role.id}"))
    return {
        "id": f"{each.scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "name": name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": _definition_id(each.role, each.scope),
            "principalId": each.principal,
            "principalType": "ServicePrincipal",
            "scope": each.scope,
        },
    }
