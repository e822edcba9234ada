"""`rollback`: what served before serves again, on an operator's word. It is an event of the slot. Pure.

While the old deployment is there, that is one traffic write; after that the last version that served is
deployed anew. Nobody is asked: the quorum of then (or the adoption) vouches for the same bytes (S1). The slot
is held from the moment it is said, so that automation does not bring the bad version back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.bound import plan_row
from orchestrator.case import POLL_TRAFFIC, READ_BACK, Case, Goal, Step
from orchestrator.foreign import difference, noticed, released
from orchestrator.given import Given
from orchestrator.goals import GOALS
from orchestrator.model import Entry, Phase, Promotion, Reason, Rollback, Serving, Slot, SlotState, Verdict
from orchestrator.plan import RolloutPlan, RolloutStep
from orchestrator.seen import EndpointSeen, PastSeen, Split
from orchestrator.traffic import before, foreign, guard
from orchestrator.world import TAG_LIVE, Act, Action, Change, Outcome, Setting, Trouble, Verb, Wait, World

# ---- the command ----------------------------------------------------------------------------------------


def closing(given: Given) -> bool:
    """Is a promotion just becoming what serves? Its close comes first."""
    p = _mover(given.state)
    return p is not None and p.ending is not None and p.ending.verdict is Verdict.LIVE


def roll_back(given: Given) -> Change:
    """Hold the slot, end what moves it, and say where traffic is to go."""
    slot, order, p = given.slot, given.order, _mover(given.state)
    refusal = _impossible(slot, p)
    if refusal:
        return given.refused(refusal)
    held = replace(
        slot, hold=f"rolled back: {order.reason} ({order.who})", not_before=None, troubles=0, trouble=""
    )
    if p is not None and p.wanted:
        return _undone(given, held, p)
    ended: tuple[Promotion, ...] = ()
    if p is not None:
        if p.ending is None:
            sentence = f"aborted by {order.who} for a rollback{order.because}"
            ended = (given.ended(p, Verdict.ABORTED, Reason.ABORTED, sentence),)
        promotions = {**given.state.promotions, **{q.n: q for q in ended}}
        held = released(replace(given.state, slot=held, promotions=promotions))
    to = slot.previous
    if to is None:
        raise AssertionError("refused above")
    back = Rollback(by=order.by, name=order.name, reason=order.reason, at=given.setting.now, to=to)
    stopped = f"; promotion #{ended[0].n} is stopped for it" if ended else ""
    said = f"back to version {to.version} ({to.deployment}), and held until it is resumed{stopped}"
    return given.done(replace(held, rollback=back), said, *ended)


def _mover(state: SlotState) -> Promotion | None:
    return state.promotions.get(state.slot.mover) if state.slot.mover is not None else None


def _impossible(slot: Slot, p: Promotion | None) -> str:
    if slot.foreign is not None:
        return f"{slot.foreign.sentence}: `restore` or `adopt` first"
    if slot.rollback is not None or slot.retirement is not None:
        return "a rollback is under way already" if slot.rollback else "the slot is being retired"
    if slot.serving is None:
        return "nothing served here before: there is nothing to go back to"
    if p is not None and (p.adoption or p.rollback):
        return f"promotion #{p.n} is {'an adoption: abort it' if p.adoption else 'the way back already'}"
    if slot.previous is None and not (p is not None and p.wanted):
        return "nothing is known that served here before what serves now"
    return ""


def _undone(given: Given, held: Slot, p: Promotion) -> Change:
    """A rollout is in the middle of it: back is what served when it began."""
    stable = held.serving.version if held.serving else ""
    if p.ending is not None:
        return given.done(held, f"traffic goes back to version {stable} already; the slot is held")
    sentence = f"rolled back by {given.order.who}{given.order.because}"
    ended = given.ended(p, Verdict.ROLLED_BACK, Reason.ROLLBACK, sentence)
    when = "effective after its traffic write is observed: " if p.wrote_at is not None else ""
    return given.done(held, f"{when}version {stable} gets all traffic back, and the slot is held", ended)


# ---- while the old deployment is there: one write ---------------------------------------------------------


def pursue_rollback(state: SlotState, world: World, setting: Setting) -> Step | None:
    """The one step that brings an operator's way back closer; None: there is none."""
    slot, said = state.slot, state.slot.rollback
    if said is None or slot.mover is not None:
        return None
    if setting.policy.env.approval is not None:
        refusal = unvouched(world.past(said.to.n), said.to)
        if refusal:
            return _given_up(slot, said, refusal, setting)
    endpoint = world.endpoint()
    if endpoint is not None and not endpoint.at_rest:
        return _wait(said, setting, f"endpoint {endpoint.name} is {endpoint.state}")
    astray = _astray(slot, said, endpoint, setting)
    if astray:
        change = _given_up(slot, said, astray, setting)
        return replace(change, slot=noticed(change.slot, astray, endpoint, setting))
    if endpoint is None:
        return _wait(said, setting, f"endpoint {setting.policy.endpoint} cannot be seen yet")
    there = endpoint.split == wanted(said) and endpoint.tags.get(TAG_LIVE) == said.to.deployment
    if there and (said.wrote_at is not None or not _just_switched(slot, setting)):
        return _returned(slot, said, setting)
    return _write(state, said, endpoint, world, setting)


def _wait(said: Rollback, setting: Setting, why: str) -> Wait:
    return Wait(setting.again(POLL_TRAFFIC, said.wrote_at or said.at), why)


def wanted(said: Rollback) -> Split:
    return Split({said.to.deployment: 100})


def unvouched(past: PastSeen, to: Serving) -> str:
    """Why these bytes may not serve here without asking (S1); empty: they were approved, or adopted."""
    p = past.promotion
    if p is None or p.digest != to.digest:
        return f"no journaled promotion #{to.n} of digest {to.digest[:12]}… vouches for version {to.version}"
    return "" if past.vouched else f"nobody has approved version {to.version} here: promote it instead"


def _astray(slot: Slot, said: Rollback, endpoint: EndpointSeen | None, setting: Setting) -> str:
    """How the endpoint is neither as recorded nor as wanted; empty: it is, or cannot be read yet."""
    if endpoint is not None and endpoint.split == wanted(said):
        return foreign(endpoint, slot)
    if _just_switched(slot, setting) or _recent(said.wrote_at, setting):
        return ""
    return difference(slot, endpoint, setting.policy.endpoint)


def _just_switched(slot: Slot, setting: Setting) -> bool:
    """May traffic still be read as it was before the bad version got it?"""
    return slot.serving is not None and _recent(slot.serving.since, setting)


def _recent(moment: datetime | None, setting: Setting) -> bool:
    return moment is not None and setting.now - moment < timedelta(seconds=READ_BACK / setting.pace)


def _write(
    state: SlotState, said: Rollback, endpoint: EndpointSeen, world: World, setting: Setting
) -> Change | Act | Wait:
    slot, to = state.slot, said.to
    if _recent(said.wrote_at, setting):
        return _wait(said, setting, f"weights written, {endpoint.split} read back so far")
    if endpoint.split not in (before(slot), wanted(said)):
        return _wait(said, setting, "what was just switched may still read as before")
    deployment = endpoint.deployments.get(to.deployment)
    if deployment is None or deployment.state in ("Failed", "Canceled"):
        return _anew(slot, said, world.past(to.n), setting)
    if deployment.model != (slot.model, to.target_version):
        why = f"{to.deployment} does not run {slot.model}:{to.target_version} any more"
        return _given_up(slot, said, why, setting)
    if not deployment.at_rest:
        return _wait(said, setting, f"deployment {to.deployment} is {deployment.state}")
    weights = dict(wanted(said).weights)
    action = Action(verb=Verb.ROLL_BACK, n=to.n, deployment=to.deployment, weights=weights)
    refusal = guard(endpoint, slot, action)
    return _given_up(slot, said, refusal, setting) if refusal else Act(action)


def rolled_back(state: SlotState, outcome: Outcome, setting: Setting) -> Change:
    """The platform's answer. Only the next look says whether traffic went back."""
    slot, said = state.slot, state.slot.rollback
    if said is None:
        return Change(slot=slot)
    if isinstance(outcome, Trouble):
        return _given_up(slot, said, outcome.why, setting)
    why = f"asked to give {said.to.deployment} all traffic back"
    entry = Entry(what="roll_back.done", why=why, by="greenlight", at=setting.now)
    return Change(slot=replace(slot, rollback=replace(said, wrote_at=setting.now)), entries=(entry,))


def _returned(slot: Slot, said: Rollback, setting: Setting) -> Change:
    """Observed. The bad version is kept warm like any other, and offered to nobody."""
    bad, to = slot.serving, said.to
    retiring = {name: due for name, due in slot.retiring.items() if name != to.deployment}
    if bad is not None:
        retiring[bad.deployment] = setting.after(setting.policy.env.rollout.warm)
    slot = replace(
        slot,
        serving=replace(to, since=setting.now),
        previous=None,
        rollback=None,
        retiring=retiring,
        offering=tuple(n for n in slot.offering if bad is None or n != bad.n),
        told=f"rolled back to version {to.version} by {said.name or said.by}: {said.reason}",
    )
    was = bad.deployment if bad is not None else ""
    entry = Entry(
        what="slot.rolled_back", why=slot.told, by=said.by, at=setting.now, before=was, after=to.deployment
    )
    return Change(slot=slot, entries=(entry,))


def _given_up(slot: Slot, said: Rollback, why: str, setting: Setting) -> Change:
    told = f"not rolled back to version {said.to.version}: {why}"
    entry = Entry(what="rollback.refused", why=told, by="greenlight", at=setting.now)
    return Change(slot=replace(slot, rollback=None, told=told), entries=(entry,))


# ---- after that: deployed anew ----------------------------------------------------------------------------


def _anew(slot: Slot, said: Rollback, past: PastSeen, setting: Setting) -> Change:
    """A promotion of what served before. It takes the slot at once; its goals are those of RETURN."""
    p, first = past.promotion, setting.policy.first
    if p is None:
        return _given_up(
            slot, said, f"{said.to.deployment} is gone, and so is the row of #{said.to.n}", setting
        )
    plan = RolloutPlan("blue_green", (RolloutStep(100),), setting.policy.env.rollout.warm)
    made = Promotion(
        n=slot.next_n,
        model=slot.model,
        env=slot.env,
        registration=p.registration,
        opened_at=setting.now,
        updated_at=setting.now,
        origin=f"rollback to #{p.n}",
        digest=p.digest if p.frozen else "",  # where there is no copy of ours, the files are read once more
        size=p.size,
        frozen=p.frozen,
        stable_digest=slot.serving.digest if slot.serving else "",
        metrics=p.metrics,
        gates=p.gates,
        gated=True,
        preflighted=True,
        target_version="" if first else said.to.target_version,
        plan=plan_row(plan),
        requester=said.by,
        rollback=said,
    )
    why = f"{said.to.deployment} is gone: v{said.to.version} is deployed anew, {past.vouched or 'no rule'}"
    slot = replace(slot, rollback=None, open=(*slot.open, made.n), mover=made.n, next_n=made.n + 1)
    entry = Entry(what="promotion.opened", why=why, by=said.by, at=setting.now, n=made.n)
    return Change(slot=slot, promotions=(made,), entries=(entry,))


def _same_bytes(case: Case) -> bool:
    return case.p.rollback is not None and case.p.digest == case.p.rollback.to.digest


def _other_bytes(case: Case) -> Step:
    sentence = "the files are no longer those that served"
    return case.finish(Verdict.ERRORED, Reason.BYTES_CHANGED, sentence)


def _copied(case: Case) -> bool:
    return bool(case.p.frozen)


def _row(name: str) -> Goal:
    return next(goal for goal in GOALS if goal.name == name)


RETURN: tuple[Goal, ...] = (
    _row("known"),
    Goal("same bytes", Phase.GATING, lambda _: True, _same_bytes, _other_bytes, Reason.BYTES_CHANGED),
    replace(_row("registered"), applies=_copied),
    *(_row(name) for name in ("endpoint", "deployed", "probed", "shifted", "live")),
)
