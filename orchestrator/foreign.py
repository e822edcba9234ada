"""What somebody else changed at a slot's endpoint: seen, said, and put back when an operator asks. Pure.

Nothing is overwritten by itself, with one exception: a late write of our own (its tag names the deployment
that it gave traffic to) is put right as soon as it is seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from orchestrator.case import POLL_TRAFFIC, READ_BACK
from orchestrator.model import Entry, Foreign, Serving, Slot, SlotState, Verdict
from orchestrator.orphans import note_orphans, remove_orphans
from orchestrator.seen import Split
from orchestrator.traffic import before, guard, tagged
from orchestrator.world import (
    TAG_LIVE,
    TAG_PROMOTION,
    TAG_SLOT,
    TAG_TRAFFIC,
    Act,
    Action,
    Asked,
    Change,
    EndpointSeen,
    Outcome,
    Setting,
    Trouble,
    Verb,
    Wait,
    World,
)

GIVE_UP = 3600.0
"""Seconds for which putting traffic back is tried."""
OURSELVES = "greenlight"


def difference(slot: Slot, endpoint: EndpointSeen | None, name: str) -> str:
    """How the endpoint differs from what the slot records; empty: it does not."""
    serving = slot.serving
    if serving is None:
        return ""
    if endpoint is None:
        return f"endpoint {name} is gone; {serving.deployment} served there"
    if endpoint.tags.get(TAG_SLOT, "") != str(slot.key):
        mark = endpoint.tags.get(TAG_SLOT, "")
        return f"endpoint {name} {f'carries the mark of {mark}' if mark else 'has lost our mark'}"
    if serving.deployment not in endpoint.deployments:
        return f"deployment {serving.deployment}, which served, is gone"
    if endpoint.split != before(slot):
        return f"traffic is {endpoint.split}; {serving.deployment} 100 % is recorded"
    if endpoint.tags.get(TAG_LIVE, "") != serving.deployment:
        return f"tag {TAG_LIVE} is {endpoint.tags.get(TAG_LIVE, '') or 'gone'}, not {serving.deployment}"
    return ""


def told(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {weight} %" for name, weight in weights.items()) or "nobody's"


def noticed(slot: Slot, sentence: str, endpoint: EndpointSeen | None, setting: Setting) -> Slot:
    """The slot, stopped until somebody decides what is to count."""
    seen = endpoint.split if endpoint else Split({})
    noted = Foreign(sentence=sentence, traffic=seen.weights, mirror=dict(seen.mirror), at=setting.now)
    return replace(slot, foreign=noted)


def watch(state: SlotState, world: World, setting: Setting) -> Change | Act | Wait | None:
    """The slot's own look, while anything is open here: None when the endpoint is as it should be."""
    slot = state.slot
    open_ = state.promotions or slot.orphans or slot.retiring
    if not (slot.serving and open_) and slot.foreign is None:
        return None
    restoring = slot.foreign is not None and slot.foreign.restore
    readable = timedelta(seconds=READ_BACK / setting.pace)
    if slot.serving and setting.now - slot.serving.since < readable:
        why = "what was just switched may still read as before"
        if restoring:
            return Wait(slot.serving.since + readable, why)
        return note_orphans(state, world.endpoint(), setting) if slot.foreign is None else None
    endpoint = world.endpoint()
    if endpoint is not None and not endpoint.at_rest:
        return _until_at_rest(slot.foreign, endpoint, setting)
    sentence = difference(slot, endpoint, setting.policy.endpoint)
    if slot.foreign is None and not sentence:
        return note_orphans(state, endpoint, setting) or remove_orphans(state, endpoint, setting)
    if not sentence:
        why = "the endpoint is as recorded again"
        return Change(slot=replace(slot, foreign=None), entries=(_entry("foreign.gone", why, setting),))
    if slot.foreign is not None and slot.foreign.restore:
        return _put_back(slot, slot.foreign, endpoint, setting)
    if slot.foreign is not None and slot.foreign.sentence == sentence:
        return None
    slot = noticed(slot, sentence, endpoint, setting)
    if endpoint is not None and slot.foreign is not None and _late_write(slot, endpoint):
        slot = replace(slot, foreign=replace(slot.foreign, restore=OURSELVES))
        sentence = f"a late write of ours: {sentence}"
    return Change(slot=slot, entries=(_entry("foreign.seen", sentence, setting),))


def _until_at_rest(foreign: Foreign | None, endpoint: EndpointSeen, setting: Setting) -> Wait | None:
    """Whoever restores waits for it; for anybody else this is no moment to look."""
    if foreign is None or not foreign.restore:
        return None
    again = setting.again(POLL_TRAFFIC, foreign.wrote_at or foreign.at)
    return Wait(again, f"endpoint {endpoint.name} is {endpoint.state}")


def _late_write(slot: Slot, endpoint: EndpointSeen) -> bool:
    """Our writes name their promotion and what got all traffic; a hand that moves traffic does not."""
    promotion, serving = endpoint.tags.get(TAG_PROMOTION, ""), slot.serving
    ours = endpoint.tags.get(TAG_SLOT, "") == str(slot.key) and promotion != "" and serving is not None
    another = serving is not None and not promotion.endswith(f".{serving.n}")
    return ours and another and tagged(endpoint.split) == endpoint.tags.get(TAG_TRAFFIC, "")


def refuse_restore(slot: Slot, endpoint: EndpointSeen | None) -> str:
    """Why traffic cannot be put back; empty: it can."""
    if slot.serving is None:
        return "nothing is recorded as serving"
    if endpoint is None:
        return "the endpoint is gone: adopt that nothing serves, then promote again"
    return guard(unmarked(endpoint, slot), slot, _back(slot, slot.serving))


def unmarked(endpoint: EndpointSeen, slot: Slot) -> EndpointSeen:
    """The endpoint as the guard may see it on an operator's word: nobody's mark counts as ours."""
    if endpoint.tags.get(TAG_SLOT, ""):
        return endpoint
    return replace(endpoint, tags={**endpoint.tags, TAG_SLOT: str(slot.key)})


def _put_back(
    slot: Slot, foreign: Foreign, endpoint: EndpointSeen | None, setting: Setting
) -> Change | Act | Wait:
    serving = slot.serving
    late = setting.now - foreign.at > timedelta(seconds=GIVE_UP / setting.pace)
    wrote = foreign.wrote_at
    if wrote is not None and setting.now - wrote < timedelta(seconds=READ_BACK / setting.pace) and endpoint:
        return Wait(setting.after(POLL_TRAFFIC), f"weights put back, {endpoint.split} read so far")
    refusal = refuse_restore(slot, endpoint)
    if endpoint is not None and endpoint.split != Split(foreign.traffic, foreign.mirror):
        refusal = refusal or f"traffic changed once more, to {endpoint.split}"
    if refusal or late or serving is None:
        why = f"not put back: {refusal or 'it did not work for too long'}"
        slot = replace(noticed(slot, foreign.sentence, endpoint, setting), told=why)
        return Change(slot=slot, entries=(_entry("foreign.kept", why, setting),))
    return Act(_back(slot, serving))


def _back(slot: Slot, serving: Serving) -> Action:
    return Action(verb=Verb.RESTORE, n=serving.n, deployment=serving.deployment, weights=before(slot).weights)


def restored(state: SlotState, outcome: Outcome, setting: Setting) -> Change:
    """What came of asking the platform to put traffic back. Only the next look says whether it did."""
    slot, foreign = state.slot, state.slot.foreign
    if foreign is None:
        return Change(slot=slot)
    if isinstance(outcome, Asked):
        entry = _entry("restore.done", "asked to put traffic back", setting)
        return Change(slot=replace(slot, foreign=replace(foreign, wrote_at=setting.now)), entries=(entry,))
    why = outcome.why if isinstance(outcome, Trouble) else "no answer"
    if isinstance(outcome, Trouble) and outcome.retry:
        entry = _entry("restore.troubled", why, setting)
        return Change(slot=replace(slot, foreign=replace(foreign, wrote_at=setting.now)), entries=(entry,))
    slot = replace(slot, foreign=replace(foreign, restore=""), told=f"not put back: {why}")
    return Change(slot=slot, entries=(_entry("restore.refused", why, setting),))


def released(state: SlotState) -> Slot:
    """The slot, taken from a promotion that has lost and cannot put the world back by itself.

    Its candidate goes the way of every old deployment: once what serves is observed at 100 %.
    """
    slot = state.slot
    p = state.promotions.get(slot.mover) if slot.mover is not None else None
    if p is None or p.ending is None or p.ending.verdict is Verdict.LIVE:
        return slot
    left = {p.candidate: p.ending.at} if p.candidate and p.adoption is None else {}
    return replace(slot, mover=None, retiring={**slot.retiring, **left})


def moving(slot: Slot) -> str:
    """What moves the slot just now, so that nothing else may; empty: nothing does."""
    if slot.mover is not None:
        return f"promotion #{slot.mover} is moving the slot: abort it first"
    if slot.rollback is not None:
        return f"it is being rolled back to version {slot.rollback.to.version}"
    return f"it is being retired ({slot.retirement.name})" if slot.retirement is not None else ""


def _entry(what: str, why: str, setting: Setting) -> Entry:
    return Entry(what=what, why=why, by=OURSELVES, at=setting.now)
