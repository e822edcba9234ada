"""TwinRegion: what a twin workspace's region offers, and what its caller may do."""

from __future__ import annotations

import math

from shared.region import CoreUsage, VmSize
from shared.rights import Granted
from simulation.twins.faults import Faults
from simulation.twins.online import Online

RESERVED = 1.2
"""A fifth more instances than asked for are set aside for upgrades."""
FAMILY = "standardDSv2Family"


class TwinRegion:
    """Satisfies `RegionPort`. A test narrows `sizes`, `limits` and `roles`."""

    faults: Faults
    online: Online

    def __init__(self) -> None:
        self.sizes = {
            name: VmSize(name, FAMILY, cores)
            for name, cores in (("Standard_DS2_v2", 2), ("Standard_DS3_v2", 4), ("Standard_DS4_v2", 8))
        }
        self.limits = {"": 2000, FAMILY: 1000}
        self.roles = [Granted(("*",))]

    def region(self) -> str:
        return self.faults.around("region", lambda: self.online.region.suffix.partition(".")[0])

    def vm_sizes(self) -> tuple[VmSize, ...]:
        return self.faults.around("vm_sizes", lambda: tuple(self.sizes[name] for name in sorted(self.sizes)))

    def core_usages(self) -> tuple[CoreUsage, ...]:
        def effect() -> tuple[CoreUsage, ...]:
            used = self._cores_in_use()
            return tuple(CoreUsage(f, used.get(f, 0), self.limits[f]) for f in sorted(self.limits))

        return self.faults.around("core_usages", effect)

    def granted(self) -> tuple[Granted, ...]:
        return self.faults.around("granted", lambda: tuple(self.roles))

    def _cores_in_use(self) -> dict[str, int]:
        used: dict[str, int] = {}
        for endpoint in self.online.all():
            for d in endpoint.deployments.values():
                size = self.sizes.get(d.instance_type)
                cores = math.ceil(RESERVED * d.instance_count) * size.cores if size else 0
                for family in {"", size.family if size else ""}:
                    used[family] = used.get(family, 0) + cores
        return used
