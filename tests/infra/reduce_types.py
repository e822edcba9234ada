"""Makes data/azure-types.json: of the published types, those that infra/ declares, without their prose.

python -m tests.infra.reduce_types FOLDER    FOLDER holds generated `types.json` files of Azure/bicep-types-az

Origin and licence: data/README.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.infra.meaning import load
from tests.infra.published import REDUCED, TRANSCRIBED

INFRA = Path(__file__).parents[2] / "infra"
_SCOPES = {"tenant": 1, "managementGroup": 2, "subscription": 4, "resourceGroup": 8, "extension": 16}


def declared() -> set[str]:
    """type@version of every resource in infra/, in lower case."""
    files = map(load, INFRA.rglob("*.bicep"))
    return {d.type.lower() for f in files for d in f.declarations if d.kind == "resource"}


def reduce(folder: Path, wanted: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("types.json")):
        types = json.loads(path.read_text())
        for each in types:
            if each["$type"] == "ResourceType" and each["name"].lower() in wanted:
                shapes: dict[str, Any] = {}
                body = _shape(types, each["body"]["$ref"], shapes)
                allowed = each.get("writableScopes", 31)
                scopes = [name for name, bit in _SCOPES.items() if allowed & bit]
                found[each["name"]] = {"body": body, "scopes": scopes, "shapes": shapes}
    return found


def _shape(types: list[Any], ref: str, shapes: dict[str, Any]) -> Any:
    """Simple shapes are written in place, objects once, by name and number."""
    number = int(ref.removeprefix("#/"))
    each = types[number]

    def of(other: dict[str, str]) -> Any:
        return _shape(types, other["$ref"], shapes)

    match each["$type"]:
        case "StringLiteralType":
            return {"is": each["value"]}
        case "UnionType":
            return {"any": [of(e) for e in each["elements"]]}
        case "ArrayType":
            return {"list": of(each["itemType"])}
        case "ObjectType" | "DiscriminatedObjectType":
            key = f"{each['name']}#{number}"
            if key not in shapes:
                shapes[key] = {}
                shapes[key] = _object(each, of)
            return {"ref": key}
        case kind:
            limits = {
                k: each[k] for k in ("pattern", "minLength", "maxLength", "minValue", "maxValue") if k in each
            }
            return {"kind": kind.removesuffix("Type").lower(), **limits}


def _object(each: dict[str, Any], of: Any) -> dict[str, Any]:
    properties = each.get("properties") or each.get("baseProperties") or {}
    made: dict[str, Any] = {
        "properties": {name: [of(p["type"]), p["flags"]] for name, p in properties.items()}
    }
    if each.get("additionalProperties"):
        made["others"] = of(each["additionalProperties"])
    if "discriminator" in each:
        made["by"] = each["discriminator"]
        made["elements"] = {name: of(e) for name, e in each["elements"].items()}
    return made


def main(arguments: list[str]) -> int:
    wanted = declared()
    kept = reduce(Path(arguments[0]), wanted)
    lines = [f"{json.dumps(n)}: {json.dumps(kept[n], separators=(',', ':'))}" for n in sorted(kept)]
    REDUCED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    known = {name.lower() for name in (*kept, *json.loads(TRANSCRIBED.read_text()))}
    for name in sorted(wanted - known):
        print(f"no published type: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
