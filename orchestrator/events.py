"""Event Grid and CloudEvents payloads -> facts, or a reasoned refusal. Pure, total: never raises.

Fields are hints: only names, versions and run ids are taken, and all are read again from the configured
workspace before anything is done with them. Key casing differs between Microsoft's own documents
(reference: Event Grid schema of Azure ML), so keys are read without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

_PREFIX = "microsoft.machinelearningservices."
_WORKSPACE = re.compile(
    r"/subscriptions/[0-9a-f-]{36}/resourcegroups/[\w.()-]{1,90}"
    r"/providers/microsoft\.machinelearningservices/workspaces/[\w-]{1,60}",
    re.IGNORECASE,
)
_REGISTRY = re.compile(r"azureml://registries/[\w-]{1,60}", re.IGNORECASE | re.ASCII)
_FRACTION = re.compile(r"(\.\d{6})\d+")
_KNOWN_UNUSED = ("modeldeployed", "runstatuschanged", "datasetdriftdetected")
MAX_TEXT = 255


@dataclass(frozen=True, kw_only=True)
class ModelRegistered:
    """A model version was registered, says the workspace (or, of a registry, whoever shared it there)."""

    id: str
    workspace: str
    """ARM id of the workspace, or the address of a registry."""
    at: datetime
    model: str
    version: str


@dataclass(frozen=True, kw_only=True)
class RunCompleted:
    """A training run finished successfully, says the workspace."""

    id: str
    workspace: str
    at: datetime
    run_id: str


@dataclass(frozen=True)
class Ignored:
    """A known event that nothing here needs: acknowledged and counted."""

    why: str


@dataclass(frozen=True)
class Refused:
    """Not understood: kept in dead letters with this reason, and acknowledged."""

    why: str


Parsed = ModelRegistered | RunCompleted | Ignored | Refused


def parse(payload: object) -> Parsed:
    """One event in either schema (`topic`/`eventType`/`eventTime` or `source`/`type`/`time`)."""
    if not isinstance(payload, Mapping):
        return Refused(f"an event must be a JSON object, not {type(payload).__name__}")
    event = _folded(cast("Mapping[object, object]", payload))
    kind = _text(event, "eventtype") or _text(event, "type")
    if not kind:
        return Refused("the event has no eventType (Event Grid schema) or type (CloudEvents)")
    short = kind.lower().removeprefix(_PREFIX)
    if short in _KNOWN_UNUSED:
        return Ignored(f"{kind} is not used")
    if short == kind.lower() or short not in ("modelregistered", "runcompleted"):
        return Refused(f"event type {kind[:120]!r} is unknown")
    return _fact(short, event)


def _fact(kind: str, event: Mapping[str, object]) -> Parsed:
    identity = _text(event, "id")
    if not identity or len(identity) > MAX_TEXT:
        return Refused(f"the event has no usable id (1 to {MAX_TEXT} characters)")
    workspace = _text(event, "topic") or _text(event, "source")
    from_registry = kind == "modelregistered" and _REGISTRY.fullmatch(workspace)
    if not from_registry and not _WORKSPACE.fullmatch(workspace):
        return Refused(f"topic {workspace[:200]!r} is not the ARM id of an Azure ML workspace")
    at = _time(_text(event, "eventtime") or _text(event, "time"))
    if at is None:
        return Refused("the event has no eventTime that can be read as a date")
    data = event.get("data")
    if not isinstance(data, Mapping):
        return Refused("the event has no data object")
    fields = _folded(cast("Mapping[object, object]", data))
    if kind == "runcompleted":
        run = _text(fields, "runid")
        if not _usable(run):
            return Refused(f"data.runId {run[:80]!r} is not a run id")
        return RunCompleted(id=identity, workspace=workspace, at=at, run_id=run)
    model, version = _text(fields, "modelname"), _text(fields, "modelversion")
    if not _usable(model):
        return Refused(f"data.ModelName {model[:80]!r} is not a model name")
    if not _usable(version):
        return Refused(f"data.ModelVersion {version[:80]!r} is not a version")
    return ModelRegistered(id=identity, workspace=workspace, at=at, model=model, version=version)


def _folded(mapping: Mapping[object, object]) -> dict[str, object]:
    return {str(key).lower(): value for key, value in mapping.items()}


def _text(fields: Mapping[str, object], key: str) -> str:
    """Text, or a whole number as text (Microsoft's own example carries a numeric version); else empty."""
    value = fields.get(key)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _usable(text: str) -> bool:
    return 0 < len(text) <= MAX_TEXT and text.isprintable() and text == text.strip()


def _time(text: str) -> datetime | None:
    """Published examples carry seven fractional digits; Python reads six."""
    try:
        at = datetime.fromisoformat(_FRACTION.sub(r"\1", text.strip()))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
