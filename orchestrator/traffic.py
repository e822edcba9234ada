"""The traffic guard: every weight change and every deletion of ours passes through here. Pure.

There is no flag to skip it. It answers why a write must not happen; empty text means it may.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model import Slot
from orchestrator.world import TAG_SLOT, EndpointSeen


def foreign(endpoint: EndpointSeen, slot: Slot) -> str:
    """Why the endpoint is not ours to touch; empty: it carries our mark."""
    owner = endpoint.tags.get(TAG_SLOT, "")
    if owner == str(slot.key):
        return ""
    whose = f"carries the mark of {owner}" if owner else "was not made by Greenlight"
    return f"endpoint {endpoint.name} exists and {whose}; adopt it or give the slot another name"


def refuse_weights(endpoint: EndpointSeen, weights: Mapping[str, int], slot: Slot, candidate: str) -> str:
    """S2: weights sum to 100, name only `Succeeded` deployments, and only the candidate and what serves."""
    if foreign(endpoint, slot):
        return foreign(endpoint, slot)
    if not endpoint.at_rest:
        return f"endpoint {endpoint.name} is {endpoint.state}"
    if sum(weights.values()) != 100 or any(w < 0 for w in weights.values()):
        return f"weights {dict(weights)} do not sum to 100"
    for name, weight in weights.items():
        if not weight:
            continue
        deployment = endpoint.deployments.get(name)
        if deployment is None or deployment.state != "Succeeded":
            state = deployment.state if deployment else "missing"
            return f"deployment {name} is {state}, so it may not get traffic"
        if name != candidate and not (slot.serving and name == slot.serving.deployment):
            return f"deployment {name} is neither the candidate nor what serves"
    return ""


def refuse_removal(endpoint: EndpointSeen, name: str, slot: Slot) -> str:
    """S3: what serves, or gets any traffic, is never deleted."""
    if foreign(endpoint, slot):
        return foreign(endpoint, slot)
    if endpoint.traffic.get(name, 0):
        return f"deployment {name} has {endpoint.traffic[name]} % of the traffic"
    if slot.serving and name == slot.serving.deployment:
        return f"deployment {name} is recorded as serving"
    return ""
