"""What Greenlight's identity must be allowed to do in a workspace, and whether its roles are enough. Pure.

ARM tells the actions that the caller's roles grant at a scope: patterns with `*`, from which each role takes
its own exceptions away. Data actions (blobs, queues, tables) are roles of the storage accounts, not of ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ML = "Microsoft.MachineLearningServices/workspaces"
ACTIONS: tuple[str, ...] = (
    f"{_ML}/read",
    f"{_ML}/datastores/read",
    f"{_ML}/models/read",
    f"{_ML}/models/versions/read",
    f"{_ML}/onlineEndpoints/read",
    f"{_ML}/onlineEndpoints/write",
    f"{_ML}/onlineEndpoints/listKeys/action",
    f"{_ML}/onlineEndpoints/deployments/read",
    f"{_ML}/onlineEndpoints/deployments/write",
    f"{_ML}/onlineEndpoints/deployments/delete",
)
"""Without one of these a rollout fails in the middle; AzureML Data Scientist has them all."""
REGISTERING: tuple[str, ...] = (f"{_ML}/models/versions/write",)
"""Besides, where the approved copy is registered: in every environment but the first."""


@dataclass(frozen=True)
class Granted:
    """What one role grants: `actions` except `not_actions`."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        return _matches(self.actions, action) and not _matches(self.not_actions, action)


def missing(granted: Sequence[Granted], wanted: Sequence[str] = ACTIONS) -> tuple[str, ...]:
    """The actions that no role grants."""
    return tuple(action for action in wanted if not any(role.allows(action) for role in granted))


def _matches(patterns: Sequence[str], action: str) -> bool:
    return any(re.fullmatch(_pattern(pattern), action, re.IGNORECASE | re.DOTALL) for pattern in patterns)


def _pattern(text: str) -> str:
    """`workspaces/*/read` covers `workspaces/read`, too: the built-in roles are written so."""
    levels = text.replace("/*/", "/\0").split("\0")
    return "(?:.*/)?".join(".*".join(map(re.escape, level.split("*"))) for level in levels)
