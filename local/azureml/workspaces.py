"""Workspaces: fixed by the configuration, read-only."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.azureml.arm import JSON, PROVIDER, Call
from local.azureml.routing import Table, route
from local.config import ARM_HOST, REGION, REGISTRY, SUBSCRIPTION, TENANT, LocalConfig, Workspace

if TYPE_CHECKING:
    from starlette.requests import Request

APP_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-greenlight"
CREATED = "2026-01-01T00:00:00.0000000Z"


def account_id(config: LocalConfig, name: str) -> str:
    """ARM id of a storage account: beside its workspace, or the app's."""
    groups = {
        w.account: f"/subscriptions/{w.subscription}/resourceGroups/{w.resource_group}"
        for w in config.workspaces
    }
    groups[REGISTRY.account] = (
        f"/subscriptions/{REGISTRY.subscription}/resourceGroups/azureml-rg-{REGISTRY.name}"
    )
    return f"{groups.get(name, APP_GROUP)}/providers/Microsoft.Storage/storageAccounts/{name}"


class Workspaces:
    """What `workspaces.get` shows, and the discovery document that leads to run history."""

    def __init__(self, config: LocalConfig) -> None:
        self.config = config

    def table(self) -> Table:
        return [route("GET", "", self._get)]

    def routes(self) -> list[Route]:
        listed = "/subscriptions/{subscription}/providers"
        return [
            Route("/discovery/{env}", self._discovery),
            Route("/subscriptions", self._subscriptions),
            Route(f"{listed}/{PROVIDER}/workspaces", self._list),
            Route(f"{listed}/Microsoft.Storage/storageAccounts", self._accounts),
        ]

    async def _subscriptions(self, _request: Request) -> Response:
        every = sorted({SUBSCRIPTION, *(w.subscription for w in self.config.workspaces)})
        return JSONResponse(
            {
                "value": [
                    {"id": f"/subscriptions/{each}", "subscriptionId": each, "state": "Enabled"}
                    for each in every
                ]
            }
        )

    async def _list(self, request: Request) -> Response:
        near = request.path_params["subscription"].lower()
        return JSONResponse(
            {"value": [self._show(w) for w in self.config.workspaces if w.subscription == near]}
        )

    async def _accounts(self, request: Request) -> Response:
        """The workspaces' own, and the app's, as far as they are in this subscription."""
        near = f"/subscriptions/{request.path_params['subscription'].lower()}/"
        every = [account_id(self.config, name) for name in self.config.accounts]
        ids = [each for each in every if each.startswith(near)]
        return JSONResponse(
            {
                "value": [
                    {
                        "id": each,
                        "name": each.rpartition("/")[2],
                        "type": "Microsoft.Storage/storageAccounts",
                        "location": REGION,
                        "kind": "StorageV2",
                        "properties": {"provisioningState": "Succeeded", "allowSharedKeyAccess": False},
                    }
                    for each in ids
                ]
            }
        )

    async def _get(self, call: Call) -> Response:
        return JSONResponse(self._show(call.workspace))

    def _show(self, workspace: Workspace) -> JSON:
        group = f"/subscriptions/{workspace.subscription}/resourceGroups/{workspace.resource_group}/providers"
        return {
            "id": workspace.id,
            "name": workspace.name,
            "type": f"{PROVIDER}/workspaces",
            "location": REGION,
            "kind": "Default",
            "tags": {},
            "sku": {"name": "Basic", "tier": "Basic"},
            "identity": {
                "type": "SystemAssigned",
                "principalId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{workspace.id}/identity")),
                "tenantId": TENANT,
            },
            "properties": {
                "friendlyName": workspace.name,
                "description": f"The {workspace.env} workspace of the local cloud",
                "workspaceId": str(uuid.uuid5(uuid.NAMESPACE_URL, workspace.id)),
                "storageAccount": f"{group}/Microsoft.Storage/storageAccounts/{workspace.account}",
                "keyVault": f"{group}/Microsoft.KeyVault/vaults/kv-{workspace.env}",
                "applicationInsights": f"{group}/Microsoft.Insights/components/appi-{workspace.env}",
                "discoveryUrl": f"{self.config.arm_url}/discovery/{workspace.env}",
                "mlFlowTrackingUri": f"{self.config.arm_url}/mlflow/v1.0{workspace.id}",
                "provisioningState": "Succeeded",
                "publicNetworkAccess": "Enabled",
                "systemDatastoresAuthMode": "identity",
                "hbiWorkspace": False,
            },
            "systemData": {
                "createdAt": CREATED,
                "createdBy": "local",
                "createdByType": "Application",
                "lastModifiedAt": CREATED,
                "lastModifiedBy": "local",
                "lastModifiedByType": "Application",
            },
        }

    async def _discovery(self, _request: Request) -> Response:
        return JSONResponse({"api": f"https://{ARM_HOST}"})
