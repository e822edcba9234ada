"""The looks before people are asked: at the files, the room in the region, and the rights there.

An identity that may deploy need not be allowed to read quota or roles: then nobody knows, and that is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.capacity import capacity
from orchestrator.loading import model_seen
from orchestrator.model import SlotState
from orchestrator.outside import Outside
from orchestrator.seen import CapacitySeen, RightsSeen
from orchestrator.world import Look, Sight
from shared.errors import Forbidden, Invalid, NotFound, Refused
from shared.ports import WorkspacePort
from shared.rights import ACTIONS, REGISTERING, missing

if TYPE_CHECKING:
    from orchestrator.policy import SlotPolicy

_UNTOLD = (Forbidden, NotFound, Refused)


def survey(outside: Outside, state: SlotState, policy: SlotPolicy, look: Look) -> object:
    """What goal 4 asks for. Raises what may pass with time."""
    if look.sight is Sight.MODEL_FILE:
        return model_seen(outside, state, policy, state.promotions[int(look.arg)])
    workspace = outside.workspace(policy.env.workspace)
    if look.sight is Sight.NAMESAKE:
        return namesake(outside, workspace, policy)
    return (
        capacity_seen(workspace, policy) if look.sight is Sight.CAPACITY else rights_seen(workspace, policy)
    )


def namesake(outside: Outside, workspace: WorkspacePort, policy: SlotPolicy) -> str:
    """Endpoint names are host names of a region. Of strangers' nobody can tell before ours is made."""
    others = {env.workspace.lower(): env.workspace for env in outside.policy.file.environments}
    others.pop(policy.env.workspace.lower(), None)
    for place in others.values():
        try:
            other = outside.workspace(place)
            taken = other.endpoint(policy.endpoint) is not None and other.region() == workspace.region()
        except (*_UNTOLD, Invalid):  # another environment's trouble is not ours
            continue
        if taken:
            return other.id.name
    return ""


def capacity_seen(workspace: WorkspacePort, policy: SlotPolicy) -> CapacitySeen:
    try:
        sizes, usages = workspace.vm_sizes(), workspace.core_usages()
    except _UNTOLD as error:
        return CapacitySeen(note=f"instance type and quota could not be checked: {error}")
    return capacity(sizes, usages, policy.env.deployment.instance_type)


def rights_seen(workspace: WorkspacePort, policy: SlotPolicy) -> RightsSeen:
    wanted = ACTIONS if policy.first else (*ACTIONS, *REGISTERING)
    try:
        return RightsSeen(missing=missing(workspace.granted(), wanted))
    except _UNTOLD as error:
        return RightsSeen(note=f"rights could not be checked: {error}")
