"""What a region offers, what is left of it, and what a caller may do: ARM reads that no resource owns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local import faults
from local.azureml import allowed, quota
from local.azureml.arm import JSON, PROVIDER, Call
from local.azureml.routing import Table, route
from local.config import REGION

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.azureml.store import Store
    from local.config import LocalConfig

OFFERED = (
    *(f"Standard_DS{n}_v2" for n in (1, 2, 3, 4, 5, 11, 12, 13, 14)),
    *(f"Standard_{kind}{n}s_v3" for kind in "DE" for n in (2, 4, 8, 16, 32)),
    *(f"Standard_{kind}{n}as_v4" for kind in "DE" for n in (2, 4, 8, 16, 32)),
    *(f"Standard_F{n}s_v2" for n in (2, 4, 8, 16, 32)),
    *(f"Standard_NC{n}s_v3" for n in (6, 12, 24)),
)


class Capacity:
    """`LOC/{vmSizes,usages,quotas}` and `~/providers/Microsoft.Authorization/permissions`."""

    def __init__(self, config: LocalConfig, store: Store) -> None:
        self.config = config
        self.store = store

    def table(self) -> Table:
        return [route("GET", "/providers/Microsoft.Authorization/permissions", self._permissions)]

    def routes(self) -> list[Route]:
        return [
            Route("/location/{subscription}/vmSizes", self._sizes),
            Route("/location/{subscription}/usages", self._usages),
            Route("/location/{subscription}/quotas", self._quotas),
        ]

    async def _sizes(self, _request: Request) -> Response:
        return JSONResponse({"value": [_size(name) for name in OFFERED]})

    async def _usages(self, request: Request) -> Response:
        own = request.path_params["subscription"]
        used = quota.usage(self.store, own)
        rows = [_row(own, family, used.get(family, 0), self._limit(family)) for family in _families()]
        total = _row(own, "", sum(used.values()), quota.CORES_IN_ALL)
        low = {**_row(own, "", 0, 100), "type": f"{PROVIDER}/totalLowPriorityCores/usages"}
        return JSONResponse({"value": [total, low, *rows]})

    async def _quotas(self, request: Request) -> Response:
        own = request.path_params["subscription"]
        rows = [_row(own, family, 0, self._limit(family)) for family in _families()]
        for row in rows:
            del row["currentValue"]
            row["id"], row["type"] = row["id"].replace("/usages/", "/quotas/"), f"{PROVIDER}/vmFamily/quotas"
        return JSONResponse({"value": rows})

    def _limit(self, family: str) -> int:
        return quota.limit(self.config, "", family)

    async def _permissions(self, call: Call) -> Response:
        """Whoever may read here may do everything, unless roles are enforced or a fault says otherwise."""
        rule = faults.take(self.config, "rights", workspace=call.workspace.env, oid=call.caller.oid) or {}
        row = {
            "actions": rule.get("actions", allowed.told(self.config, call.caller, call.workspace.id)),
            "notActions": rule.get("not_actions", []),
            "dataActions": [],
            "notDataActions": [],
        }
        return JSONResponse({"value": [row]})


def _families() -> list[str]:
    return sorted({quota.size(name)[0] for name in OFFERED})


def _size(name: str) -> JSON:
    family, cores = quota.size(name)
    return {
        "name": name,
        "family": family,
        "vCPUs": cores,
        "gpus": cores // 6 if "_NC" in name else 0,
        "osVhdSizeMB": 1047552,
        "maxResourceVolumeMB": 8192 * cores,
        "memoryGB": 3.5 * cores,
        "lowPriorityCapable": True,
        "premiumIO": True,
        "supportedComputeTypes": ["AmlCompute", "ComputeInstance"],
    }


def _row(subscription: str, family: str, used: int, limit: int) -> JSON:
    """As the service writes them: the total first, each family under its own id."""
    name = family or "TotalDedicatedCores"
    kind = "vmFamily/dedicatedCores" if family else "totalDedicatedCores"
    return {
        "id": f"/subscriptions/{subscription}/providers/{PROVIDER}/locations/{REGION}/usages/{name}",
        "amlWorkspaceLocation": REGION,
        "type": f"{PROVIDER}/{kind}/usages",
        "unit": "Count",
        "currentValue": used,
        "limit": limit,
        "name": {"value": name, "localizedValue": name},
    }
