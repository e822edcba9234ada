"""The ARM id of a workspace: parsed once, compared as Azure compares it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.errors import Invalid

_WORKSPACE = re.compile(
    r"/?subscriptions/(?P<subscription>[0-9a-f-]{36})/resourceGroups/(?P<group>[-\w.()]{1,90})"
    r"/providers/Microsoft\.MachineLearningServices/workspaces/(?P<name>[A-Za-z0-9][-\w]{2,32})/?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, eq=False)
class WorkspaceId:
    """The ARM id of a workspace. Azure ignores case in it, so equality does too."""

    subscription: str
    resource_group: str
    name: str

    @staticmethod
    def parse(text: str) -> WorkspaceId:
        """Raises Invalid when `text` is not the ARM id of a workspace."""
        match = _WORKSPACE.fullmatch(text)
        if match is None:
            raise Invalid(
                f"{text[:200]!r} is not the id of a workspace; it looks like /subscriptions/<guid>/"
                "resourceGroups/<group>/providers/Microsoft.MachineLearningServices/workspaces/<name>"
            )
        return WorkspaceId(match["subscription"], match["group"], match["name"])

    @property
    def key(self) -> str:
        """One spelling for keys and comparison."""
        return str(self).lower()

    def __str__(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkspaceId) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)
