"""The model registry: looked up by name, filled from workspaces, its files opened by a SAS of its own.

One registry, of config.REGISTRY. Its plane is another host than ARM's, and its models are no workspace's:
they are kept as those of a workspace called `registry`, which no route of ARM leads to.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import re
import uuid
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.azureml.arm import JSON, PROVIDER, Call
from local.azureml.assets import AssetKind, Assets, Draft
from local.azureml.blobs import Blobs
from local.azureml.callers import Caller
from local.azureml.names import check_asset, check_version
from local.azureml.operations import new_operation
from local.azureml.refusals import Refusal, invalid, missing
from local.config import REGISTRY, SUFFIX, LocalConfig, Workspace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from local.azureml.models import Models
    from local.azureml.operations import Operation, Operations
    from local.azureml.routing import Handler
    from local.azureml.store import Record, Store

PLACE = Workspace("registry", REGISTRY.name, REGISTRY.resource_group, REGISTRY.account, REGISTRY.subscription)
HOST = f"cert-westeurope.{SUFFIX}"
SIGNED_FOR = datetime.timedelta(hours=1)
MODEL = re.compile(
    r"azureml://registries/(?P<registry>[^/]+)/models/(?P<name>[^/]+)/versions/(?P<version>[^/]+)"
)
_ASSET = re.compile(
    r"azureml://locations/[^/]+/workspaces/(?P<workspace>[^/]+)/models/(?P<name>[^/]+)/versions/(?P<version>[^/]+)"
)
_KEPT = ("modelType", "description", "tags", "properties", "flavors", "stage")
"""What a shared version keeps of the workspace's. Of which run it is, its tags may say and nothing else."""


class _Shared(Assets):
    """Versions as a registry shows them: their id is an address, and names no subscription."""

    def show(self, workspace: Workspace, record: Record) -> JSON:
        shown = super().show(workspace, record)
        path = f"models/{record.name}/versions/{record.version}"
        return {**shown, "id": f"{REGISTRY.uri}/{path}", "type": f"{PROVIDER}/registries/models/versions"}

    def _show_container(self, workspace: Workspace, record: Record) -> JSON:
        shown = super()._show_container(workspace, record)
        return {
            **shown,
            "id": f"{REGISTRY.uri}/models/{record.name}",
            "type": f"{PROVIDER}/registries/models",
        }


class Registries:
    """Discovery, reading, `datarefs`, and `import`."""

    def __init__(
        self, config: LocalConfig, store: Store, models: Models, blobs: Blobs, operations: Operations
    ) -> None:
        self.config = config
        self.models = models
        self.blobs = blobs
        self.operations = operations
        self.assets = _Shared(store, AssetKind("models", "Model", ("modelUri",)))
        operations.runners["import"] = (self._copy, lambda _operation, _refusal: None)

    def routes(self) -> list[Route]:
        table: dict[tuple[str, str], Handler] = {
            (method, path): handler
            for method, path, handler in self.assets.table()
            if method in ("GET", "DELETE") or path.endswith("{version}")
        }
        table["POST", "/datarefs/{name}/versions/{version}"] = self._reference
        table["POST", "/import"] = self._import
        paths = {path: [m for m, p in table if p == path] for _, path in table}
        return [
            Route("/registrymanagement/v1.0/registries/{name}/discovery", self._discovery),
            *(
                Route(f"/registry{path}", _answering({m: table[m, path] for m in methods}), methods=methods)
                for path, methods in paths.items()
            ),
        ]

    # ---- for deployments

    def find(self, name: str, version: str) -> Record | None:
        return self.assets.find(PLACE.env, name, version)

    def files(self, record: Record) -> tuple[str, str, str]:
        """(account, container, path) of a version's files."""
        where = urlsplit(record.properties["modelUri"])
        container, _, path = unquote(where.path).strip("/").partition("/")
        return (where.hostname or "").partition(".")[0], container, path

    # ---- answers

    async def _discovery(self, request: Request) -> Response:
        _check_name(request.path_params["name"])
        return JSONResponse(
            {
                "registryName": REGISTRY.name,
                "primaryRegionResourceProviderUri": f"https://{HOST}/",
                "subscriptionId": REGISTRY.subscription,
                "resourceGroup": REGISTRY.resource_group,
            }
        )

    async def _reference(self, call: Call) -> Response:
        """A SAS for the container of one version, for whoever names both its id and where it is."""
        record = self._need(call.part("name"), call.part("version"))
        body, shown = await call.body(), self.assets.show(PLACE, record)
        if body.get("assetId") != shown["id"] or body.get("blobUri") != record.properties["modelUri"]:
            raise invalid("The asset id and the blob's address do not belong together.", "blobUri")
        account, container, _ = self.files(record)
        place = f"{self.config.storage_url(account, 'blob')}/{container}"
        credential = {"credentialType": "SAS", "sasUri": f"{place}?{self._signature(account, container)}"}
        reference = {"blobUri": body["blobUri"], "storageAccountArmId": "", "credential": credential}
        return JSONResponse({"blobReferenceForConsumption": reference})

    def _signature(self, account: str, container: str) -> str:
        from azure.storage.blob import ContainerSasPermissions, generate_container_sas

        return generate_container_sas(
            account,
            container,
            self.config.accounts[account],
            permission=ContainerSasPermissions(read=True, list=True),
            expiry=datetime.datetime.now(datetime.UTC) + SIGNED_FOR,
        )

    async def _import(self, call: Call) -> Response:
        """What `models.share` sends to the registry: take a copy of a workspace's version."""
        _, wanted = await call.resource()
        source = _ASSET.fullmatch(str(wanted.get("sourceAssetId") or ""))
        if source is None:
            raise invalid("Only models of workspaces can be shared to the local registry.", "sourceAssetId")
        name = check_asset(str(wanted.get("destinationName") or ""), "Model")
        version = check_version(str(wanted.get("destinationVersion") or ""))
        env = self._workspace(source["workspace"]).env
        if self.models.assets.find(env, source["name"], source["version"]) is None:
            raise missing(f"Model {source['name']} with version {source['version']}")
        if self.find(name, version) is not None:
            raise invalid(
                f"Model {name} with version {version} exists already in {REGISTRY.name}.", "version"
            )
        operation = new_operation(
            *("import", PLACE.env, f"registry-{name}-{version}"),
            arguments={
                "env": env,
                "from": [source["name"], source["version"]],
                "to": [name, version],
                "caller": [call.caller.oid, call.caller.name, call.caller.kind],
            },
        )
        self.operations.begin(operation)
        return self.operations.accepted(call.request, operation)

    async def _copy(self, operation: Operation) -> None:
        """Safe to repeat: after a restart it begins anew."""
        told = operation.arguments
        workspace = next(w for w in self.config.workspaces if w.env == told["env"])
        source = self.models.assets.find(told["env"], *told["from"])
        if source is None:
            raise missing(f"Model {told['from'][0]} with version {told['from'][1]}")
        name, version = told["to"]
        container = f"v{hashlib.sha256(f'{name}:{version}'.encode()).hexdigest()[:40]}"
        place = await self.blobs.provide_container(REGISTRY.account, container)
        account, bucket, path = self.models.files(workspace, source)
        folder = path.rpartition("/")[2]
        await asyncio.to_thread(self._copy_files, (account, bucket, path), (container, folder))
        properties = {k: source.properties.get(k) for k in _KEPT}
        await self.assets.write(
            Draft(
                *(PLACE, name, version),
                {**properties, "modelUri": f"{place}/{quote(folder)}"},
                Caller(*told["caller"]),
            )
        )

    def _copy_files(self, source: tuple[str, str, str], target: tuple[str, str]) -> None:
        from azure.storage.blob import BlobServiceClient

        def opened(account: str) -> BlobServiceClient:
            return BlobServiceClient.from_connection_string(
                self.config.connection_string(account),
                connection_verify=str(self.config.ca_bundle),
                use_env_settings=False,
            )

        account, bucket, path = source
        container, folder = target
        with opened(account) as theirs, opened(REGISTRY.account) as ours:
            here, there = theirs.get_container_client(bucket), ours.get_container_client(container)
            for blob in here.list_blob_names(name_starts_with=path):
                if blob == path or blob.startswith(f"{path}/"):
                    data = here.download_blob(blob).readall()
                    there.upload_blob(f"{folder}{blob[len(path) :]}", data, overwrite=True)

    def _workspace(self, guid: str) -> Workspace:
        for workspace in self.config.workspaces:
            if str(uuid.uuid5(uuid.NAMESPACE_URL, workspace.id)) == guid.lower():
                return workspace
        raise missing(f"Workspace {guid}")

    def _need(self, name: str, version: str) -> Record:
        record = self.find(name, version)
        if record is None:
            raise missing(f"Model {name} with version {version}")
        return record


def _check_name(name: str) -> None:
    if name.lower() != REGISTRY.name.lower():
        raise Refusal(404, "RegistryNotFound", f"Registry {name} was not found.")


def _answering(handlers: dict[str, Handler]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        call = Call(request, PLACE, request.state.caller)
        return await handlers["GET" if request.method == "HEAD" else request.method](call)

    return endpoint
