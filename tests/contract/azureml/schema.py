"""Microsoft's published resource types as JSON Schemas, one way for requests and one for responses.

A request may hold nothing read-only and nothing unknown. A response must hold what is required, may hold
nothing write-only, and may not invent fields either: what a caller reads here has to exist in Azure. Values
that the service may leave out may be null, as it does.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

TYPES = Path(__file__).parent / "types"
REQUIRED, READ_ONLY, WRITE_ONLY = 1, 2, 4
# ARM puts these beside every resource; the types give them as read-only and fixed.
ENVELOPE = {"id", "name", "type", "apiVersion"}

Schema = dict[str, Any]
Element = dict[str, Any]


@cache
def elements(version: str) -> list[Element]:
    return json.loads((TYPES / f"{version}.json").read_text())


@cache
def resource(version: str, name: str, *, request: bool) -> Draft202012Validator:
    """The schema of a resource type, `…/onlineEndpoints` for instance."""
    for element in elements(version):
        if element["$type"] == "ResourceType" and element["name"].partition("@")[0].lower() == name.lower():
            return _validator(version, element["body"]["$ref"], request=request)
    raise LookupError(f"{version} has no {name}")


@cache
def action(version: str, resource_type: str, name: str, *, request: bool) -> Draft202012Validator | None:
    """The schema of an action's input or output; None where it takes no body."""
    for element in elements(version):
        if (
            element["$type"] == "ResourceFunctionType"
            and element["resourceType"].lower() == resource_type.lower()
            and element["name"].lower() == name.lower()
        ):
            side = element.get("input" if request else "output")
            return _validator(version, side["$ref"], request=request) if side else None
    raise LookupError(f"{version} has no {resource_type}/{name}")


def _validator(version: str, ref: str, *, request: bool) -> Draft202012Validator:
    everything = elements(version)
    variants = {
        variant["$ref"]
        for element in everything
        if element["$type"] == "DiscriminatedObjectType"
        for variant in element["elements"].values()
    }
    definitions = {
        str(n): _Converter(element, request=request, variant=f"#/{n}" in variants).schema()
        for n, element in enumerate(everything)
    }
    return Draft202012Validator({"$ref": _pointer(ref), "$defs": definitions})


def _pointer(ref: str) -> str:
    return f"#/$defs/{ref.removeprefix('#/')}"


class _Converter:
    """One element; references stay references. A variant lists its own fields only: its base closes it."""

    def __init__(self, element: Element, *, request: bool, variant: bool) -> None:
        self.element = element
        self.request = request
        self.variant = variant

    def schema(self) -> Schema:
        kind = self.element["$type"]
        return getattr(self, "_" + re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower())()

    def _string_type(self) -> Schema:
        limits = {"pattern": "pattern", "minLength": "minLength", "maxLength": "maxLength"}
        return {"type": "string"} | {k: self.element[v] for k, v in limits.items() if v in self.element}

    def _string_literal_type(self) -> Schema:
        return {"const": self.element["value"]}

    def _integer_type(self) -> Schema:
        return {"type": "integer"}

    def _boolean_type(self) -> Schema:
        return {"type": "boolean"}

    def _any_type(self) -> Schema:
        return {}

    def _array_type(self) -> Schema:
        return {"type": "array", "items": self._to(self.element["itemType"])}

    def _union_type(self) -> Schema:
        return {"anyOf": [self._to(e) for e in self.element["elements"]]}

    def _resource_type(self) -> Schema:
        return self._to(self.element["body"])

    def _resource_function_type(self) -> Schema:
        return {}

    def _object_type(self) -> Schema:
        return {"type": "object", **self._fields(self.element["properties"]), **self._others()}

    def _discriminated_object_type(self) -> Schema:
        """One of the variants: its name decides, so that an error speaks of the right one."""
        key = self.element["discriminator"]
        base = self._fields(self.element["baseProperties"])
        choices = [
            {
                "if": {"properties": {key: {"const": name}}, "required": [key]},
                "then": self._to(variant),
            }
            for name, variant in self.element["elements"].items()
        ]
        return {
            "type": "object",
            "properties": {key: {"enum": list(self.element["elements"])}, **base.get("properties", {})},
            "required": [key, *base.get("required", [])],
            "allOf": choices,
            "unevaluatedProperties": False,
        }

    def _fields(self, properties: dict[str, Any]) -> Schema:
        kept = {n: p for n, p in properties.items() if self._exchanged(n, p["flags"])}
        required = [n for n, p in kept.items() if p["flags"] & REQUIRED and n not in ENVELOPE]
        return {
            "properties": {n: self._value(p, nullable=n not in required) for n, p in kept.items()},
            "required": required,
        }

    def _exchanged(self, name: str, flags: int) -> bool:
        if name in ENVELOPE:
            return True
        return not flags & (READ_ONLY if self.request else WRITE_ONLY)

    def _value(self, field: Element, *, nullable: bool) -> Schema:
        schema = self._to(field["type"])
        return {"anyOf": [schema, {"type": "null"}]} if nullable else schema

    def _others(self) -> Schema:
        others = self.element.get("additionalProperties")
        if others:
            return {"additionalProperties": {"anyOf": [self._to(others), {"type": "null"}]}}
        return {} if self.variant else {"unevaluatedProperties": False}

    @staticmethod
    def _to(ref: Element) -> Schema:
        return {"$ref": _pointer(ref["$ref"])}
