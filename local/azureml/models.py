"""Models: where their files are, which job made them, and the event that tells of a new version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.azureml.assets import AssetKind, Assets, Draft
from local.azureml.datastores import DEFAULT, Datastores
from local.azureml.refusals import invalid
from local.azureml.tracking_client import FOLDER, Tracking
from local.azureml.uris import (
    DatastorePath,
    JobOutput,
    LoggedModel,
    RunArtifact,
    TrackedArtifact,
    parse,
)

if TYPE_CHECKING:
    from local.azureml.arm import JSON
    from local.azureml.events import Events
    from local.azureml.store import Record, Store
    from local.config import Workspace

TYPES = ("mlflow_model", "custom_model", "triton_model")


class Models:
    """Registration of model versions, from ARM and from MLflow's registry alike."""

    def __init__(self, store: Store, datastores: Datastores, tracking: Tracking, events: Events) -> None:
        self.store = store
        self.datastores = datastores
        self.tracking = tracking
        kind = AssetKind("models", "Model", ("modelUri",), self._prepare, events.model_registered)
        self.assets = Assets(store, kind)

    def files(self, workspace: Workspace, record: Record) -> tuple[str, str, str]:
        """(account, container, path) of a version's files."""
        where = parse(record.properties["modelUri"], workspace)
        assert isinstance(where, DatastorePath)  # noqa: S101 - `_prepare` stores nothing else
        account, container = self.datastores.locate(workspace.env, where.datastore)
        return account, container, where.path

    async def _prepare(self, draft: Draft) -> JSON:
        properties = draft.properties
        if not isinstance(properties.get("modelUri"), str):
            raise invalid("A model version needs a 'modelUri'.", "modelUri")
        kind = properties.get("modelType") or "custom_model"
        if kind not in TYPES:
            raise invalid(f"Model type '{kind}' is not one of {', '.join(TYPES)}.", "modelType")
        where, job = await self.resolve(draft.workspace, properties["modelUri"])
        self.datastores.locate(draft.workspace.env, where.datastore)
        before = self.assets.find(draft.workspace.env, draft.name, draft.version)
        job = job or properties.get("jobName") or (before and before.properties.get("jobName"))
        return {
            **properties,
            "modelType": kind,
            "flavors": properties.get("flavors") or {},
            "modelUri": where.uri(draft.workspace),
            "jobName": job,
        }

    async def resolve(self, workspace: Workspace, uri: str) -> tuple[DatastorePath, str | None]:
        """Where the files are, and the run or job that made them if the address tells."""
        match parse(uri, workspace):
            case DatastorePath() as where:
                return where, None
            case JobOutput() as output:
                return self._job_output(workspace, output), output.job
            case TrackedArtifact() as artifact:
                return DatastorePath(DEFAULT, f"{FOLDER}/{artifact.path}"), None
            case (RunArtifact() | LoggedModel()) as source:
                path, run = await self.tracking.locate(workspace, source)
                return DatastorePath(DEFAULT, f"{FOLDER}/{path}"), run

    def _job_output(self, workspace: Workspace, output: JobOutput) -> DatastorePath:
        job = self.store.get("jobs", workspace.env, output.job)
        if job is None:
            raise invalid(f"Job '{output.job}' does not exist.", "path")
        folder = f"azureml/{output.job}/{output.output}"
        declared = (job.properties.get("outputs") or {}).get(output.output) or {}
        if uri := declared.get("uri"):
            where = parse(uri, workspace)
            if isinstance(where, DatastorePath):
                return DatastorePath(where.datastore, "/".join(filter(None, (where.path, output.path))))
        return DatastorePath(DEFAULT, "/".join(filter(None, (folder, output.path))))
