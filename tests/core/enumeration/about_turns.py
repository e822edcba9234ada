"""S5: one promotion at a time moves a slot, and nothing is locked in vain."""

from __future__ import annotations

from dataclasses import replace

from orchestrator import decide as core
from orchestrator.world import Change, Verb, Wait, World
from tests.core.enumeration.axes import Beside, Claim, End, Mover, Newer, Pending, Retiring, Stage
from tests.core.enumeration.build import setting_of
from tests.core.enumeration.figures import CANDIDATE, NEWER, NOW, RETIRED
from tests.core.enumeration.moment import Invariant, Moment

HANDS_ON = (
    Verb.REGISTER,
    Verb.CREATE_ENDPOINT,
    Verb.DEPLOY,
    Verb.PROBE,
    Verb.REPLAY,
    Verb.WRITE_TRAFFIC,
    Verb.MARK,
    Verb.RESTORE,
    Verb.REMOVE,
)
"""Calls that change, or wear, what the slot owns in its workspace."""
TIDYING = (Verb.REMOVE, Verb.RESTORE, Verb.WRITE_TRAFFIC)


def one_at_a_time(m: Moment) -> bool:
    """S5: only the mover touches the slot. While nobody moves it, what is old or lost is tidied up."""
    if m.action is None or m.action.verb not in HANDS_ON:
        return True
    if m.moves:
        return m.action.n == m.before.n
    raises = m.action.verb is Verb.WRITE_TRAFFIC and m.scene.end is not End.FAILED
    return m.scene.mover is Mover.NONE and m.action.verb in TIDYING and not raises


def the_newer_one_touches_nothing(m: Moment) -> bool:
    """S5: a promotion that does not move the slot has no effect outside but asking."""
    return m.action is None or m.action.n != NEWER or m.action.verb not in HANDS_ON


def the_slot_is_taken_from_nobody(m: Moment) -> bool:
    """S5: a promotion takes the slot only when it is free, and leaves it only when it ends or asks anew; an
    operator's command takes it from one that has lost.
    """
    if m.change is None or m.change.slot.mover == m.state.slot.mover:
        return True
    lost = m.scene.end is End.FAILED and m.at.pending in (Pending.ADOPT, Pending.RESTORE)
    if m.scene.mover is Mover.NONE or (m.moves and lost):
        return m.change.slot.mover is None or m.change.slot.mover in m.change.slot.open
    return m.change.slot.mover is None and m.moves and (m.closes or m.asks)


def an_unanswered_request_holds_no_lock(m: Moment) -> bool:
    """S5: whoever asks people does not move the slot."""
    return not m.asks or (m.change is not None and m.change.slot.mover != m.before.n)


def never_gives_the_slot_up_in_the_middle(m: Moment) -> bool:
    """S5: from the journaled switch on, only the end frees the slot."""
    return not m.asks or m.stage < Stage.PLANNED


def a_warm_period_holds_no_lock(m: Moment) -> bool:
    """S5: a promotion whose turn it is waits for no warm period, which it ends, and no newer one."""
    at = m.at
    waiting = at == Beside(at.retiring, at.newer, claim=at.claim) and at.claim is not Claim.LIVE
    its_turn = (
        m.stage is Stage.GATED
        and m.approved
        and m.scene.end is End.NONE
        and m.scene.mover is Mover.NONE
        and waiting
        and at.newer in (Newer.NONE, Newer.GATING, Newer.BELOW_GATE)
        and at.retiring in (Retiring.NONE, Retiring.WARM)
    )
    ends = m.change is not None and m.change.slot.retiring == {RETIRED: NOW}
    return not its_turn or (ends if at.retiring is Retiring.WARM else m.takes_slot)


def takes_its_turn_when_ready(m: Moment) -> bool:
    """S5: the slot is taken by whoever is through its gates and approved, and not during a removal."""
    if not m.takes_slot:
        return True
    tidy = m.at.retiring is Retiring.NONE
    return m.stage >= Stage.GATED and m.approved and tidy and not m.stopped


def stopped_means_hands_off(m: Moment) -> bool:
    """S8: in a slot that is held, paused or changed by hand nothing new moves. Undoing and adopting go on."""
    if not m.stopped or m.action is None or m.action.verb not in HANDS_ON:
        return True
    if m.frozen and m.does(Verb.REMOVE) and m.action.deployment != CANDIDATE:
        return True
    return m.scene.end is End.FAILED or m.action.verb in (Verb.MARK, Verb.RESTORE)


def a_freeze_stops_nothing_else(m: Moment) -> bool:
    """What undoes, tidies, asks or obeys is decided as if there were no freeze."""
    if not m.frozen or (m.moves and m.scene.end is End.NONE):
        return True
    thawed = core.decide(m.state, World(m.facts), replace(setting_of(m.scene), freeze=None))
    takes = isinstance(thawed, Change) and thawed.slot.mover != m.state.slot.mover
    return takes or thawed == m.decided


def the_older_one_finishes_first(m: Moment) -> bool:
    """From its quorum on a promotion finishes before a newer one takes the slot."""
    if m.change is None or m.change.slot.mover != NEWER or m.stage is Stage.ABSENT:
        return True
    ready = m.stage >= Stage.GATED and m.scene.end is End.NONE and not m.stage.adopts
    return not (ready and m.scene.place.ruled and m.approved)


def a_live_claim_is_respected(m: Moment) -> bool:
    """S5: while a worker is believed to act, everybody else waits."""
    return m.at.claim is not Claim.LIVE or isinstance(m.decided, Wait)


OF_ACTIONS: tuple[Invariant, ...] = (one_at_a_time, the_newer_one_touches_nothing, stopped_means_hands_off)
OF_CHANGES: tuple[Invariant, ...] = (
    the_slot_is_taken_from_nobody,
    an_unanswered_request_holds_no_lock,
    never_gives_the_slot_up_in_the_middle,
    takes_its_turn_when_ready,
    the_older_one_finishes_first,
)
OF_EVERYTHING: tuple[Invariant, ...] = (
    a_warm_period_holds_no_lock,
    a_live_claim_is_respected,
    a_freeze_stops_nothing_else,
)
