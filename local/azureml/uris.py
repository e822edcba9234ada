"""`azureml://` addresses of files, in the spellings that the service takes, and the one it answers with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from local.azureml.refusals import invalid
from local.config import Workspace

_SHORT = re.compile(r"azureml://datastores/(?P<store>[^/]+)/paths/(?P<path>.+)", re.IGNORECASE)
_LONG = re.compile(
    r"azureml://subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)"
    r"(?:/providers/microsoft\.machinelearningservices)?"
    r"/workspaces/(?P<workspace>[^/]+)/datastores/(?P<store>[^/]+)/paths/(?P<path>.+)",
    re.IGNORECASE,
)
_OUTPUT = re.compile(
    r"azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths)?(?P<path>/.*|)", re.IGNORECASE
)
_RUN = re.compile(r"runs:/(?P<run>[^/]+)/(?P<path>.+)")
_LOGGED = re.compile(r"models:/(?P<id>m-[0-9a-f]+)/?", re.IGNORECASE)
_ARTIFACTS = re.compile(r"mlflow-artifacts:(?://[^/]+)?/(?P<path>.+)")


@dataclass(frozen=True)
class DatastorePath:
    """Files in a datastore."""

    datastore: str
    path: str

    def uri(self, workspace: Workspace) -> str:
        """The long form, in the service's own odd casing."""
        return (
            f"azureml://subscriptions/{workspace.subscription}/resourcegroups/{workspace.resource_group}"
            f"/workspaces/{workspace.name}/datastores/{self.datastore}/paths/{self.path}"
        )


@dataclass(frozen=True)
class JobOutput:
    """A named output of a job, and a path below it."""

    job: str
    output: str
    path: str


@dataclass(frozen=True)
class RunArtifact:
    """An artifact path of an MLflow run."""

    run: str
    path: str


@dataclass(frozen=True)
class LoggedModel:
    """A model that MLflow 3 logged outside any registry."""

    id: str


@dataclass(frozen=True)
class TrackedArtifact:
    """A path of the workspace's MLflow artifact store."""

    path: str


Source = DatastorePath | JobOutput | RunArtifact | LoggedModel | TrackedArtifact


def parse(uri: str, workspace: Workspace) -> Source:
    """What an address of model or data files points at; refused if the service would not know it either."""
    clean = unquote(uri.strip())
    if ".." in clean.split("/") or "\\" in clean or not clean.isprintable():
        raise invalid(f"The path '{uri}' is not valid.", "path")
    if match := _SHORT.fullmatch(clean):
        return DatastorePath(match["store"], _tidy(match["path"]))
    if match := _LONG.fullmatch(clean):
        _check_workspace(match, workspace, uri)
        return DatastorePath(match["store"], _tidy(match["path"]))
    if match := _OUTPUT.fullmatch(clean):
        return JobOutput(match["job"], match["output"], _tidy(match["path"]))
    if match := _RUN.fullmatch(clean):
        return RunArtifact(match["run"], _tidy(match["path"]))
    if match := _LOGGED.fullmatch(clean):
        return LoggedModel(match["id"])
    if match := _ARTIFACTS.fullmatch(clean):
        return TrackedArtifact(_tidy(match["path"]))
    raise invalid(f"The path '{uri}' is not supported.", "path")


def _check_workspace(match: re.Match[str], workspace: Workspace, uri: str) -> None:
    named = (match["subscription"], match["group"], match["workspace"])
    own = (workspace.subscription, workspace.resource_group, workspace.name)
    if [n.lower() for n in named] != [n.lower() for n in own]:
        raise invalid(f"The path '{uri}' belongs to another workspace than {workspace.name}.", "path")


def _tidy(path: str) -> str:
    return "/".join(part for part in path.split("/") if part)
