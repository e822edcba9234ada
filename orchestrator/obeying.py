"""What an operator's command means for the slot, now that it is read. Pure.

Every command ends in a journal row with its author, and in `told`, what became of it: done, or why not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from orchestrator.adopting import adopt
from orchestrator.case import POLL_TRAFFIC, READ_BACK
from orchestrator.commands import Command, Order
from orchestrator.foreign import difference, moving, noticed, refuse_restore, released
from orchestrator.given import Given
from orchestrator.health import INCONCLUSIVE
from orchestrator.model import Entry, FactKind, Promotion, Reason, SlotState, Verdict
from orchestrator.opening import retried, taken
from orchestrator.promoting import promote
from orchestrator.reminding import extended, refuse_extension
from orchestrator.retiring import retire
from orchestrator.returning import closing, roll_back
from orchestrator.votes import tally
from orchestrator.world import Change, Setting, Wait, World


def obey(state: SlotState, setting: Setting) -> Change | None:
    """Carry out the first pending command that needs no look at the world; None: there is none."""
    for given in _given(state, setting):
        if isinstance(given, Change):
            return given
        if given.order.command in _AT_ONCE and not (_first_switch(given) or closing(given)):
            return _AT_ONCE[given.order.command](given)
    return None


def obey_looking(state: SlotState, world: World, setting: Setting) -> Change | Wait | None:
    """The same for commands that need one."""
    for given in _given(state, setting):
        if isinstance(given, Given) and (given.order.command in _LOOKING or _first_switch(given)):
            return _LOOKING.get(given.order.command, _abort_first)(given, world)
    return None


def refuse_pending(state: SlotState, setting: Setting, why: str) -> Change | None:
    """The command whose look failed for good: it must not wait for ever. None: no command looks."""
    for given in _given(state, setting):
        if isinstance(given, Given) and (given.order.command in _LOOKING or _first_switch(given)):
            return given.refused(why)
    return None


def _given(state: SlotState, setting: Setting) -> list[Given | Change]:
    found: list[Given | Change] = []
    for key in state.slot.pending:
        fact = state.facts.get(key)
        if fact is None or fact.kind is not FactKind.COMMANDED:
            continue
        try:
            order = Order.of(fact.detail, fact.by)
        except (KeyError, ValueError, TypeError) as error:
            entry = Entry(what="command.unreadable", why=str(error)[:200], by=fact.by, at=setting.now)
            found.append(Change(slot=taken(state.slot, fact), entries=(entry,)))
            continue
        found.append(Given(state, fact, order, setting))
    return found


# ---- at once -------------------------------------------------------------------------------------------


def _abort(given: Given) -> Change:
    p, slot = given.p, given.slot
    if p is None:
        return given.refused(f"promotion #{given.order.n} has ended already")
    if p.ending is not None:
        return given.refused(f"{p.ending.verdict} is certain already: {p.ending.sentence}")
    sentence = f"aborted by {given.order.who}{given.order.because}"
    p = given.ended(p, Verdict.ABORTED, Reason.ABORTED, sentence)
    if p.wrote_at is not None:
        said = "effective after its traffic write is observed; then traffic goes back to what served"
    elif slot.mover == p.n and p.candidate:
        said = "its candidate is removed; what serves is untouched"
    else:
        said = "nothing had been changed"
    return given.done(slot, said, p)


def _withdraw(given: Given) -> Change:
    p = given.p
    if p is None:
        return given.refused(f"promotion #{given.order.n} has ended already")
    refusal = refuse_withdrawal(given.state, p)
    if refusal:
        return given.refused(refusal)
    sentence = f"withdrawn by {given.order.who}{given.order.because}"
    p = given.ended(p, Verdict.ABORTED, Reason.WITHDRAWN, sentence)
    return given.done(given.slot, "nothing had been changed", p)


def refuse_withdrawal(state: SlotState, p: Promotion) -> str:
    """Why it cannot be taken back any more; empty: it can."""
    if p.ending is not None:
        return f"{p.ending.verdict} is certain already: {p.ending.sentence}"
    if state.slot.mover == p.n:
        return "it is moving the slot already: an operator may abort it"
    return ""


def _extend(given: Given) -> Change:
    p, request = given.p, given.state.requests.get(given.order.n)
    if p is None or p.ending is not None:
        return given.refused(f"promotion #{given.order.n} has ended already")
    votes = given.state.votes.get(p.n, ())
    author, at = p.registration.author, given.fact.accepted_at  # in time counts, however late it is read
    refusal = refuse_extension(request, tally(request, votes, at, author=author) if request else None)
    if refusal or request is None:
        return given.refused(refusal)
    longer = extended(request)
    until = f"people may decide until {longer.expires_at:%Y-%m-%d %H:%M} UTC"
    return replace(given.done(given.slot, until), requests=(longer,))


def _hold(given: Given) -> Change:
    slot = given.slot
    said = "nothing new moves here until it is resumed"
    mover = given.state.promotions.get(slot.mover) if slot.mover is not None else None
    if mover is not None and mover.wrote_at is not None and mover.ending is None:
        said = f"effective after the traffic write of promotion #{mover.n} is observed"
    return given.done(replace(slot, hold=f"{given.order.reason} ({given.order.who})"), said)


def _resume(given: Given) -> Change:
    slot = given.slot
    vouched = _vouched(given) if not slot.hold else None
    if vouched is not None:
        return given.done(slot, f"{given.order.who} vouches for this step of promotion #{vouched.n}", vouched)
    return given.done(replace(slot, hold=""), f"it was held: {slot.hold}" if slot.hold else "it was not held")


def _vouched(given: Given) -> Promotion | None:
    """The rollout whose step waits for a person because automation cannot tell, with this person's word."""
    slot = given.slot
    p = given.state.promotions.get(slot.mover) if slot.mover is not None else None
    if p is None or p.ending is not None or p.step_at is None or p.health is None or not p.trouble:
        return None
    if p.health.verdict != INCONCLUSIVE:
        return None
    return replace(p, health=replace(p.health, vouched=given.order.who), trouble="")


_AT_ONCE: dict[Command, Callable[[Given], Change]] = {
    Command.ABORT: _abort,
    Command.HOLD: _hold,
    Command.RESUME: _resume,
    Command.WITHDRAW: _withdraw,
    Command.EXTEND: _extend,
    Command.ROLLBACK: roll_back,
}


def _first_switch(given: Given) -> bool:
    """Would it end the very first switch? That may be written already, with nothing to go back to."""
    p = given.p
    return (
        given.order.command is Command.ABORT
        and p is not None
        and p.ending is None
        and p.adoption is None
        and bool(p.wanted)
        and given.slot.serving is None
    )


# ---- after a look --------------------------------------------------------------------------------------


def _abort_first(given: Given, world: World) -> Change | Wait:
    p, endpoint = given.p, world.endpoint()
    if p is None:
        return _abort(given)
    if endpoint is not None and not endpoint.at_rest:
        again = given.setting.again(POLL_TRAFFIC, p.updated_at)
        return Wait(again, f"endpoint {endpoint.name} is {endpoint.state}")
    readable = timedelta(seconds=READ_BACK / given.setting.pace)
    just = p.wrote_at is not None and given.setting.now - p.wrote_at < readable
    if just or (endpoint is not None and endpoint.weights.get(p.candidate, 0)):
        return given.refused("its traffic is written, and nothing served before it to go back to")
    return _abort(given)


def _retry(given: Given, world: World) -> Change:
    if given.p is not None:
        return given.refused(f"promotion #{given.order.n} is still open")
    why = f"{given.order.who} retries #{given.order.n}{given.order.because}"
    change = retried(given.state, given.fact, world, given.setting, why)
    return given.began(change, f"it is promotion #{change.promotions[0].n} now")


def _adopt(given: Given, world: World) -> Change:
    change = adopt(given.state, given.fact, given.order, world, given.setting)
    if isinstance(change, str):
        return given.refused(change)
    made = change.promotions[0] if change.promotions else None
    return given.began(change, f"promotion #{made.n} does it" if made else "nothing serves here now")


def _restore(given: Given, world: World) -> Change:
    endpoint, name = world.endpoint(), given.setting.policy.endpoint
    slot = taken(released(given.state), given.fact)
    if moving(slot):
        return given.refused(moving(slot))
    refusal = refuse_restore(slot, endpoint)
    if refusal:
        return given.refused(refusal)
    sentence = difference(slot, endpoint, name)
    if not sentence:
        return given.done(replace(slot, foreign=None), "the endpoint is as recorded: nothing to put back")
    seen = noticed(slot, sentence, endpoint, given.setting)
    if seen.foreign is None:
        raise AssertionError("a difference was noticed")
    slot = replace(seen, foreign=replace(seen.foreign, restore=given.order.by))
    return given.done(slot, f"{sentence}: traffic goes back to what is recorded")


_LOOKING: dict[Command, Callable[[Given, World], Change | Wait]] = {
    Command.RETRY: _retry,
    Command.ADOPT: _adopt,
    Command.RESTORE: _restore,
    Command.PROMOTE: promote,
    Command.RETIRE: retire,
}
