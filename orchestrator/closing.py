"""The goals after a verdict, and the slot's own goals when nothing moves it. Pure.

An ending promotion first puts the world back (weights at stable, candidate removed), then closes.
A slot then removes what it retired and offers what went live to the next environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from orchestrator.case import POLL_HELD, POLL_STUCK, POLL_TRAFFIC, POLL_TURN, READ_BACK, Case, Step
from orchestrator.foreign import difference, noticed, watch
from orchestrator.model import Ending, Entry, Phase, Promotion, Reason, Serving, Slot, SlotState, Verdict
from orchestrator.shifting import journaled
from orchestrator.traffic import before, guard, holder, ours
from orchestrator.world import Act, Action, Change, EndpointSeen, Setting, Verb, Wait, World

POLL_REMOVAL = 5.0
POLL_WARM = 300.0
"""How often the endpoint is looked at while it holds something to which a late write could give traffic."""
_AT_THE_ENDPOINT = (Reason.FOREIGN_CHANGE, Reason.PREFLIGHT, Reason.ENDPOINT)
"""Ends after which it is said how the endpoint differs from what is recorded."""


def pursue_ending(case: Case, ending: Ending) -> Step:
    """The one step that brings a promotion with a verdict closer to being closed."""
    if ending.verdict is Verdict.LIVE:
        return _close_live(case, ending)
    serving = case.state.slot.serving
    kept = case.p.adoption is not None or (serving is not None and serving.deployment == case.p.candidate)
    if not case.p.candidate or kept:  # what was adopted is not ours to remove
        return _close(case, ending)
    mover = case.state.slot.mover
    if mover not in (None, case.p.n):  # its approval lapsed: it gave the slot back, its candidate in it
        return case.wait(POLL_TURN, f"promotion {mover} is moving the slot")
    endpoint = case.world.endpoint()
    if endpoint is None:
        return _close(case, ending)
    if endpoint.used(case.p.candidate):
        return _put_back(case, endpoint)
    if _keeps(case, endpoint, ending):
        return _close(case, ending)
    return _remove_candidate(case, endpoint) or _close(case, ending)


def _keeps(case: Case, endpoint: EndpointSeen, ending: Ending) -> bool:
    """Is the candidate left for a look, as the plan says? It goes later, as what served before does."""
    wanted = ending.verdict is Verdict.ROLLED_BACK and bool(case.plan.keep_failed)
    return wanted and case.p.candidate in endpoint.deployments and endpoint.at_rest


def _put_back(case: Case, endpoint: EndpointSeen) -> Step:
    """The candidate has traffic: stable gets all of it back, in one write. Only our own write is undone."""
    slot = case.state.slot
    if not endpoint.at_rest:
        return case.wait(POLL_TRAFFIC, f"endpoint {endpoint.name} is {endpoint.state}")
    if not case.p.wanted or endpoint.split not in ours(case.p, case.plan, slot):
        return case.stuck(f"traffic is {endpoint.split}, changed by hand")
    if slot.serving is None:
        return case.stuck(f"{case.p.candidate} has traffic and nothing served before")
    back = before(slot)
    stable = endpoint.deployments.get(slot.serving.deployment)
    if stable is not None and not stable.at_rest:
        return case.wait(POLL_TRAFFIC, f"deployment {stable.name} is {stable.state}")
    act = case.act(Verb.WRITE_TRAFFIC, deployment=holder(back, slot), split=back)
    refusal = guard(endpoint, slot, act.action, case.p, case.plan)
    if refusal:
        return case.stuck(f"cannot put traffic back: {refusal}")
    if case.within(case.p.wrote_at, READ_BACK) and journaled(case.p) == back:
        return case.wait(POLL_TRAFFIC, f"weights put back, {endpoint.split} read back so far")
    if journaled(case.p) != back:
        sentence = f"{slot.serving.deployment} is to get 100 % back, in one write"
        planned = replace(case.p, wanted=dict(back.weights), mirror={}, wrote_at=None)
        return case.record(planned, "traffic.planned", sentence)
    return act


def _remove_candidate(case: Case, endpoint: EndpointSeen) -> Step | None:
    deployment = endpoint.deployments.get(case.p.candidate)
    if deployment is None:
        return None
    if not (deployment.at_rest and endpoint.at_rest):
        return case.wait(POLL_REMOVAL, f"deployment {deployment.name} is {deployment.state}")
    if case.within(case.p.wrote_at, READ_BACK) and case.p.candidate in {**case.p.wanted, **case.p.mirror}:
        return case.wait(POLL_TRAFFIC, "the switch was just written: what is read may be older")
    act = case.act(Verb.REMOVE, deployment=deployment.name)
    return None if guard(endpoint, case.state.slot, act.action) else act


def _closed(p: Promotion, ending: Ending) -> Promotion:
    return replace(
        p,
        phase=Phase.ENDED,
        verdict=ending.verdict,
        reason=ending.reason,
        sentence=ending.sentence,
        actor=ending.actor,
        ended_at=ending.at,
        trouble="",
        not_before=None,
    )


def _without(slot: Slot, n: int) -> Slot:
    return replace(
        slot, open=tuple(o for o in slot.open if o != n), mover=None if slot.mover == n else slot.mover
    )


def _close(case: Case, ending: Ending) -> Change:
    slot, policy = _without(case.state.slot, case.p.n), case.setting.policy
    if ending.verdict is Verdict.UNCHANGED and case.p.retried and policy.next_env:
        slot = replace(slot, offering=(*slot.offering, case.p.n))  # asked for again: offered again
    if ending.reason in _AT_THE_ENDPOINT:
        endpoint = case.world.endpoint()
        sentence = difference(slot, endpoint, policy.endpoint)
        slot = noticed(slot, sentence, endpoint, case.setting) if sentence else slot
    if ending.verdict is Verdict.ROLLED_BACK and case.plan.keep_failed and case.p.candidate:
        until = case.setting.after(case.plan.keep_failed)
        slot = replace(slot, retiring={**slot.retiring, case.p.candidate: until})
    change = case.record(_closed(case.p, ending), "promotion.ended", f"{ending.verdict}: {ending.sentence}")
    return replace(change, slot=slot)


def _close_live(case: Case, ending: Ending) -> Change:
    p, slot, policy = case.p, _without(case.state.slot, case.p.n), case.setting.policy
    retiring, offered = dict(slot.retiring), not (p.adoption or p.rollback)
    if slot.serving is not None and slot.serving.deployment != p.candidate:
        retiring[slot.serving.deployment] = case.setting.after(case.plan.warm)
    serving = Serving(
        version=p.registration.version,
        target_version=p.target_version or p.registration.version,
        digest=p.digest,
        deployment=p.candidate,
        since=case.setting.now,
        n=p.n,
        metrics=dict(p.metrics),
        registered_at=None if p.adoption else p.registration.created_at,
    )
    slot = replace(
        slot,
        serving=serving,
        previous=_previous(slot, p),
        retiring=retiring,
        offering=(*slot.offering, p.n) if policy.next_env and offered else slot.offering,
        foreign=None,
    )
    was = case.state.slot.serving
    entry = Entry(
        what="promotion.ended",
        why=f"Live: {ending.sentence}",
        by=ending.actor,
        at=case.setting.now,
        n=p.n,
        before=was.deployment if was else "",
        after=p.candidate,
    )
    return Change(slot=slot, promotions=(_closed(p, ending),), entries=(entry,))


def _previous(slot: Slot, p: Promotion) -> Serving | None:
    """What an operator's rollback would bring back; after one, nothing."""
    if p.rollback is not None:
        return None
    return slot.serving if slot.serving and slot.serving.deployment != p.candidate else slot.previous


def pursue_slot(state: SlotState, world: World, setting: Setting) -> Change | Act | Wait | None:
    """The slot's own goals; None: all of them hold."""
    slot = state.slot
    if slot.rollback is not None or slot.retirement is not None:
        return None  # an operator moves it: see returning.py, retiring.py
    for n in slot.offering:
        return Act(Action(verb=Verb.OFFER, n=n))
    if slot.mover is not None:
        return None
    waits: list[Wait] = []
    for step in _looks(state, world, setting):
        if not isinstance(step, Wait):
            return step
        waits.append(step)
    return min(waits, key=lambda w: w.until) if waits else None


def _looks(state: SlotState, world: World, setting: Setting) -> Iterator[Step]:
    for name in state.slot.retiring:
        yield _retire(state.slot, name, world, setting)
    watched = watch(state, world, setting)
    if watched is not None:
        yield watched
    elif state.slot.orphaned:
        yield Wait(setting.after(POLL_HELD), f"{', '.join(state.slot.orphaned)} left over: looked at again")


def _retire(slot: Slot, name: str, world: World, setting: Setting) -> Change | Act | Wait:
    """Delete an old deployment, once the serving one is observed alone at 100 % (S3)."""
    held = setting.paused or slot.hold or (slot.foreign.sentence if slot.foreign else "")
    if held:  # nobody's way back is deleted while people look into something
        return Wait(setting.after(POLL_HELD), f"{name} is kept: {held}")
    if slot.retiring[name] > setting.now:
        return Wait(min(slot.retiring[name], setting.after(POLL_WARM)), f"{name} is kept warm")
    endpoint = world.endpoint()
    deployment = endpoint.deployments.get(name) if endpoint else None
    if endpoint is None or deployment is None:
        return _retired(slot, name, setting, "removed", f"{name} is gone")
    remove = Action(verb=Verb.REMOVE, n=slot.serving.n if slot.serving else 0, deployment=name)
    refusal = guard(endpoint, slot, remove)
    if refusal:
        return _retired(slot, name, setting, "kept", f"{refusal}: changed by hand, so it is kept")
    if not (deployment.at_rest and endpoint.at_rest):
        again = setting.again(POLL_REMOVAL, slot.retiring[name])
        return Wait(again, f"deployment {name} is {deployment.state}")
    if slot.serving is None or endpoint.split != before(slot):
        why = f"{name} stays until what serves is observed at 100 %: a person must decide"
        return Wait(setting.after(POLL_STUCK), why, person=True)
    return Act(remove)


def _retired(slot: Slot, name: str, setting: Setting, what: str, why: str) -> Change:
    retiring = {other: due for other, due in slot.retiring.items() if other != name}
    entry = Entry(what=f"deployment.{what}", why=why, by="greenlight", at=setting.now)
    return Change(slot=replace(slot, retiring=retiring), entries=(entry,))
