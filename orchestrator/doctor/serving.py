"""Endpoint names, and room in the region for two colours. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.doctor.finding import Code, Finding, Unseen
from orchestrator.preflight import cores_for
from orchestrator.seen import CapacitySeen

PROVIDER = "Microsoft.MachineLearningServices"


@dataclass(frozen=True, kw_only=True)
class NameSeen:
    """The endpoint name of one slot, and what is there by that name."""

    slot: str
    env: str
    workspace: str
    endpoint: str
    owner: str = ""
    """The slot that claimed the name; empty: nobody."""
    there: bool = False
    mark: str = ""
    """The slot whose mark the endpoint carries."""
    namesake: str = ""
    """Another workspace of ours in this region that has an endpoint of the name."""


def judge_names(seen: Sequence[NameSeen]) -> Iterator[Finding]:
    first: dict[tuple[str, str], str] = {}
    for each in seen:
        yield from _name(each)
        key = (each.workspace.lower(), each.endpoint.lower())
        other = first.setdefault(key, each.slot)
        if other != each.slot:
            wrong = f"{each.slot} and {other} would both be endpoint {each.endpoint}"
            yield Finding(code=Code.NAME_SHARED, where=each.slot, wrong=wrong, mend=_elsewhere(each))


def _name(seen: NameSeen) -> Iterator[Finding]:
    if seen.owner and seen.owner != seen.slot:
        wrong = f"endpoint name {seen.endpoint} in {seen.env} belongs to slot {seen.owner}"
        yield Finding(code=Code.NAME_SHARED, where=seen.slot, wrong=wrong, mend=_elsewhere(seen))
    elif seen.there and seen.mark != seen.slot:
        whose = f"carries the mark of {seen.mark}" if seen.mark else "was not made by Greenlight"
        wrong = f"endpoint {seen.endpoint} in {seen.env} {whose}"
        mend = f"greenlight adopt {seen.slot} --reason 'it is ours from now on'"
        yield Finding(code=Code.NAME_TAKEN, where=seen.slot, wrong=wrong, mend=f"{mend}\n{_elsewhere(seen)}")
    elif not seen.there and seen.namesake:
        wrong = f"endpoint {seen.endpoint} is in workspace {seen.namesake}, in the same region"
        yield Finding(code=Code.NAMESAKE, where=seen.slot, wrong=wrong, mend=_elsewhere(seen))


def _elsewhere(seen: NameSeen) -> str:
    return f"edit greenlight.yaml: environments, {seen.env}, endpoint; then greenlight plan greenlight.yaml"


@dataclass(frozen=True, kw_only=True)
class RoomSeen:
    """What the region has for one environment's instances."""

    env: str
    subscription: str
    region: str
    type: str
    count: int
    serving: bool
    """Does something of ours serve there? Else blue and green both have to fit."""
    capacity: CapacitySeen


def judge_room(seen: RoomSeen) -> Iterator[Finding]:
    room, place = seen.capacity, f"{seen.region or 'the region'}"
    scope = f"/subscriptions/{seen.subscription}/providers/{PROVIDER}/locations/{seen.region}"
    if not room.offered:
        similar = f"; it offers {', '.join(room.similar)}" if room.similar else ""
        wrong = f"instance type {seen.type} is not offered in {place}{similar}"
        mend = f"az rest --method get --url '{scope}/vmSizes?api-version=2024-04-01' --query 'value[].name'"
        yield Finding(code=Code.INSTANCE_TYPE, where=seen.env, wrong=wrong, mend=mend)
        return
    if room.free is None:
        mend = f"az rest --method get --url '{scope}/usages?api-version=2024-04-01'"
        yield Unseen(room.note or "no quota is listed", mend).finding(seen.env)
        return
    colours = 1 if seen.serving else 2
    needed = colours * cores_for(seen.count, room.cores)
    if room.free < needed:
        what = "a candidate beside what serves needs" if seen.serving else "blue and green need"
        wrong = (
            f"{what} {needed} cores in {place} ({colours} × ceil(1.2 × {seen.count}) × {room.cores} of "
            f"{seen.type}); {room.free} of {room.limit} of {room.family} are free"
        )
        limit = room.limit + needed - room.free
        mend = (
            f"az quota update --resource-name '{room.family}' --scope {scope} "
            f"--limit-object value={limit} --resource-type dedicated"
        )
        yield Finding(code=Code.QUOTA, where=seen.env, wrong=wrong, mend=mend)
