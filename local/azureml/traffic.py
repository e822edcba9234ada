"""The platform's rules for an endpoint's weights (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.azureml.refusals import inference_invalid

if TYPE_CHECKING:
    from collections.abc import Collection

MIRROR_MOST = 50
Weights = dict[str, int]


def check(traffic: Any, mirror: Any, deployments: Collection[str]) -> tuple[Weights, Weights]:
    """Both maps as they may be stored, or the refusal that the service would answer."""
    live = _weights(traffic, "traffic")
    mirrored = _weights(mirror, "mirrorTraffic")
    for name in (*live, *mirrored):
        if name not in deployments:
            raise inference_invalid(
                f"Deployment '{name}' in traffic does not exist in the endpoint.", "traffic"
            )
    if sum(live.values()) not in (0, 100):
        raise inference_invalid(
            f"The sum of traffic percentages must be 0 or 100, it is {sum(live.values())}.", "traffic"
        )
    _check_mirror(live, {name: weight for name, weight in mirrored.items() if weight})
    return live, mirrored


def _weights(value: Any, field: str) -> Weights:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise inference_invalid(f"{field} must be an object of percentages.", field)
    for name, weight in value.items():
        if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= 100:
            raise inference_invalid(f"{field} of '{name}' must be a whole number from 0 to 100.", field)
    return dict(value)


def _check_mirror(live: Weights, mirrored: Weights) -> None:
    if not mirrored:
        return
    if len(mirrored) > 1:
        raise inference_invalid("Traffic can be mirrored to one deployment only.", "mirrorTraffic")
    ((name, weight),) = mirrored.items()
    if weight > MIRROR_MOST:
        raise inference_invalid(f"At most {MIRROR_MOST} % of traffic can be mirrored.", "mirrorTraffic")
    if live.get(name):
        raise inference_invalid(
            f"Deployment '{name}' has live traffic, so none can be mirrored to it.", "mirrorTraffic"
        )
