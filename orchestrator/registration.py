"""A registered version as it is known here: frozen values. No rule lives here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Registration:
    """The fact that a model version exists in the first environment's workspace."""

    model: str
    version: str
    created_at: datetime
    uri: str
    """Where its files are: an azureml:// datastore path in `workspace`."""
    workspace: str
    """ARM id of the workspace that holds it."""
    author: str = ""
    """Object id of who registered it, as the platform recorded it; empty when unknown."""
    run_id: str = ""
    type: str = "mlflow_model"
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    properties: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def order(self) -> tuple[datetime, int]:
        """What is registered later comes later; of one moment, the higher number."""
        return order(self.created_at, self.version)


def order(registered_at: datetime, version: str) -> tuple[datetime, int]:
    """See Registration.order. Versions that are no numbers have no order of their own."""
    return registered_at, int(version) if version.isascii() and version.isdecimal() else 0
