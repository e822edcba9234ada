"""Where a model's files are: `azureml://…` as registered → a datastore of that workspace and a path in it.

Registered text is foreign input: what is not plainly a place in the same workspace is refused, with a reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.errors import Invalid
from shared.ports import Place, WorkspaceId, WorkspacePort

DEFAULT_STORE = "workspaceblobstore"
ARTIFACT_STORE = "workspaceartifactstore"
MAX_PATH = 1024  # a blob's name is no longer

_SHORT = re.compile(r"azureml:/{1,2}datastores/(?P<store>[^/]+)/paths/(?P<path>.*)", re.DOTALL)
_LONG = re.compile(
    r"azureml:/{1,2}(?P<workspace>subscriptions/[^/]+/resourcegroups/[^/]+/(?:providers/[^/]+/)?workspaces/[^/]+)"
    r"/datastores/(?P<store>[^/]+)/paths/(?P<path>.*)",
    re.IGNORECASE | re.DOTALL,
)
_JOB = re.compile(
    r"azureml:/{1,2}(?:(?P<workspace>subscriptions/[^/]+/resourcegroups/[^/]+/(?:providers/[^/]+/)?workspaces/[^/]+)/)?"
    r"jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths/(?P<path>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,254}")
_PROVIDER = "/providers/Microsoft.MachineLearningServices"


@dataclass(frozen=True)
class ModelUri:
    """`path` has no leading or trailing slash; it names a folder or one file."""

    datastore: str
    path: str

    @staticmethod
    def parse(text: str, workspace: WorkspaceId) -> ModelUri:
        """Raises Invalid with the reason when `text` is no place in `workspace`."""
        found = _SHORT.fullmatch(text) or _LONG.fullmatch(text)
        if found is not None:
            _check_workspace(text, found.groupdict().get("workspace"), workspace)
            return ModelUri(_checked_name("datastore", found["store"], text), checked_path(found["path"]))
        job = _JOB.fullmatch(text)
        if job is not None:
            _check_workspace(text, job["workspace"], workspace)
            return _of_job(job, text)
        raise Invalid(
            f"model path {text[:200]!r}: only azureml://…/datastores/… and azureml://jobs/… are read"
        )

    def uri(self, workspace: WorkspaceId) -> str:
        """The long form, as the SDK writes it."""
        return (
            f"azureml://subscriptions/{workspace.subscription}/resourcegroups/{workspace.resource_group}"
            f"/workspaces/{workspace.name}/datastores/{self.datastore}/paths/{self.path}"
        )


def place_of(uri: str, workspace: WorkspacePort) -> Place:
    """Where a path that was registered in this workspace leads."""
    where = ModelUri.parse(uri, workspace.id)
    store = workspace.datastore(where.datastore)
    return Place(store.account, store.container, where.path)


def checked_path(text: str) -> str:
    """A path inside a container, without slashes at its ends. Raises Invalid for one that climbs or hides."""
    path = text.strip("/")
    if not path or len(path) > MAX_PATH:
        raise Invalid(f"path {text[:200]!r}: must have 1 to {MAX_PATH} characters")
    if "\\" in path or not path.isprintable():
        raise Invalid(f"path {text[:200]!r}: no backslash and no control character may be in it")
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise Invalid(f"path {text[:200]!r}: no empty part, no '.' and no '..' may be in it")
    return path


def _of_job(job: re.Match[str], text: str) -> ModelUri:
    """Named outputs lie in the default datastore, a run's artifacts in the artifact store."""
    name, output = _checked_name("job", job["job"], text), _checked_name("output", job["output"], text)
    below = f"/{checked_path(job['path'])}" if (job["path"] or "").strip("/") else ""
    if output == "artifacts":
        return ModelUri(ARTIFACT_STORE, f"ExperimentRun/dcid.{name}{below}")
    return ModelUri(DEFAULT_STORE, f"azureml/{name}/{output}{below}")


def _check_workspace(text: str, named: str | None, workspace: WorkspaceId) -> None:
    """The long form names its workspace, with or without provider: it must be the one it was read from."""
    if named is None:
        return
    bare = re.sub(r"providers/[^/]+/", "", named, flags=re.IGNORECASE)
    if f"/{bare}".lower() != str(workspace).replace(_PROVIDER, "").lower():
        raise Invalid(f"model path {text[:200]!r} points to another workspace than {workspace.name}")


def _checked_name(what: str, name: str, text: str) -> str:
    if not _NAME.fullmatch(name):
        raise Invalid(f"model path {text[:200]!r}: {what} {name[:80]!r} is not a legal name")
    return name
