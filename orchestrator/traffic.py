"""The traffic guard: every weight change and every deletion of ours passes through here. Pure.

There is no flag to skip it. It answers why a write must not happen; empty text means it may.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model import Slot
from orchestrator.world import EndpointSeen


def refuse_weights(endpoint: EndpointSeen, weights: Mapping[str, int], allowed: set[str]) -> str:
    """S2: weights sum to 100, name only `Succeeded` deployments, and only those the slot knows of."""
    if sum(weights.values()) != 100 or any(w < 0 for w in weights.values()):
        return f"weights {dict(weights)} do not sum to 100"
    for name, weight in weights.items():
        if not weight:
            continue
        deployment = endpoint.deployments.get(name)
        if deployment is None or deployment.state != "Succeeded":
            state = deployment.state if deployment else "missing"
            return f"deployment {name} is {state}, so it may not get traffic"
        if name not in allowed:
            return f"deployment {name} is neither the candidate nor what serves"
    return ""


def refuse_removal(endpoint: EndpointSeen, name: str, slot: Slot) -> str:
    """S3: what serves, or gets any traffic, is never deleted."""
    if endpoint.traffic.get(name, 0):
        return f"deployment {name} has {endpoint.traffic[name]} % of the traffic"
    if slot.serving and name == slot.serving.deployment:
        return f"deployment {name} is recorded as serving"
    return ""
