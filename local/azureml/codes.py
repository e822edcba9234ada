"""Code assets: uploaded to a SAS address that the server hands out, found again by their content's hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from local.azureml.arm import Call, paged
from local.azureml.assets import AssetKind, Assets
from local.azureml.blobs import account_sas
from local.azureml.refusals import invalid
from local.azureml.routing import Table, route

if TYPE_CHECKING:
    from local.azureml.blobs import Blobs
    from local.azureml.store import Store
    from local.config import LocalConfig

KIND = "codes"


class Codes:
    """Each pending upload gets a container of its own, so that equal folder names do not mix."""

    def __init__(self, config: LocalConfig, store: Store, blobs: Blobs) -> None:
        self.config = config
        self.blobs = blobs
        self.assets = Assets(store, AssetKind(KIND, "Code", ("codeUri",)))

    def table(self) -> Table:
        versions = f"/{KIND}/{{name}}/versions"
        return [
            route("GET", versions, self._versions),
            *(row for row in self.assets.table() if row[:2] != ("GET", versions)),
            route("POST", f"{versions}/{{version}}/startPendingUpload", self._start_upload),
        ]

    async def _versions(self, call: Call) -> Response:
        """With `hash`: every code asset of the workspace counts, the name in the path is made up."""
        wanted = call.query("hash")
        found = self.assets.versions(call.workspace.env, None if wanted else call.part("name"))
        if wanted:
            found = [r for r in found if r.properties["properties"].get("hash_sha256") == wanted]
        return paged(call, [self.assets.show(call.workspace, r) for r in found])

    async def _start_upload(self, call: Call) -> Response:
        body = await call.body()
        if body.get("pendingUploadType", "TemporaryBlobReference") != "TemporaryBlobReference":
            raise invalid("Only uploads of type TemporaryBlobReference exist.", "pendingUploadType")
        account = call.workspace.account
        container = f"code-{call.part('name')}".lower()[:63].rstrip("-")
        address = await self.blobs.provide_container(account, container)
        sas = f"{address}?{account_sas(self.config, account)}"
        return JSONResponse(
            {
                "pendingUploadId": call.part("name"),
                "pendingUploadType": "TemporaryBlobReference",
                "blobReferenceForConsumption": {
                    "blobUri": address,
                    "storageAccountArmId": f"/storageAccounts/{account}",
                    "credential": {"credentialType": "SAS", "sasUri": sas},
                },
            }
        )
