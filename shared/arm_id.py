"""The ARM id of a workspace: parsed once, compared as Azure compares it.

Nothing is assumed of it: two workspaces may be in two subscriptions, regions and resource groups.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.errors import Invalid

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_GROUP = re.compile(r"[-\w.()]{0,89}[-\w()]", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][-\w]{2,32}", re.ASCII)
_SHAPE: tuple[tuple[str, re.Pattern[str] | None, str], ...] = (
    ("subscriptions", None, ""),
    ("<subscription>", _GUID, "a GUID, xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
    ("resourceGroups", None, ""),
    ("<resource group>", _GROUP, "letters, digits, and ()-_. within, at most 90"),
    ("providers", None, ""),
    ("Microsoft.MachineLearningServices", None, ""),
    ("workspaces", None, ""),
    ("<workspace>", _NAME, "3 to 33 letters, digits, - and _, a letter or digit first"),
)
"""What each segment must be: that word, in any case, or what fits."""
_MODEL = re.compile(r"(?:azureml:)?(/.+)/models/([^/]+)/versions/([^/]+)")
_INSTEAD = (
    "write it as `source:` of the first environment, beside the `workspace:` where that deploys"
    " (docs/policy.md, A registry as the source)"
)


@dataclass(frozen=True, eq=False)
class WorkspaceId:
    """The ARM id of a workspace. Azure ignores case in it, so equality does too."""

    subscription: str
    resource_group: str
    name: str

    @staticmethod
    def parse(text: str) -> WorkspaceId:
        """Raises Invalid when `text` is not the ARM id of a workspace: it names the segment that is wrong."""
        if text.strip().lower().startswith("azureml:"):
            raise Invalid(
                f"{text[:200]!r} is the address of a registry, not the id of a workspace: {_INSTEAD}"
            )
        segments = text.removeprefix("/").removesuffix("/").split("/")
        wrong = next((said for n in range(len(_SHAPE)) if (said := _wrong(segments, n))), "")
        if not wrong and len(segments) > len(_SHAPE):
            wrong = f"nothing may follow the workspace's name, but {segments[len(_SHAPE)][:40]!r} does"
        if wrong:
            raise Invalid(
                f"{text[:200]!r} is not the id of a workspace: {wrong}. It looks like /subscriptions/<guid>/"
                "resourceGroups/<group>/providers/Microsoft.MachineLearningServices/workspaces/<name>"
            )
        return WorkspaceId(segments[1], segments[3], segments[7])

    @property
    def key(self) -> str:
        """One spelling for keys and comparison."""
        return str(self).lower()

    def model_id(self, name: str, version: str) -> str:
        """How a deployment refers to a model of this workspace."""
        return f"{self}/models/{name}/versions/{version}"

    def version_of(self, model_id: str) -> tuple[str, str] | None:
        """(name, version), if that is a model of this workspace: none of a registry, or of another one."""
        found = _MODEL.fullmatch(model_id)
        return (found[2], found[3]) if found and found[1].lower() == self.key else None

    def __str__(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkspaceId) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _wrong(segments: list[str], n: int) -> str:
    """What is wrong with segment `n`; empty: nothing."""
    word, fits, what = _SHAPE[n]
    if n >= len(segments):
        return f"it ends before {word!r}"
    found = segments[n]
    if fits is None:
        return "" if found.lower() == word.lower() else f"segment {n + 1} is {found[:80]!r}, not {word!r}"
    return "" if fits.fullmatch(found) else f"{word} {found[:80]!r} must be {what}"
