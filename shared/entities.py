"""What azure-ai-ml's entities say, as the values of `shared.ports`. Foreign names are checked here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from shared.azure import AzureCloud
from shared.blobs import check_place
from shared.errors import Invalid
from shared.ports import Datastore, Deployment, Endpoint, ModelVersion, WorkspaceId
from shared.registry_id import RegistryId


def model_version(found: Any) -> ModelVersion:
    """The entity does not say whether it is archived."""
    made = found.creation_context
    return ModelVersion(
        str(found.name),
        str(found.version),
        str(found.path),
        str(found.type),
        found.job_name,
        made.created_at,
        str(made.created_by or ""),
        dict(found.tags or {}),
        dict(found.properties or {}),
        dict(found.flavors or {}),
    )


def endpoint(found: Any) -> Endpoint:
    return Endpoint(
        str(found.name),
        _word(found.provisioning_state),
        str(found.scoring_uri or ""),
        weights(found.traffic),
        weights(getattr(found, "mirror_traffic", None)),
        dict(found.tags or {}),
        str(found.auth_mode),
    )


def _word(state: Any) -> str:
    """The SDK hands over an enumeration member for words it knows, and text for others."""
    return str(state.value if isinstance(state, Enum) else state or "")


def weights(found: Mapping[str, Any] | None) -> dict[str, int]:
    """The SDK writes names in lower case, and adds a zero for every deployment without traffic."""
    return {name.lower(): int(weight) for name, weight in (found or {}).items() if int(weight)}


def deployment(found: Any, home: WorkspaceId | RegistryId) -> Deployment:
    """`home`: where models come from. One of anywhere else is no (name, version)."""
    return Deployment(
        str(found.name),
        _word(found.provisioning_state),
        home.version_of(str(found.model or "")),
        str(found.instance_type or ""),
        int(found.instance_count or 0),
        dict(found.tags or {}),
    )


def datastore(found: Any, cloud: AzureCloud) -> Datastore:
    """Raises Invalid for one that keeps no blobs, or keeps them outside this cloud."""
    account, container = getattr(found, "account_name", None), getattr(found, "container_name", None)
    if not account or not container:
        raise Invalid(f"datastore {found.name} keeps no blobs ({found.type})")
    suffix = getattr(found, "endpoint", None)
    if suffix and suffix.lower() != cloud.storage_suffix.lower():
        raise Invalid(f"datastore {found.name} is below {suffix}, not {cloud.storage_suffix}")
    check_place(account, container)
    return Datastore(str(found.name), account, container)
