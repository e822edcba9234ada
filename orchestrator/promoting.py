"""`promote`: an operator asks for a version, also an older one. Same gates, same approvals. Pure."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.given import Given
from orchestrator.model import Promotion, Registration, SlotState
from orchestrator.opening import begun, opened
from orchestrator.world import Change, World


def promote(given: Given, world: World) -> Change:
    """Its promotion, or why there can be none. Later environments get a frozen copy, as ever."""
    fact, setting, version = given.fact, given.setting, given.fact.version
    seen = world.origin(version)
    if seen.registration is None:
        return given.refused(f"version {version} of {given.slot.model} does not exist where models come from")
    if seen.archived:
        return given.refused(f"version {version} is archived: restore it in the workspace first")
    already = _already(given.state, seen.registration)
    if already is not None:
        return given.refused(f"promotion #{already.n} of version {version} is open already")
    made = begun(given.slot, fact, seen.registration, setting)
    made = replace(made, retried=True, requester=fact.by)
    if not setting.policy.first:  # what the first environment digested is what a copy must be
        made = replace(made, digest=seen.digest, size=seen.size)
    change = opened(
        given.state.slot, fact, made, f"{given.order.who} asks for it{given.order.because}", setting
    )
    if setting.policy.first and not seen.known:
        change = replace(change, registrations=(seen.registration,))
    return given.began(change, f"it is promotion #{made.n}")


def _already(state: SlotState, wanted: Registration) -> Promotion | None:
    """An open promotion of this very registration that has reached no verdict."""
    for p in state.promotions.values():
        same = (p.registration.version, p.registration.created_at) == (wanted.version, wanted.created_at)
        if same and p.ending is None and p.adoption is None:
            return p
    return None
