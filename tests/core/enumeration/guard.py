"""S2 and S3 said once more, in other words than the guard's: what may be written, what may be deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from types import ModuleType

from orchestrator.model import Slot
from orchestrator.world import TAG_SLOT, EndpointSeen
from tests.core.enumeration.axes import Beside, End, Mover, Place, Scene, Serves, Stage, Votes
from tests.core.enumeration.axes_outside import Dep, Kind, Online, Traffic
from tests.core.enumeration.build import state_of
from tests.core.enumeration.figures import CANDIDATE, RETIRED, SLOT, STABLE, STRANGER
from tests.core.enumeration.guard_orders import about_orders, about_plans
from tests.core.enumeration.outside import onlines, seen

AMOUNTS = (-50, 0, 50, 100, 150)
SPLITS = tuple(dict(zip((CANDIDATE, STABLE, STRANGER), w, strict=True)) for w in product(AMOUNTS, repeat=3))
WHOLES = ({STABLE: 100}, {CANDIDATE: 100}, {CANDIDATE: 10, STABLE: 90})
MIRRORS: tuple[dict[str, int], ...] = (
    *({CANDIDATE: share} for share in (-1, 1, 50, 51)),
    *({STABLE: 20}, {STRANGER: 20}, {CANDIDATE: 20, STABLE: 20}, {}),
)
STATES = (Kind.CREATING, Kind.SUCCEEDED, Kind.UPDATING, Kind.FAILED, Kind.FOREIGN, Kind.UNMARKED)


def slots() -> Iterator[Slot]:
    for serves in (Serves.NOTHING, Serves.BLUE):
        scene = Scene(Place.LATER, Stage.PLANNED, Votes.NOT_ASKED, End.NONE, Mover.THIS, serves, Beside())
        yield state_of(scene).slot


def may_write(endpoint: EndpointSeen, weights: Mapping[str, int], slot: Slot) -> bool:
    """S2: a whole, on our own endpoint at rest, for deployments that stand and that the slot knows."""
    known = {CANDIDATE} | ({slot.serving.deployment} if slot.serving else set())
    standing = {name for name, found in endpoint.deployments.items() if found.state == "Succeeded"}
    given = {name for name, weight in weights.items() if weight != 0}
    whole = sum(weights.values()) == 100 and min(weights.values()) >= 0
    at_rest = endpoint.state in ("Succeeded", "Failed")
    return ours(endpoint) and at_rest and whole and given <= known & standing


def may_remove(endpoint: EndpointSeen, name: str, slot: Slot) -> bool:
    """S3: on our own endpoint, what nobody is sent to and nobody relies on."""
    relied_on = slot.serving is not None and slot.serving.deployment == name
    used = name in endpoint.weights or name in endpoint.split.mirror
    return ours(endpoint) and not used and not relied_on


def ours(endpoint: EndpointSeen) -> bool:
    return endpoint.tags.get(TAG_SLOT) == SLOT


def disagreements(guard: ModuleType) -> Iterator[str]:
    """Where the guard says otherwise than the two statements above. An exception is a disagreement, too."""
    try:
        yield from _about_weights(guard)
        yield from _about_removal(guard)
        yield from about_plans(guard)
        yield from about_orders(guard)
    except (AttributeError, KeyError, TypeError) as error:
        yield f"the guard raised {error!r}"


def _about_weights(guard: ModuleType) -> Iterator[str]:
    endpoints = [
        seen(Online(kind, candidate, stable, traffic=traffic))
        for kind, candidate, stable, traffic in product(STATES, Dep, Dep, (Traffic.NONE, Traffic.FOREIGN))
    ]
    for slot, endpoint, weights in product(slots(), endpoints, SPLITS):
        assert endpoint is not None
        allowed = guard.refuse_weights(endpoint, weights, slot, CANDIDATE) == ""
        if allowed != may_write(endpoint, weights, slot):
            yield f"{weights} on {endpoint}"
    for slot, endpoint, weights, mirror in product(slots(), endpoints, WHOLES, MIRRORS):
        assert endpoint is not None
        allowed = guard.refuse_weights(endpoint, weights, slot, CANDIDATE, mirror) == ""
        if allowed != (may_write(endpoint, weights, slot) and may_copy(endpoint, weights, mirror, slot)):
            yield f"{weights}, copies {mirror} on {endpoint}"


def may_copy(
    endpoint: EndpointSeen, weights: Mapping[str, int], mirror: Mapping[str, int], slot: Slot
) -> bool:
    """S2: copies of at most half, for one deployment that stands, is known and has no requests."""
    if not mirror:
        return True
    known = {CANDIDATE} | ({slot.serving.deployment} if slot.serving else set())
    standing = {name for name, found in endpoint.deployments.items() if found.state == "Succeeded"}
    one = len(mirror) == 1 and set(mirror) <= known & standing
    return one and all(1 <= share <= 50 and not weights.get(name) for name, share in mirror.items())


def _about_removal(guard: ModuleType) -> Iterator[str]:
    every = onlines(full=True, named=True, serves=True, red=True, unmarked=True, steps=True)
    for slot, online in product(slots(), every):
        endpoint = seen(online)
        if endpoint is None:
            continue
        for name in (CANDIDATE, STABLE, RETIRED, STRANGER):
            if (guard.refuse_removal(endpoint, name, slot) == "") != may_remove(endpoint, name, slot):
                yield f"removing {name} from {endpoint}"
