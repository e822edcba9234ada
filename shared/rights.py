"""What Greenlight's identity must be allowed to do in a workspace, and whether its roles are enough. Pure.

ARM tells the actions that the caller's roles grant at a scope: patterns with `*`, from which each role takes
its own exceptions away. Data actions (blobs, queues, tables) are roles of the storage accounts, not of ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ML = "Microsoft.MachineLearningServices"
_WORKSPACE = f"{_ML}/workspaces"

# The one list: infra/roles is made from it (`python -m docs.reference write`), the local cloud enforces it.
# Grouped by the calls of shared/: workspace.py, region.py, azureml.py, runs.py, metrics.
ACTIONS: tuple[str, ...] = (
    f"{_WORKSPACE}/read",
    f"{_WORKSPACE}/datastores/read",
    f"{_WORKSPACE}/models/versions/read",
    f"{_WORKSPACE}/onlineEndpoints/read",
    f"{_WORKSPACE}/onlineEndpoints/write",
    f"{_WORKSPACE}/onlineEndpoints/listKeys/action",
    f"{_WORKSPACE}/onlineEndpoints/deployments/read",
    f"{_WORKSPACE}/onlineEndpoints/deployments/write",
    f"{_WORKSPACE}/onlineEndpoints/deployments/delete",
)
"""Without one of these a rollout fails in the middle, also in the first environment."""
LISTING = (f"{_WORKSPACE}/models/read",)
"""Besides, in the first environment: registrations whose event was lost are found by a listing."""
REGISTERING = (f"{_WORKSPACE}/models/versions/write",)
"""Besides, where frozen copies are registered: in every later environment."""
LOOKING: tuple[str, ...] = (
    f"{_WORKSPACE}/experiments/read",
    f"{_WORKSPACE}/experiments/runs/read",
    f"{_WORKSPACE}/jobs/read",
    "Microsoft.Authorization/permissions/read",
    "Microsoft.Insights/metrics/read",
)
"""Evidence, rights, health: without one, that is said, and people decide. Which of the first three is asked
for when MLflow reads a run is not documented, so all are there."""
CLEARING: tuple[str, ...] = (
    f"{_WORKSPACE}/onlineEndpoints/delete",
    f"{_WORKSPACE}/onlineEndpoints/deployments/getLogs/action",
)
"""An operator's `retire`, and the log of a deployment that failed."""
REGION: tuple[str, ...] = (
    f"{_ML}/locations/mfeOperationsStatus/read",
    f"{_ML}/locations/usages/read",
    f"{_ML}/locations/vmSizes/read",
)
"""At the subscription: how operations ended, quota, sizes."""
REGISTRY: tuple[str, ...] = (
    f"{_ML}/registries/assets/read",
    f"{_ML}/registries/read",
)
"""At a registry that is the source (registry.py): its models, the reference that opens their files; where it
is looked up."""

SOURCE = tuple(sorted((*ACTIONS, *LISTING, *LOOKING, *CLEARING)))
TARGET = tuple(sorted((*ACTIONS, *REGISTERING, *LOOKING, *CLEARING)))


@dataclass(frozen=True)
class Granted:
    """What one role grants: `actions` except `not_actions`; of what is in storage, the `data` ones."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    not_data: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        return _matches(self.actions, action) and not _matches(self.not_actions, action)

    def allows_data(self, action: str) -> bool:
        return _matches(self.data, action) and not _matches(self.not_data, action)


def missing(granted: Sequence[Granted], wanted: Sequence[str] = ACTIONS) -> tuple[str, ...]:
    """The actions that no role grants."""
    return tuple(action for action in wanted if not any(role.allows(action) for role in granted))


def missing_data(granted: Sequence[Granted], wanted: Sequence[str]) -> tuple[str, ...]:
    """The same of data actions, and of actions on their containers, which one role grants together."""
    return tuple(
        action
        for action in wanted
        if not any(role.allows_data(action) or role.allows(action) for role in granted)
    )


def _matches(patterns: Sequence[str], action: str) -> bool:
    return any(re.fullmatch(_pattern(pattern), action, re.IGNORECASE | re.DOTALL) for pattern in patterns)


def _pattern(text: str) -> str:
    """`workspaces/*/read` covers `workspaces/read`, too: the built-in roles are written so."""
    levels = text.replace("/*/", "/\0").split("\0")
    return "(?:.*/)?".join(".*".join(map(re.escape, level.split("*"))) for level in levels)
