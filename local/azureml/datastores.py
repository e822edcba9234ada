"""Datastores: the three that every workspace has, those that callers add, and their secrets."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from local.azureml.arm import JSON, Call, paged, shown, system_data
from local.azureml.blobs import account_sas
from local.azureml.callers import Caller
from local.azureml.names import check_datastore
from local.azureml.refusals import Refusal, invalid, missing
from local.azureml.routing import Table, route
from local.azureml.store import Record, Store
from local.config import STORAGE_SUFFIX, LocalConfig, Workspace
from local.storage import ARTIFACTS, FROZEN

KIND = "datastore"
DEFAULT = "workspaceblobstore"
PLATFORM = Caller("00000000-0000-0000-0000-000000000000", "Azure Machine Learning", "Application")


class Datastores:
    """`locate` is what the other modules ask: where does a datastore keep its files?"""

    def __init__(self, config: LocalConfig, store: Store) -> None:
        self.config = config
        self.store = store
        for workspace in config.workspaces:
            self._provide(workspace)

    def table(self) -> Table:
        return [
            route("GET", "/datastores", self._list),
            route("GET", "/datastores/{name}", self._get),
            route("PUT", "/datastores/{name}", self._put),
            route("DELETE", "/datastores/{name}", self._delete),
            route("POST", "/datastores/{name}/listSecrets", self._secrets),
        ]

    def locate(self, env: str, name: str) -> tuple[str, str]:
        """(account, container); a refusal that names the datastore if there is none."""
        record = self.store.get(KIND, env, name.lower())
        if record is None:
            raise invalid(f"Datastore '{name}' does not exist in the workspace.", "datastore")
        return record.properties["accountName"], record.properties["containerName"]

    def _provide(self, workspace: Workspace) -> None:
        containers = {
            DEFAULT: workspace.container,
            "workspaceartifactstore": ARTIFACTS,
            FROZEN.replace("-", "_"): FROZEN,
        }
        for name, container in containers.items():
            if self.store.get(KIND, workspace.env, name) is None:
                body = {
                    "properties": _properties(workspace.account, container, isDefault=name == DEFAULT),
                    "systemData": system_data(PLATFORM),
                }
                self.store.put(Record(KIND, workspace.env, name, body=body))

    def _need(self, call: Call) -> Record:
        name = call.part("name")
        record = self.store.get(KIND, call.workspace.env, name.lower())
        if record is None:
            raise missing(f"Datastore {name}")
        return record

    def _show(self, call: Call, record: Record) -> JSON:
        return shown(call.workspace, "datastores", f"datastores/{record.name}", record)

    async def _list(self, call: Call) -> Response:
        records = self.store.list(KIND, call.workspace.env)
        if (call.query("isDefault") or "").lower() == "true":
            records = [r for r in records if r.properties["isDefault"]]
        return paged(call, [self._show(call, r) for r in records])

    async def _get(self, call: Call) -> Response:
        return JSONResponse(self._show(call, self._need(call)))

    async def _put(self, call: Call) -> Response:
        name = check_datastore(call.part("name"))
        _, wanted = await call.resource()
        if wanted.get("datastoreType") != "AzureBlob":
            raise invalid("Only datastores of type AzureBlob exist in the local cloud.", "datastoreType")
        account, container = wanted.get("accountName"), wanted.get("containerName")
        if not account or not container:
            raise invalid("A blob datastore needs accountName and containerName.", "accountName")
        before = self.store.get(KIND, call.workspace.env, name)
        credentials = dict(wanted.get("credentials") or {"credentialsType": "None"})
        secrets = credentials.pop("secrets", None) or {}
        properties = _properties(account, container, credentials, isDefault=name == DEFAULT)
        properties |= {k: wanted.get(k) or properties[k] for k in ("description", "tags", "properties")}
        body = {
            "properties": properties,
            "systemData": system_data(call.caller, before.body["systemData"] if before else None),
        }
        record = Record(KIND, call.workspace.env, name, body=body, private={"secrets": secrets})
        self.store.put(record)
        return JSONResponse(self._show(call, record), 200 if before else 201)

    async def _delete(self, call: Call) -> Response:
        record = self.store.get(KIND, call.workspace.env, call.part("name").lower())
        if record is None:
            return Response(status_code=204)
        if record.properties["isDefault"]:
            raise invalid("The default datastore cannot be deleted.", "name")
        self.store.delete(KIND, call.workspace.env, record.name)
        return Response(status_code=200)

    async def _secrets(self, call: Call) -> Response:
        record = self._need(call)
        kind = record.properties["credentials"]["credentialsType"]
        secrets = record.private.get("secrets") or {}
        if kind == "None":
            raise Refusal(400, "UserError", f"Datastore {record.name} has no secrets: it uses identity.")
        if kind == "AccountKey":
            key = secrets.get("key") or self.config.accounts.get(record.properties["accountName"])
            return JSONResponse({"secretsType": "AccountKey", "key": key})
        token = secrets.get("sasToken") or account_sas(self.config, record.properties["accountName"])
        return JSONResponse({"secretsType": "Sas", "sasToken": token})


def _properties(
    account: str,
    container: str,
    credentials: dict[str, Any] | None = None,
    *,
    isDefault: bool,  # noqa: N803
) -> JSON:
    return {
        "datastoreType": "AzureBlob",
        "accountName": account,
        "containerName": container,
        "endpoint": STORAGE_SUFFIX,
        "protocol": "https",
        "credentials": credentials or {"credentialsType": "None"},
        "serviceDataAccessAuthIdentity": "None",
        "isDefault": isDefault,
        "description": None,
        "tags": {},
        "properties": {},
    }
