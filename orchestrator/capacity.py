"""Is the instance type offered, and is the quota enough? Arithmetic over what the region tells. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from orchestrator.seen import CapacitySeen
from shared.region import CoreUsage, VmSize


def capacity(sizes: Sequence[VmSize], usages: Sequence[CoreUsage], instance_type: str) -> CapacitySeen:
    """What is left for instances of this type."""
    size = next((s for s in sizes if s.name.lower() == instance_type.lower()), None)
    if size is None:
        return CapacitySeen(offered=False, similar=tuple(_similar(sizes, instance_type)))
    rows = [u for u in usages if u.limit is not None and _key(u.family) in ("", _key(size.family))]
    tight = min(rows, key=lambda u: (u.limit or 0) - u.used, default=None)
    if tight is None:
        return CapacitySeen(cores=size.cores, note=f"no quota of {size.family} is listed")
    return CapacitySeen(
        cores=size.cores,
        free=max(0, (tight.limit or 0) - tight.used),
        limit=tight.limit or 0,
        family=tight.family or "the whole region",
    )


def _similar(sizes: Sequence[VmSize], wanted: str) -> list[str]:
    names = {s.name.lower(): s.name for s in sizes}
    return [names[found] for found in difflib.get_close_matches(wanted.lower(), names, n=3)]


def _key(family: str) -> str:
    """`standardDSv2Family` here is `Standard DSv2 Family Cluster Dedicated vCPUs` elsewhere."""
    plain = re.sub(r"[^a-z0-9]", "", family.lower())
    return re.sub(r"(family)?(cluster)?(dedicated)?(vcpus)?$", "", plain)
