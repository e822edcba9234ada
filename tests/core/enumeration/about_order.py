"""No step before what it rests on: for the calls to the outside, and for the rows that say a step is done."""

from __future__ import annotations

from orchestrator.seen import Split
from orchestrator.world import Look, Sight, Verb
from tests.core.enumeration.axes import End, Roll, Stage, Votes
from tests.core.enumeration.axes_outside import Health
from tests.core.enumeration.figures import CANDIDATE, SLOT
from tests.core.enumeration.moment import Invariant, Moment
from tests.core.enumeration.scenes import WATCHES


def asks_only_about_what_is_ready(m: Moment) -> bool:
    """People are asked about frozen bytes that passed the gates, are new here, and may be placed."""
    return not m.asks or (m.scene.place.ruled and m.stage >= Stage.GATED)


def calls_in_order(m: Moment) -> bool:
    """No call before what it rests on was committed, or is seen to be so."""
    if m.action is None or m.scene.end is not End.NONE or m.stage is Stage.ABSENT:
        return True
    if m.action.n != m.before.n or m.does(Verb.WRITE_TRAFFIC):  # see about_traffic.py
        return True
    return (_adopts if m.stage.adopts else _promotes)(m, m.action.verb)


def _promotes(m: Moment, verb: Verb) -> bool:
    stage = m.stage
    match verb:
        case Verb.DIGEST:
            return stage is Stage.NEW
        case Verb.FREEZE:
            return m.scene.place.later and stage is Stage.DIGESTED
        case Verb.CLAIM_NAME:
            return _ready_to_place(m)
        case Verb.NOTIFY:
            return m.scene.votes in (Votes.OPEN, Votes.LATE)
        case Verb.REGISTER:
            return m.scene.place.later and stage >= Stage.CHOSEN and m.approved
        case Verb.CREATE_ENDPOINT:
            return stage >= Stage.TURN and m.approved and m.registered
        case Verb.DEPLOY:
            return stage >= Stage.NAMED and m.approved and m.registered and m.state_of(CANDIDATE) == "absent"
        case Verb.PROBE:
            return stage >= Stage.NAMED and m.registered and m.state_of(CANDIDATE) == "Succeeded"
        case Verb.REPLAY:
            return m.stage in WATCHES and m.as_planned and m.health is Health.SILENT
        case _:
            return False


def _adopts(m: Moment, verb: Verb) -> bool:
    match verb:
        case Verb.DIGEST:
            return m.stage is Stage.ADOPT_NEW
        case Verb.CLAIM_NAME:
            return m.stage is Stage.ADOPT_DIGESTED
        case Verb.MARK:
            return m.stage >= Stage.ADOPT_PLANNED
        case _:
            return False


def rows_in_order(m: Moment) -> bool:
    """No row says that a step is done whose ground is missing."""
    if m.after is None or m.scene.end is not End.NONE:
        return True
    now, was = m.after, m.before
    if now.preflighted and not was.preflighted:
        ready = m.stage is Stage.ADOPT_DIGESTED or (_ready_to_place(m) and m.looked and not m.lost_mark)
        return ready and m.facts.get(Look(Sight.NAME)) == SLOT
    if now.gated and not was.gated:
        return m.stage is Stage.PREFLIGHTED
    if now.target_version != was.target_version:
        return m.scene.place.later and m.stage in (Stage.TURN, Stage.CHOSEN) and m.approved
    if now.candidate != was.candidate:
        return Stage.TURN <= m.stage < Stage.NAMED and m.approved and m.registered
    if now.wanted != was.wanted:
        if m.stage is Stage.ADOPT_NAMED:
            return now.wanted == {CANDIDATE: 100}
        begun = m.stage is (Stage.PROBED if m.scene.roll in (Roll.ONE, m.first_roll) else Stage.BETWEEN)
        return begun and Split(now.wanted, now.mirror) == m.planned
    return True


def _ready_to_place(m: Moment) -> bool:
    ready = Stage.FROZEN if m.scene.place.later else Stage.DIGESTED
    return m.stage in (ready, Stage.SHORT_NOW, Stage.SHORT_OLD)


def the_number_is_mapped_only_before_it_is_deployed(m: Moment) -> bool:
    """S4: once the candidate may run a version, the promotion is not pointed at another one."""
    if m.after is None or m.after.target_version == m.before.target_version:
        return True
    return m.stage < Stage.NAMED


OF_ACTIONS: tuple[Invariant, ...] = (calls_in_order,)
OF_CHANGES: tuple[Invariant, ...] = (
    asks_only_about_what_is_ready,
    rows_in_order,
    the_number_is_mapped_only_before_it_is_deployed,
)
