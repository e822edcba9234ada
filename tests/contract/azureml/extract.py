"""Cut Microsoft's published types down to what the conformance tests need.

    python -m tests.contract.azureml.extract FOLDER     # see types/README.md for the origin

Writes one file per api-version into `types/`, in the same format: an array of elements, `$ref` by position.
Variants of discriminated types that the local cloud does not have are left out, as are descriptions.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TYPES = Path(__file__).parent / "types"
WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
ENDPOINT, DEPLOYMENT = f"{WORKSPACE}/onlineEndpoints", f"{WORKSPACE}/onlineEndpoints/deployments"

RESOURCES = {
    "2022-02-01-preview": (ENDPOINT, DEPLOYMENT),
    "2023-04-01": (f"{WORKSPACE}/codes/versions",),
    "2023-04-01-preview": (
        *(ENDPOINT, DEPLOYMENT, f"{WORKSPACE}/data", f"{WORKSPACE}/data/versions"),
        *(f"{WORKSPACE}/environments", f"{WORKSPACE}/environments/versions"),
    ),
    "2023-08-01-preview": (f"{WORKSPACE}/models", f"{WORKSPACE}/models/versions"),
    "2024-01-01-preview": (f"{WORKSPACE}/jobs", f"{WORKSPACE}/components/versions"),
    "2024-10-01-preview": (WORKSPACE, f"{WORKSPACE}/datastores"),
    "2025-01-01-preview": (f"{WORKSPACE}/jobs",),
}
ACTIONS = {
    "2022-02-01-preview": ((ENDPOINT, "listKeys"),),
    "2023-04-01": ((f"{WORKSPACE}/codes/versions", "startPendingUpload"),),
    "2023-04-01-preview": ((DEPLOYMENT, "getLogs"),),
    "2024-10-01-preview": ((f"{WORKSPACE}/datastores", "listSecrets"),),
}
# What is kept of types with variants; those not named here are kept whole.
VARIANTS = {
    "JobBaseProperties": {"Command", "Pipeline"},
    "JobBaseDetails": {"Command", "Pipeline"},
    "DatastoreProperties": {"AzureBlob"},
    "DatastoreDetails": {"AzureBlob"},
    "OnlineDeploymentProperties": {"Managed"},
    "OnlineDeploymentDetails": {"Managed"},
    "DataVersionBaseProperties": {"uri_file", "uri_folder"},
    "DataVersionBaseDetails": {"uri_file", "uri_folder"},
}

Element = dict[str, Any]


def reduce(elements: list[Element], version: str) -> list[Element]:
    """The wanted resources and actions, and all that they refer to."""
    kept: list[Element] = []
    places: dict[int, int] = {}

    def keep(position: int) -> int:
        if position not in places:
            places[position] = len(kept)
            kept.append({})
            kept[places[position]] = _renumbered(_trimmed(elements[position]), keep)
        return places[position]

    resources, actions = RESOURCES[version], ACTIONS.get(version, ())
    for position, element in enumerate(elements):
        kind = element["$type"]
        if kind == "ResourceType" and element["name"].partition("@")[0] in resources:
            keep(position)
        if kind == "ResourceFunctionType" and (element["resourceType"], element["name"]) in actions:
            keep(position)
    return kept


def _trimmed(element: Element) -> Element:
    kept = {k: v for k, v in element.items() if k not in ("description", "readableScopes", "writableScopes")}
    for group in ("properties", "baseProperties"):
        if group in kept:
            kept[group] = {n: {k: p[k] for k in ("type", "flags")} for n, p in kept[group].items()}
    wanted = VARIANTS.get(element.get("name", ""))
    if wanted and element["$type"] == "DiscriminatedObjectType":
        kept["elements"] = {k: v for k, v in kept["elements"].items() if k in wanted}
    return kept


def _renumbered(value: Any, keep: Any) -> Any:
    if isinstance(value, list):
        return [_renumbered(v, keep) for v in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$ref"}:
        return {"$ref": f"#/{keep(int(value['$ref'][2:]))}"}
    return {k: _renumbered(v, keep) for k, v in value.items()}


def main(source: Path) -> None:
    TYPES.mkdir(exist_ok=True)
    for version in RESOURCES:
        elements = json.loads((source / version / "types.json").read_text())
        text = json.dumps(reduce(elements, version), separators=(",", ":"))
        (TYPES / f"{version}.json").write_text(text.replace('},{"$type"', '},\n{"$type"') + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
