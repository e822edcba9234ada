"""What a running job asks the control plane: what an ARM id stands for, and where its files are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.azureml.refusals import invalid, missing
from local.azureml.uris import DatastorePath, parse

if TYPE_CHECKING:
    from local.azureml.models import Models
    from local.azureml.store import Record, Store
    from local.config import LocalConfig, Workspace

ASSET_ID = re.compile(
    r"(?:azureml:)?(?P<workspace>/subscriptions/.+/workspaces/[^/]+)/(?P<kind>[a-z]+)"
    r"/(?P<name>[^/]+)/versions/(?P<version>[^/]+)",
    re.IGNORECASE,
)
Files = tuple[str, str, str]  # account, container, path


class Lookups:
    """Answers from the store; ids that lead nowhere are refused."""

    def __init__(self, config: LocalConfig, store: Store, models: Models) -> None:
        self.config = config
        self.store = store
        self.models = models

    def component(self, component_id: str) -> dict[str, Any]:
        """The component's ARM body."""
        return self._asset(component_id, "components")[1].body

    def code(self, code_id: str) -> Files:
        _, record = self._asset(code_id, "codes")
        address = urlsplit(record.properties["codeUri"])
        container, _, path = address.path.strip("/").partition("/")
        return (address.hostname or "").partition(".")[0], container, path

    def datastore(self, env: str, name: str) -> tuple[str, str]:
        return self.models.datastores.locate(env, name)

    def data(self, asset_id: str) -> Files:
        """Files of a data asset, or of a model used as an input."""
        workspace, record = self._asset(asset_id, "data", "models")
        if record.kind == "models":
            return self.models.files(workspace, record)
        where = parse(record.properties["dataUri"], workspace)
        if not isinstance(where, DatastorePath):
            raise invalid(f"Data asset {record.name} has no files in a datastore.", "dataUri")
        return (*self.datastore(workspace.env, where.datastore), where.path)

    def _asset(self, asset_id: str, *kinds: str) -> tuple[Workspace, Record]:
        match = ASSET_ID.fullmatch(asset_id)
        if match is None or match["kind"].lower() not in kinds:
            raise invalid(f"'{asset_id}' is not the id of one of: {', '.join(kinds)}.")
        named = match["workspace"].lower()
        workspace = next((w for w in self.config.workspaces if w.id.lower() == named), None)
        if workspace is None:
            raise missing(f"The workspace of '{asset_id}'")
        record = self.store.get(match["kind"].lower(), workspace.env, match["name"], match["version"])
        if record is None:
            raise missing(f"'{asset_id}'")
        return workspace, record
