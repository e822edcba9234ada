"""Role assignments of the app's identity, as infra/ gives them: a call beyond them is refused as in Azure.

Off unless the cloud is started with `--enforce-roles`. People and jobs keep their rights.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.azureml.arm import REGISTRY_PLANE
from local.azureml.refusals import Refusal
from local.config import APP_IDENTITY
from shared import rights

if TYPE_CHECKING:
    from local.azureml.callers import Caller
    from local.config import LocalConfig

RUNS = "Microsoft.MachineLearningServices/workspaces/experiments/runs"
_REGISTRIES = "Microsoft.MachineLearningServices/registries"
_KINDS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
_READING = re.compile(r"(?:get|search|list|get-history\w*|artifacts?|contentinfo|prefix)", re.IGNORECASE)


def check(config: LocalConfig, caller: Caller, method: str, path: str) -> None:
    """Raises the 403 of ARM."""
    if not config.enforce_roles or caller.oid != APP_IDENTITY:
        return
    action = action_of(method, path)
    if action and not rights.Granted(granted(config, path)).allows(action):
        scope = path.partition("/onlineEndpoints")[0]
        raise Refusal(
            403,
            "AuthorizationFailed",
            f"The client '{caller.oid}' with object id '{caller.oid}' does not have authorization to perform "
            f"action '{action}' over scope '{scope}' or the scope is invalid.",
        )


def told(config: LocalConfig, caller: Caller, path: str) -> list[str]:
    """What the caller reads about its own rights there."""
    return list(granted(config, path)) if config.enforce_roles and caller.oid == APP_IDENTITY else ["*"]


def granted(config: LocalConfig, path: str) -> tuple[str, ...]:
    """The actions of the custom roles that reach what is at `path`."""
    lower = path.lower()
    if "/registries/" in lower:
        return rights.REGISTRY
    if "/workspaces/" not in lower:
        return rights.REGION
    first = config.workspaces[0]
    names = lower.partition("/workspaces/")[2]
    return rights.SOURCE if names.partition("/")[0] == first.name.lower() else rights.TARGET


def action_of(method: str, path: str) -> str:
    """What ARM calls a request: the types in its path, and read, write, delete or an action's own name."""
    if shared := REGISTRY_PLANE.fullmatch(path):
        reads = method in ("GET", "HEAD") or shared["rest"].startswith("/datarefs/")
        return f"{_REGISTRIES}/assets/{'read' if reads else 'write'}"
    prefix = path.lower().partition("/subscriptions/")[0]
    if prefix.startswith("/registrymanagement/"):
        return f"{_REGISTRIES}/read"
    if prefix:  # run history and MLflow speak to another plane, with the same identity
        reads = method in ("GET", "HEAD") or any(map(_READING.fullmatch, path.split("/")[-2:]))
        return f"{RUNS}/{'read' if reads else 'write'}"
    _, found, rest = path.rstrip("/").rpartition("/providers/")
    if not found:
        return ""
    provider, *parts = rest.split("/")
    return "/".join((provider, *parts[::2], _KINDS.get(method, "action")))
