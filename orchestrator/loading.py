"""Can the candidate's files be served, and do they take what clients send? Looked at before people are asked.

Azure ML builds an MLflow model's image and server from its MLmodel file alone: what is missing there is only
noticed when the deployment fails, half an hour after people have approved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from orchestrator.model import Promotion, SlotState
from orchestrator.outside import Outside
from orchestrator.seen import ModelSeen
from orchestrator.signature import refuses, signature_of
from shared.errors import Conflict, Invalid, NotFound
from shared.ports import WorkspacePort
from shared.untrusted import visible

if TYPE_CHECKING:
    from orchestrator.policy import SlotPolicy

FILE = "MLmodel"
LARGEST = 4 * 1024 * 1024
MLFLOW = "mlflow_model"
FLAVOR = "python_function"


@dataclass(frozen=True)
class ModelFile:
    """An MLmodel file, and the names beside it. `problem`: it could not be read."""

    content: Mapping[str, Any]
    beside: frozenset[str]
    problem: str = ""


def model_seen(outside: Outside, state: SlotState, policy: SlotPolicy, p: Promotion) -> ModelSeen:
    """What the candidate's own file says, and against that of what serves now."""
    if p.registration.type != MLFLOW:
        kind = visible(p.registration.type, 40)
        return ModelSeen(problem=f"it is registered as {kind}: only MLflow models serve without a script")
    at = policy.env.workspace if p.frozen else p.registration.workspace
    file = model_file(outside, outside.workspace(at), p.frozen or p.registration.uri)
    problem = file.problem or _unservable(file)
    if problem:
        return ModelSeen(problem=problem)
    return _compared(outside, state, policy, p, file)


def mismatch(outside: Outside, state: SlotState, policy: SlotPolicy, p: Promotion) -> str:
    """What of the clients' requests the candidate does not take; asked again once it is deployed."""
    return model_seen(outside, state, policy, p).mismatch


def _compared(
    outside: Outside, state: SlotState, policy: SlotPolicy, p: Promotion, file: ModelFile
) -> ModelSeen:
    serving, mine = state.slot.serving, signature_of(file.content)
    if serving is None:
        return ModelSeen()
    workspace = outside.workspace(policy.env.workspace)
    stable = workspace.model(p.model, serving.target_version or serving.version)
    theirs = signature_of(model_file(outside, workspace, stable.uri).content) if stable else None
    if mine is None or theirs is None:
        whose = "the candidate" if mine is None else f"v{serving.version}, which serves,"
        return ModelSeen(note=f"{whose} says nothing of its inputs, so they are not compared")
    return ModelSeen(mismatch=refuses(theirs, mine))


def model_file(outside: Outside, workspace: WorkspacePort, uri: str) -> ModelFile:
    """The MLmodel file of a registered path, as far as it can be read. Raises what may pass with time."""
    import yaml

    try:
        container, path = outside.files(workspace, uri)
        below = f"{path}/" if path else ""
        blobs = {blob.name.removeprefix(below): blob for blob in container.list(below)}
        names = frozenset(blobs)
        blob = blobs.get(FILE)
        if blob is None or blob.size > LARGEST:
            why = (
                "there is no MLmodel file in its folder" if blob is None else "its MLmodel file is too large"
            )
            return ModelFile({}, names, why)
        content: object = yaml.safe_load(container.read(blob, 0, blob.size))
    except (yaml.YAMLError, ValueError, RecursionError):
        return ModelFile({}, frozenset(), "its MLmodel file cannot be read")
    except (Invalid, NotFound, Conflict) as error:
        return ModelFile({}, frozenset(), f"its files cannot be read: {error}")
    if not isinstance(content, dict):
        return ModelFile({}, names, "its MLmodel file cannot be read")
    return ModelFile(cast("dict[str, Any]", content), names)


def _unservable(file: ModelFile) -> str:
    """Why no server can be made of it; empty: one can."""
    flavors = _mapping(file.content.get("flavors"))
    if FLAVOR not in flavors:
        there = f"it has {', '.join(sorted(map(_word, flavors)))}" if flavors else "it has none"
        return f"its MLmodel file has no {FLAVOR} flavor ({there})"
    flavor = _mapping(flavors[FLAVOR])
    if not flavor.get("loader_module"):
        return f"the {FLAVOR} flavor of its MLmodel file names no loader_module"
    told = flavor.get("env")
    wanted = [told] if isinstance(told, str) else list(_mapping(told).values())
    missing = sorted(_word(name) for name in wanted if isinstance(name, str) and name not in file.beside)
    return f"its MLmodel file names {', '.join(missing)}, which is not there" if missing else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _word(value: object) -> str:
    return visible(value, 40)
