"""MLflow's model registry over the workspace's own models, as Azure ML has it: one registry, two protocols.

So what MLflow registers is an ARM model at once (with the event), and the reverse; versions cannot disagree.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from local.azureml.arm import system_data
from local.azureml.assets import Draft
from local.azureml.datastores import DEFAULT
from local.azureml.registry_search import Page, page, search
from local.azureml.tracking_client import FOLDER
from local.azureml.uris import DatastorePath, parse

if TYPE_CHECKING:
    from local.azureml.callers import Caller
    from local.azureml.models import Models
    from local.azureml.store import Record
    from local.config import Workspace

JSON = dict[str, Any]
STAGES = ("None", "Staging", "Production", "Archived")


class RegistryRefusal(Exception):
    """Answered as `{"error_code", "message"}`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.status = 404 if code == "RESOURCE_DOES_NOT_EXIST" else 400
        self.code = code


class Registry:
    """One request: the workspace, who asks, and the values of body or query."""

    def __init__(self, models: Models, workspace: Workspace, caller: Caller, values: JSON) -> None:
        self.models = models
        self.assets = models.assets
        self.store = models.store
        self.workspace = workspace
        self.caller = caller
        self.values = values

    # --- finding and showing

    def _text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value:
            raise RegistryRefusal("INVALID_PARAMETER_VALUE", f"Missing value for required parameter '{key}'.")
        return value

    def _model(self) -> Record:
        record = self.assets.container(self.workspace.env, self._text("name"))
        if record is None:
            raise RegistryRefusal(
                "RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={self._text('name')} not found"
            )
        return record

    def _version(self, version: str | None = None) -> Record:
        version = version or str(self.values.get("version") or "")
        record = self.assets.find(self.workspace.env, self._text("name"), version)
        if record is None:
            raise RegistryRefusal(
                "RESOURCE_DOES_NOT_EXIST",
                f"Model Version (name={self._text('name')}, version={version}) not found",
            )
        return record

    def _show(self, record: Record) -> JSON:
        properties = record.properties
        container = self.assets.container(self.workspace.env, record.name)
        aliases = container.private.get("aliases", {}) if container else {}
        return {
            **_times(record),
            "name": record.name,
            "version": record.version,
            "user_id": record.body["systemData"]["createdBy"],
            "current_stage": properties.get("stage") or "None",
            "description": properties.get("description") or "",
            "source": record.private.get("source") or properties["modelUri"],
            "run_id": properties.get("jobName") or "",
            "model_id": record.private.get("model_id") or "",
            "status": "READY",
            "tags": _tags(record),
            "aliases": [alias for alias, version in aliases.items() if version == record.version],
        }

    def _show_model(self, record: Record) -> JSON:
        aliases = record.private.get("aliases", {})
        return {
            **_times(record),
            "name": record.name,
            "description": record.properties.get("description") or "",
            "latest_versions": [self._show(r) for r in self._latest(record.name)],
            "tags": _tags(record),
            "aliases": [{"alias": a, "version": v} for a, v in aliases.items()],
        }

    def _latest(self, name: str) -> list[Record]:
        """The newest of each stage."""
        newest: dict[str, Record] = {}
        for record in self.assets.versions(self.workspace.env, name):
            newest.setdefault(record.properties.get("stage") or "None", record)
        return list(newest.values())

    def _touch(self, record: Record) -> None:
        record.body["systemData"] = system_data(self.caller, record.body["systemData"])
        self.store.put(record)

    # --- registered models

    async def create_model(self) -> JSON:
        name = self._text("name")
        if self.assets.container(self.workspace.env, name):
            raise RegistryRefusal(
                "RESOURCE_ALREADY_EXISTS", f"Registered Model (name={name}) already exists."
            )
        record = self.assets.new_container(self.workspace.env, name, self.caller)
        record.properties["description"] = self.values.get("description")
        record.properties["tags"] = _pairs(self.values.get("tags"))
        self.store.put(record)
        return {"registered_model": self._show_model(record)}

    async def get_model(self) -> JSON:
        return {"registered_model": self._show_model(self._model())}

    async def update_model(self) -> JSON:
        record = self._model()
        record.properties["description"] = self.values.get("description")
        self._touch(record)
        return {"registered_model": self._show_model(record)}

    async def delete_model(self) -> JSON:
        self.store.delete("models", self.workspace.env, self._model().name)
        return {}

    async def search_models(self) -> JSON:
        everything = self.store.list("models", self.workspace.env)
        found = search([self._show_model(r) for r in everything if not r.version], self.values.get("filter"))
        return _paged("registered_models", page(found, self.values))

    async def latest_versions(self) -> JSON:
        wanted = self.values.get("stages")
        stages = [wanted] if isinstance(wanted, str) else wanted
        shown = [self._show(r) for r in self._latest(self._model().name)]
        return {"model_versions": [v for v in shown if not stages or v["current_stage"] in stages]}

    async def set_model_tag(self) -> JSON:
        return self._set_tag(self._model())

    async def delete_model_tag(self) -> JSON:
        return self._delete_tag(self._model())

    async def set_alias(self) -> JSON:
        record, version = self._model(), self._version()
        record.private.setdefault("aliases", {})[self._text("alias")] = version.version
        self._touch(record)
        return {}

    async def delete_alias(self) -> JSON:
        record = self._model()
        record.private.get("aliases", {}).pop(self._text("alias"), None)
        self._touch(record)
        return {}

    async def get_alias(self) -> JSON:
        version = self._model().private.get("aliases", {}).get(self._text("alias"))
        if version is None:
            raise RegistryRefusal(
                "INVALID_PARAMETER_VALUE", f"Registered model alias {self._text('alias')} not found."
            )
        return {"model_version": self._show(self._version(version))}

    # --- versions

    async def create_version(self) -> JSON:
        source = self._text("source")
        properties = {
            "modelUri": source,
            "modelType": "mlflow_model",
            "description": self.values.get("description"),
            "tags": _pairs(self.values.get("tags")),
            "properties": {"mlflow.modelSourceUri": source},
            "jobName": self.values.get("run_id") or None,
        }
        draft = Draft(self.workspace, self._text("name"), "", properties, self.caller)
        record = await self.assets.write(draft)
        record.private |= {"source": source, "model_id": self.values.get("model_id")}
        self.store.put(record)
        return {"model_version": self._show(record)}

    async def get_version(self) -> JSON:
        return {"model_version": self._show(self._version())}

    async def update_version(self) -> JSON:
        record = self._version()
        record.properties["description"] = self.values.get("description")
        self._touch(record)
        return {"model_version": self._show(record)}

    async def delete_version(self) -> JSON:
        record = self._version()
        self.store.delete("models", self.workspace.env, record.name, record.version)
        return {}

    async def search_versions(self) -> JSON:
        shown = [self._show(r) for r in self.assets.versions(self.workspace.env)]
        return _paged("model_versions", page(search(shown, self.values.get("filter")), self.values))

    async def transition_stage(self) -> JSON:
        stage = self._text("stage").capitalize()
        if stage not in STAGES:
            raise RegistryRefusal("INVALID_PARAMETER_VALUE", f"Invalid Model Version stage: {stage}.")
        record = self._version()
        if str(self.values.get("archive_existing_versions")).lower() == "true":
            for other in self.assets.versions(self.workspace.env, record.name):
                if other.properties.get("stage") == stage and other.version != record.version:
                    other.properties["stage"] = "Archived"
                    self._touch(other)
        record.properties["stage"] = stage
        self._touch(record)
        return {"model_version": self._show(record)}

    async def download_uri(self) -> JSON:
        """As MLflow's own artifact service names it, for what lies there."""
        record = self._version()
        where = parse(record.properties["modelUri"], self.workspace)
        assert isinstance(where, DatastorePath)  # noqa: S101 - nothing else is stored
        if where.datastore == DEFAULT and where.path.startswith(f"{FOLDER}/"):
            return {"artifact_uri": f"mlflow-artifacts:/{where.path.removeprefix(f'{FOLDER}/')}"}
        return {"artifact_uri": record.properties["modelUri"]}

    async def set_version_tag(self) -> JSON:
        return self._set_tag(self._version())

    async def delete_version_tag(self) -> JSON:
        return self._delete_tag(self._version())

    def _set_tag(self, record: Record) -> JSON:
        record.properties["tags"][self._text("key")] = str(self.values.get("value") or "")
        self._touch(record)
        return {}

    def _delete_tag(self, record: Record) -> JSON:
        record.properties["tags"].pop(self._text("key"), None)
        self._touch(record)
        return {}


def _times(record: Record) -> JSON:
    stamps = record.body["systemData"]
    return {
        "creation_timestamp": _milliseconds(stamps["createdAt"]),
        "last_updated_timestamp": _milliseconds(stamps["lastModifiedAt"]),
    }


def _milliseconds(stamp: str) -> int:
    moment = datetime.datetime.fromisoformat(stamp[:26] + "+00:00")
    return int(moment.timestamp() * 1000)


def _tags(record: Record) -> list[JSON]:
    return [{"key": k, "value": v} for k, v in record.properties["tags"].items()]


def _pairs(tags: Any) -> dict[str, str]:
    return {str(t["key"]): str(t.get("value") or "") for t in tags or []}


def _paged(key: str, found: Page) -> JSON:
    return {key: found.items, **({"next_page_token": found.token} if found.token else {})}
