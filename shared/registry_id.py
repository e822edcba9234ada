"""The address of a model registry, `azureml://registries/NAME`: parsed once.

Neither subscription nor resource group is in it: names of registries are unique in a tenant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.errors import Invalid

_SCHEME = "azureml://"
_NAME = re.compile(r"[A-Za-z0-9][-\w]{2,32}", re.ASCII)
_MODEL = re.compile(r"azureml://registries/([^/]+)/models/([^/]+)/versions/([^/]+)/?", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class RegistryId:
    """A registry. Azure ignores case in its name, so equality does too."""

    name: str

    @staticmethod
    def parse(text: str) -> RegistryId:
        """Raises Invalid when `text` is not the address of a registry: it names the part that is wrong."""
        wrong = _wrong(text)
        if wrong:
            raise Invalid(f"{text[:200]!r} is not the address of a registry: {wrong}")
        return RegistryId(text.removeprefix(_SCHEME).rstrip("/").split("/")[1])

    @property
    def key(self) -> str:
        """One spelling for keys and comparison."""
        return str(self).lower()

    def model_id(self, name: str, version: str) -> str:
        """How a deployment refers to a model of this registry, and how the registry itself calls it."""
        return f"{self}/models/{name}/versions/{version}"

    def version_of(self, model_id: str) -> tuple[str, str] | None:
        """(name, version), if that is a model of this registry."""
        found = _MODEL.fullmatch(model_id)
        return (found[2], found[3]) if found and found[1].lower() == self.name.lower() else None

    def __str__(self) -> str:
        return f"{_SCHEME}registries/{self.name}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RegistryId) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _wrong(text: str) -> str:
    """What is wrong with it; empty: nothing."""
    shape = f"it looks like {_SCHEME}registries/NAME"
    if text.lower().startswith("/subscriptions/") and "/registries/" in text.lower():
        name = re.split("/registries/", text, flags=re.IGNORECASE)[1].partition("/")[0]
        return f"that is an ARM id; write {_SCHEME}registries/{name[:40]}"
    if not text.startswith(_SCHEME):
        return f"it does not begin with {_SCHEME}; {shape}"
    kind, _, rest = text.removeprefix(_SCHEME).removesuffix("/").partition("/")
    name, _, below = rest.partition("/")
    if kind != "registries":
        return f"after {_SCHEME} comes {kind[:80]!r}, not 'registries'; {shape}"
    if not _NAME.fullmatch(name):
        rule = "3 to 33 letters, digits, - and _, a letter or digit first"
        return f"the name {name[:80]!r} must be {rule}" if name else f"it names no registry; {shape}"
    if below:
        place = f"{_SCHEME}registries/{name}"
        return f"only the registry is named, {place}: nothing may follow it, but {below[:40]!r} does"
    return ""
