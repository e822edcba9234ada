"""Workspaces: fixed by the configuration, read-only."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.azureml.arm import JSON, PROVIDER, Call
from local.azureml.routing import Table, route
from local.config import ARM_HOST, REGION, SUBSCRIPTION, TENANT, LocalConfig, Workspace

if TYPE_CHECKING:
    from starlette.requests import Request

CREATED = "2026-01-01T00:00:00.0000000Z"


class Workspaces:
    """What `workspaces.get` shows, and the discovery document that leads to run history."""

    def __init__(self, config: LocalConfig) -> None:
        self.config = config

    def table(self) -> Table:
        return [route("GET", "", self._get)]

    def routes(self) -> list[Route]:
        return [Route("/discovery/{env}", self._discovery)]

    async def _get(self, call: Call) -> Response:
        return JSONResponse(self._show(call.workspace))

    def _show(self, workspace: Workspace) -> JSON:
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{workspace.resource_group}/providers"
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
