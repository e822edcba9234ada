"""Which call of MLflow's REST API is which action of the registry, and how refusals look there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from local.azureml.refusals import Refusal
from local.azureml.registry import Registry, RegistryRefusal
from local.azureml.registry_search import SearchError

if TYPE_CHECKING:
    from local.azureml.callers import Caller
    from local.azureml.models import Models
    from local.config import Workspace

JSON = dict[str, Any]
Action = Callable[[Registry], Awaitable[JSON]]
ACTIONS: dict[tuple[str, str], Action] = {
    ("POST", "registered-models/create"): Registry.create_model,
    ("GET", "registered-models/get"): Registry.get_model,
    ("PATCH", "registered-models/update"): Registry.update_model,
    ("DELETE", "registered-models/delete"): Registry.delete_model,
    ("GET", "registered-models/search"): Registry.search_models,
    ("GET", "registered-models/get-latest-versions"): Registry.latest_versions,
    ("POST", "registered-models/get-latest-versions"): Registry.latest_versions,
    ("POST", "registered-models/set-tag"): Registry.set_model_tag,
    ("DELETE", "registered-models/delete-tag"): Registry.delete_model_tag,
    ("POST", "registered-models/alias"): Registry.set_alias,
    ("DELETE", "registered-models/alias"): Registry.delete_alias,
    ("GET", "registered-models/alias"): Registry.get_alias,
    ("POST", "model-versions/create"): Registry.create_version,
    ("GET", "model-versions/get"): Registry.get_version,
    ("PATCH", "model-versions/update"): Registry.update_version,
    ("DELETE", "model-versions/delete"): Registry.delete_version,
    ("GET", "model-versions/search"): Registry.search_versions,
    ("POST", "model-versions/transition-stage"): Registry.transition_stage,
    ("GET", "model-versions/get-download-uri"): Registry.download_uri,
    ("POST", "model-versions/set-tag"): Registry.set_version_tag,
    ("DELETE", "model-versions/delete-tag"): Registry.delete_version_tag,
}


async def answer(
    models: Models, action: Action, workspace: Workspace, caller: Caller, values: JSON
) -> tuple[int, JSON]:
    """(status, body) of one registry call."""
    try:
        return 200, await action(Registry(models, workspace, caller, values))
    except RegistryRefusal as refusal:
        return refusal.status, {"error_code": refusal.code, "message": str(refusal)}
    except SearchError as error:
        return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": str(error)}
    except Refusal as refusal:
        code = {404: "RESOURCE_DOES_NOT_EXIST", 503: "TEMPORARILY_UNAVAILABLE"}.get(
            refusal.status, "INVALID_PARAMETER_VALUE"
        )
        return refusal.status, {"error_code": code, "message": refusal.message}
