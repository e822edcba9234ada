"""The published types of Azure's resources, as far as infra/ declares them. See data/README.md."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data"
REDUCED, TRANSCRIBED = FOLDER / "azure-types.json", FOLDER / "transcribed-types.json"
REQUIRED, READ_ONLY = 1, 2
Shape = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    name: str
    body: Shape
    scopes: tuple[str, ...]
    shapes: dict[str, Shape]

    def open(self, shape: Shape) -> Shape:
        """The object behind a reference; any other shape is itself."""
        return self.shapes[shape["ref"]] if "ref" in shape else shape

    def properties(self, shape: Shape, chosen: str | None = None) -> dict[str, tuple[Shape, int]]:
        """Of an object, or of a union of objects that a property tells apart: the chosen one's, or all."""
        inside = self.open(shape)
        found = {name: (each, flags) for name, (each, flags) in inside.get("properties", {}).items()}
        for name, element in inside.get("elements", {}).items():
            if chosen is None or name.lower() == chosen.lower():
                found |= self.properties(element)
        return found


@cache
def all_types() -> dict[str, Resource]:
    """By type@version, in lower case."""
    raw = {k: v for path in (REDUCED, TRANSCRIBED) for k, v in json.loads(path.read_text()).items()}
    return {
        name.lower(): Resource(name, each["body"], tuple(each["scopes"]), each["shapes"])
        for name, each in raw.items()
    }
