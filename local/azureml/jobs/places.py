"""Where a job's files are: from addresses and ids to blobs, and the conventions that the SDK relies on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from local.azureml.jobs.files import Place
from local.azureml.refusals import invalid
from local.azureml.tracking_client import FOLDER as TRACKED
from local.azureml.uris import DatastorePath, JobOutput, TrackedArtifact, parse
from local.storage import ARTIFACTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.config import Workspace

DEFAULT = "workspaceblobstore"
EXECUTION_LOG = "logs/azureml/executionlogs.txt"  # what `jobs.stream` of a pipeline shows
STEP_LOG = "user_logs/std_log.txt"


def log_place(workspace: Workspace, run: str, log: str) -> Place:
    """Where the SDK's download looks for logs, in the workspace's artifact store."""
    return Place(workspace.account, ARTIFACTS, f"ExperimentRun/dcid.{run}/{log}")


class Lookups(Protocol):
    """What a job asks the control plane. Each may raise a refusal."""

    def component(self, component_id: str) -> dict[str, Any]: ...
    def code(self, code_id: str) -> tuple[str, str, str]: ...
    def datastore(self, env: str, name: str) -> tuple[str, str]: ...
    def data(self, asset_id: str) -> tuple[str, str, str]: ...


class Places:
    def __init__(self, lookups: Lookups, workspace: Workspace) -> None:
        self._lookups = lookups
        self._workspace = workspace

    def code(self, code_id: str) -> Place:
        return Place(*self._lookups.code(code_id))

    def asset(self, uri: str) -> Place:
        """A data or model asset by its id, or files by their address."""
        if uri.removeprefix("azureml:").startswith("/subscriptions/"):
            return Place(*self._lookups.data(uri))
        match parse(uri, self._workspace):
            case DatastorePath(datastore, path):
                return self._in(datastore, path)
            case JobOutput(job, output, path):
                return self._in(DEFAULT, f"azureml/{job}/{output}/{path}")
            case TrackedArtifact(path):
                return Place(self._workspace.account, self._workspace.container, f"{TRACKED}/{path}")
            case _:
                raise invalid(f"'{uri}' cannot be the input of a job; use a data or model asset.", "inputs")

    def output(self, run: str, name: str, declared: Mapping[str, Any] | None) -> tuple[Place, str]:
        """Where an output goes, and its address: as the job says, else where the SDK's download looks."""
        uri = (declared or {}).get("uri")
        if not uri:
            uri = DatastorePath(DEFAULT, f"azureml/{run}/{name}/").uri(self._workspace)
        return self.asset(uri), uri

    def _in(self, datastore: str, path: str) -> Place:
        return Place(*self._lookups.datastore(self._workspace.env, datastore), path)
