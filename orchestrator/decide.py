"""`decide`: the slot, the world as far as it was seen, and the time -> the one thing to do next. Pure.

Raises `Unseen` when it needs a fact that has not been looked at; the caller looks, and asks again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from orchestrator.adopting import ADOPTION
from orchestrator.case import Case, Goal, Step
from orchestrator.closing import pursue_ending, pursue_slot
from orchestrator.delivering import deliver
from orchestrator.goals import GOALS
from orchestrator.model import Phase, Promotion, SlotState, Verdict
from orchestrator.obeying import obey, obey_looking
from orchestrator.opening import open_pending
from orchestrator.retiring import pursue_retirement
from orchestrator.returning import RETURN, pursue_rollback
from orchestrator.telling import announced, owe
from orchestrator.world import Act, Change, Decided, Rest, Setting, Unseen, Wait, World


def decide(state: SlotState, world: World, setting: Setting) -> Decided:
    """One commit, one action, or a wait; `Rest` when nothing is open."""
    claim = state.slot.claim
    if claim is not None and claim.until > setting.now:
        return Wait(claim.until, f"{claim.worker} is doing: {claim.action}")
    waits: list[Wait] = []
    for step in _steps(state, world, setting):
        if not isinstance(step, Wait):
            return announced(state, step, setting) if isinstance(step, Change) else step
        waits.append(step)
    telling = deliver(state, setting, min((w.until for w in waits), default=None))
    if isinstance(telling, Wait):
        waits.append(telling)
    elif telling is not None:
        return telling
    return min(waits, key=lambda w: w.until) if waits else Rest()


def _steps(state: SlotState, world: World, setting: Setting) -> Iterator[Step]:
    """In order of urgency: commands, an operator's way back, facts, endings, the mover, the others by age,
    then the slot's own goals.

    What people are told comes after all of it (`deliver`); that they are owed it is written at once.
    """
    resting = _resting(state, setting)
    yield from _slot_steps(obey(state, setting))
    if resting is None:
        yield from _slot_steps(pursue_rollback(state, world, setting))
        yield from _slot_steps(pursue_retirement(state, world, setting))
        yield from _slot_steps(obey_looking(state, world, setting))
        yield from _slot_steps(open_pending(state, world, setting))
    owed = owe(state, world, setting)
    if owed is not None:
        yield owed
    for p in sorted(state.promotions.values(), key=lambda p: _urgency(p, state)):
        try:
            yield step_of(Case(state, p, world, setting))
        except Unseen as unseen:
            raise Unseen(unseen.look, p.n) from None
    if resting is None:
        yield from _slot_steps(pursue_slot(state, world, setting))
    else:
        yield resting


def _resting(state: SlotState, setting: Setting) -> Wait | None:
    """After a failed look the slot's own business rests; promotions go on."""
    slot = state.slot
    if slot.not_before is None or slot.not_before <= setting.now:
        return None
    return Wait(slot.not_before, slot.trouble)


def _slot_steps(step: Step | None) -> Iterator[Step]:
    """A step of the slot itself: when it gets as far as a commit, its looks work again."""
    if isinstance(step, Change) and step.slot.troubles:
        step = replace(step, slot=replace(step.slot, troubles=0, trouble="", not_before=None))
    if step is not None:
        yield step


def _urgency(p: Promotion, state: SlotState) -> tuple[bool, bool, int]:
    return (p.ending is None, state.slot.mover != p.n, p.n)


def step_of(case: Case) -> Step:
    """What one promotion needs next, stamped with the phase of its first goal that does not hold."""
    p = case.p
    if p.not_before is not None and p.not_before > case.setting.now:
        return Wait(p.not_before, p.trouble)
    if p.ending is not None:
        undoing = p.ending.verdict is not Verdict.LIVE and bool(p.wanted)
        return _stamp(case, pursue_ending(case, p.ending), Phase.ROLLING_BACK if undoing else p.phase)
    for goal in _table(p):
        if goal.applies(case) and not goal.holds(case):
            step = goal.pursue(case)
            if isinstance(step, Act) and case.state.slot.mover == p.n and not p.adoption:
                step = case.stopped() or step
            return _stamp(case, step, goal.phase)
    raise AssertionError("the last goal never holds: a promotion ends by a verdict")


def _table(p: Promotion) -> tuple[Goal, ...]:
    if p.rollback is not None:
        return RETURN
    return ADOPTION if p.adoption is not None else GOALS


def _stamp(case: Case, step: Step, phase: Phase) -> Step:
    if isinstance(step, Act):
        return replace(step, promotion=replace(step.promotion or case.p, phase=phase))
    if isinstance(step, Change):
        stamped = tuple(
            replace(p, phase=phase) if p.n == case.p.n and p.verdict is None and p.phase is not phase else p
            for p in step.promotions
        )
        return replace(step, promotions=stamped)
    return step
