"""`retire`: an operator takes a slot's endpoint down, with what serves there. Pure.

The only path of ours that deletes what serves (S3): confirmed by the slot's name, journaled for exactly this
endpoint. The slot is held, so that nothing puts it up again before somebody says so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from orchestrator.case import POLL_TRAFFIC, READ_BACK, Step
from orchestrator.foreign import moving, released
from orchestrator.given import Given
from orchestrator.model import Entry, Retirement, Slot, SlotState
from orchestrator.opening import taken
from orchestrator.traffic import foreign, guard
from orchestrator.world import Act, Action, Change, Outcome, Setting, Trouble, Verb, Wait, World


def retire(given: Given, world: World) -> Change:
    """Say that the endpoint is to go, or why not."""
    order, setting, endpoint = given.order, given.setting, world.endpoint()
    slot = taken(released(given.state), given.fact)
    if moving(slot):
        return given.refused(moving(slot))
    if endpoint is None and slot.serving is None:
        return given.refused(f"there is no endpoint {setting.policy.endpoint}")
    if endpoint is not None and foreign(endpoint, slot):
        return given.refused(foreign(endpoint, slot))
    said = Retirement(
        by=order.by, name=order.name, reason=order.reason, at=setting.now, endpoint=setting.policy.endpoint
    )
    hold = f"retired: {order.reason} ({order.who})"
    slot = replace(slot, retirement=said, hold=hold, foreign=None, not_before=None, troubles=0, trouble="")
    return given.done(slot, f"endpoint {said.endpoint} is taken down, and the slot is held")


def pursue_retirement(state: SlotState, world: World, setting: Setting) -> Step | None:
    """Ask once, look until it is gone; None: nobody retires this slot."""
    slot, said = state.slot, state.slot.retirement
    if said is None:
        return None
    if said.endpoint != setting.policy.endpoint:
        return _kept(slot, f"greenlight.yaml names another endpoint now: {setting.policy.endpoint}", setting)
    endpoint = world.endpoint()
    if endpoint is None:
        return _retired(slot, setting)
    if not endpoint.at_rest:
        again = setting.again(POLL_TRAFFIC, said.asked_at or said.at)
        return Wait(again, f"endpoint {endpoint.name} is {endpoint.state}")
    if said.asked_at is not None and setting.now - said.asked_at < timedelta(
        seconds=READ_BACK / setting.pace
    ):
        return Wait(setting.after(POLL_TRAFFIC), f"endpoint {endpoint.name} is to be deleted")
    action = Action(verb=Verb.RETIRE, n=slot.serving.n if slot.serving else 0)
    refusal = guard(endpoint, slot, action)
    return _kept(slot, refusal, setting) if refusal else Act(action)


def asked_to_retire(state: SlotState, outcome: Outcome, setting: Setting) -> Change:
    """The platform's answer. Only the next look says whether the endpoint is gone."""
    slot, said = state.slot, state.slot.retirement
    if said is None:
        return Change(slot=slot)
    if isinstance(outcome, Trouble):
        return _kept(slot, outcome.why, setting)
    why = f"asked to delete endpoint {said.endpoint}"
    entry = Entry(what="retire.done", why=why, by="greenlight", at=setting.now)
    return Change(slot=replace(slot, retirement=replace(said, asked_at=setting.now)), entries=(entry,))


def _retired(slot: Slot, setting: Setting) -> Change:
    said, was = slot.retirement, slot.serving
    if said is None:
        raise AssertionError("asked only where somebody retires the slot")
    told = f"endpoint {said.endpoint} is gone: retired by {said.name or said.by}: {said.reason}"
    entry = Entry(
        what="slot.retired",
        why=told,
        by=said.by,
        at=setting.now,
        before=was.deployment if was else "",
        after="",
    )
    slot = replace(slot, serving=None, previous=None, retirement=None, foreign=None, told=told)
    slot = replace(slot, retiring={}, orphans=(), orphaned={})
    return Change(slot=slot, entries=(entry,))


def _kept(slot: Slot, why: str, setting: Setting) -> Change:
    told = f"not retired: {why}"
    entry = Entry(what="retire.refused", why=told, by="greenlight", at=setting.now)
    return Change(slot=replace(slot, retirement=None, told=told), entries=(entry,))
