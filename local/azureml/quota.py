"""Limits of a subscription: endpoints, deployments, instances, and cores of a VM family."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from local import faults
from local.azureml.refusals import Refusal, inference_invalid
from local.config import subscription_of

if TYPE_CHECKING:
    from local.azureml.store import Record, Store
    from local.config import LocalConfig

ENDPOINTS = 100
DEPLOYMENTS = 500
DEPLOYMENTS_PER_ENDPOINT = 20
INSTANCES_PER_DEPLOYMENT = 50
CORES_PER_FAMILY = 1000  # generous; a fault rule on "quota" narrows it
CORES_IN_ALL = 5000
RESERVED = 1.2  # a fifth more is set aside for upgrades

# Names with the number of cores in them (Standard_D4s_v3), and the older ones without.
_NUMBERED = re.compile(
    r"Standard_(?P<family>[A-Z]{1,2})(?P<cores>\d+)(?P<rest>[a-z]*(?:_v\d)?)", re.IGNORECASE
)
_DS_V2 = {"1": 1, "2": 2, "3": 4, "4": 8, "5": 16, "11": 2, "12": 4, "13": 8, "14": 16, "15": 20}


def size(instance_type: str) -> tuple[str, int]:
    """(family, cores) of a VM size."""
    match = _NUMBERED.fullmatch(instance_type)
    if match is None:
        raise inference_invalid(f"Instance type '{instance_type}' is not supported.", "instanceType")
    family = f"standard{match['family']}{match['rest'].replace('_', '')}Family"
    if match["family"].upper() == "DS" and match["rest"].lower() == "_v2":
        if match["cores"] not in _DS_V2:
            raise inference_invalid(f"Instance type '{instance_type}' is not supported.", "instanceType")
        return family, _DS_V2[match["cores"]]
    return family, int(match["cores"])


def cores(record: Record) -> tuple[str, int]:
    """(family, cores) that a deployment takes from the subscription."""
    family, each = size(record.properties["instanceType"])
    return family, math.ceil(RESERVED * int(record.body["sku"]["capacity"])) * each


def usage(store: Store, subscription: str) -> dict[str, int]:
    """Cores in use by family; a failed deployment keeps its machines until it is deleted."""
    used: dict[str, int] = {}
    for record in store.list("deployments"):
        if subscription_of(record.workspace) != subscription:
            continue
        family, count = cores(record)
        used[family] = used.get(family, 0) + count
    return used


def limit(config: LocalConfig, workspace: str, family: str) -> int:
    rule = faults.take(config, "quota", workspace=workspace, family=family)
    return int(rule["cores"]) if rule else CORES_PER_FAMILY


def check(config: LocalConfig, store: Store, record: Record) -> None:
    """Refuse a deployment (already in the store) for which there are not enough cores."""
    family, wanted = cores(record)
    most = limit(config, record.workspace, family)
    used = usage(store, subscription_of(record.workspace))[family]
    if used > most:
        raise Refusal(
            400,
            "OutOfQuota",
            f"Not enough quota available for {record.properties['instanceType']}: {used - wanted} of {most} "
            f"cores of {family} are in use and {wanted} more are needed (20 % are reserved for upgrades).",
        )
