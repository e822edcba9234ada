"""S1 to S5 and S8 where an operator moves the slot: predicates on one decision of walk_by_hand.py.

They are written from the invariants' words; what is said there of traffic and deletion is not looked up here.
"""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.model import Promotion, Slot
from orchestrator.world import Rest, Sight, Verb
from tests.core.enumeration.axes import Serves
from tests.core.enumeration.axes_by_hand import BLUE, GREY, RED, Hand, Origin, Past, Stop, Way, Who
from tests.core.enumeration.axes_outside import Dep, Kind
from tests.core.enumeration.figures import ANA
from tests.core.enumeration.walk_by_hand import Seen

OURS_AT_REST = (Kind.SUCCEEDED, Kind.FAILED)
DEALS_WITH = {Verb.ROLL_BACK, Verb.RETIRE, Verb.REMOVE, Verb.OFFER, Verb.NOTIFY}


def _does(s: Seen, verb: Verb) -> bool:
    return s.act is not None and s.act.action.verb is verb


def _after(s: Seen) -> Slot:
    return s.change.slot if s.change else s.state.slot


def _opened(s: Seen) -> Promotion | None:
    new = [p for p in s.change.promotions if p.n not in s.state.promotions] if s.change else []
    return new[0] if new else None


# ---- S1, S4


def nobody_is_brought_back_unvouched(s: Seen) -> bool:
    """Where there is a rule, the journaled quorum of the same digest, or an adoption."""
    back = _does(s, Verb.ROLL_BACK) or (_opened(s) is not None and s.rows.hand.rolling)
    return not back or not s.rows.place.ruled or s.facts.get(Sight.PAST) is Past.VOUCHED


def what_was_asked_for_is_asked_about(s: Seen) -> bool:
    p = _opened(s)
    if p is None or s.rows.hand is not Hand.SAYS_PROMOTE:
        return True
    goes_on = s.rows.way in (Way.DEPLOYS, Way.WROTE, Way.RETURNS)
    new = s.facts[Sight.ORIGIN] is not Origin.OPEN or not goes_on
    fit = s.facts[Sight.ORIGIN] not in (Origin.ABSENT, Origin.ARCHIVED)
    fresh = not (p.gated or p.preflighted or p.frozen or p.candidate or p.rollback or p.adoption)
    return new and fit and fresh and p.requester == ANA and p.retried


# ---- S2


def all_traffic_goes_to_what_stands(s: Seen) -> bool:
    if not _does(s, Verb.ROLL_BACK):
        return True
    there = s.there
    assert there is not None
    assert s.act is not None
    whole = s.act.action.weights == {RED: 100}
    return whole and there.red is Dep.SUCCEEDED and not there.other and there.kind in OURS_AT_REST


def only_what_is_known_is_overwritten(s: Seen) -> bool:
    """Traffic that a hand has moved stays as it is."""
    there = s.there
    return not _does(s, Verb.ROLL_BACK) or (there is not None and there.who in (Who.BLUE, Who.RED))


# ---- S3


def an_endpoint_goes_on_an_operators_word(s: Seen) -> bool:
    if not _does(s, Verb.RETIRE):
        return True
    asked = s.rows.hand in (Hand.RETIRING, Hand.RETIRING_OLD)
    return asked and s.there is not None and s.there.kind in OURS_AT_REST and s.state.slot.mover is None


def only_what_is_left_over_is_removed(s: Seen) -> bool:
    if not _does(s, Verb.REMOVE):
        return True
    there, free = s.there, s.rows.stop is Stop.NO
    assert there is not None
    assert s.act is not None
    idle = there.grey is Dep.SUCCEEDED and not there.theirs and there.who is Who.BLUE
    at_rest = there.kind in OURS_AT_REST and s.rows.serves is Serves.BLUE
    return s.act.action.deployment == GREY and s.rows.hand is Hand.LEFT_DUE and free and idle and at_rest


# ---- S5


def one_thing_moves_the_slot(s: Seen) -> bool:
    """While an operator moves it, no promotion does; what is said waits for no second order."""
    if s.act is not None and (s.rows.hand.rolling or s.rows.hand.retiring):
        own = Verb.ROLL_BACK if s.rows.hand.rolling else Verb.RETIRE
        return s.act.action.verb is own
    after = _after(s)
    movers = [after.mover is not None, after.rollback is not None, after.retirement is not None]
    return sum(movers) <= 1


# ---- S8, and what an order promises


def whatever_goes_back_or_away_is_held(s: Seen) -> bool:
    after, before = _after(s), s.state.slot
    begun = (after.rollback and not before.rollback) or (after.retirement and not before.retirement)
    undone = s.change and any(p.ending and p.ending.verdict == "RolledBack" for p in s.change.promotions)
    return bool(after.hold) if begun or undone else not before.hold or bool(after.hold)


def what_is_recorded_was_observed(s: Seen) -> bool:
    """Red serves when all traffic and the tag were seen there, and could not be read from before."""
    after, before, there = _after(s), s.state.slot, s.there
    if after.serving is None:
        if before.serving is None:
            return True
        return s.rows.hand.retiring and there is not None and there.kind is Kind.ABSENT
    if after.serving.deployment != RED:
        return True
    stale = s.rows.serves is Serves.JUST and s.rows.hand is Hand.ROLLING
    observed = there is not None and there.who is Who.RED and there.tag == RED and there.kind in OURS_AT_REST
    kept = BLUE in after.retiring and RED not in after.retiring
    return observed and not stale and kept and after.previous is None and after.rollback is None


def a_way_back_takes_the_slot_itself(s: Seen) -> bool:
    """Deployed anew only where red is gone or broken; then it alone moves the slot."""
    p = _opened(s)
    if p is None or not s.rows.hand.rolling:
        return True
    gone = s.there is not None and s.there.red in (Dep.ABSENT, Dep.FAILED)
    return (
        gone and p.rollback is not None and p.gated and _after(s).mover == p.n and _after(s).rollback is None
    )


def every_command_is_answered_once(s: Seen) -> bool:
    """Done or refused, in the journal, with its author; a refusal moves nothing."""
    if not s.rows.hand.says or s.change is None or _after(s).pending:
        return True
    first, after, before = s.change.entries[0], _after(s), s.state.slot
    if first.what != "command.refused":
        return first.by == ANA and bool(after.told)
    same = (after.rollback, after.retirement, after.hold, after.mover, after.serving, after.open)
    return (
        first.by == ANA
        and bool(after.told)
        and same == (None, None, before.hold, before.mover, before.serving, before.open)
    )


# ---- it comes to an end


def nothing_ordered_is_forgotten(s: Seen) -> bool:
    open_ = s.rows.hand.rolling or s.rows.hand.retiring or s.rows.hand in (Hand.LEFT_DUE, Hand.LEFT_YOUNG)
    return not (open_ and isinstance(s.decided, Rest))


def what_can_be_done_is_done(s: Seen) -> bool:
    """The plain cases, so that an engine that only waits is noticed."""
    there, row = s.there, s.rows
    due = row.hand is Hand.LEFT_DUE and row.stop is Stop.NO and row.serves is Serves.BLUE
    if there is None and due:
        return False  # it must have looked
    if there is None or there.kind is not Kind.SUCCEEDED or row.stop is Stop.CHANGED:
        return True
    vouched = not row.place.ruled or s.facts.get(Sight.PAST) is Past.VOUCHED
    red = there.red is Dep.SUCCEEDED and not there.other and vouched
    if row.hand in (Hand.ROLLING, Hand.ROLLING_OLD) and red and there.who is Who.BLUE and there.tag == BLUE:
        return _does(s, Verb.ROLL_BACK)
    gone = there.red in (Dep.ABSENT, Dep.FAILED) and s.facts.get(Sight.PAST) is not Past.GONE and vouched
    if row.hand in (Hand.ROLLING, Hand.ROLLING_OLD) and gone and there.who is Who.BLUE and there.tag == BLUE:
        return _opened(s) is not None
    if row.hand is Hand.ROLLING_NOW and red and there.who is Who.RED and there.tag == RED:
        return s.change is not None and _after(s).serving != s.state.slot.serving
    if row.hand in (Hand.RETIRING, Hand.RETIRING_OLD):
        return _does(s, Verb.RETIRE)
    left = there.grey is Dep.SUCCEEDED and not there.theirs and there.who is Who.BLUE and there.tag == BLUE
    if due and left:
        return _does(s, Verb.REMOVE)
    return True


INVARIANTS: tuple[Callable[[Seen], bool], ...] = (
    nobody_is_brought_back_unvouched,
    what_was_asked_for_is_asked_about,
    all_traffic_goes_to_what_stands,
    only_what_is_known_is_overwritten,
    an_endpoint_goes_on_an_operators_word,
    only_what_is_left_over_is_removed,
    one_thing_moves_the_slot,
    whatever_goes_back_or_away_is_held,
    what_is_recorded_was_observed,
    a_way_back_takes_the_slot_itself,
    every_command_is_answered_once,
    nothing_ordered_is_forgotten,
    what_can_be_done_is_done,
)


def broken(s: Seen) -> list[str]:
    return [holds.__name__ for holds in INVARIANTS if not holds(s)]
