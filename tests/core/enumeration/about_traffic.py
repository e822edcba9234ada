"""S1, S2, S4, S8: what may be written to an endpoint's traffic."""

from __future__ import annotations

from orchestrator.seen import Split
from orchestrator.world import Verb
from tests.core.enumeration.axes import End, Mover, Roll, Stage, Stopped
from tests.core.enumeration.figures import CANDIDATE, SLOT, STABLE
from tests.core.enumeration.moment import Invariant, Moment

WRITES = (Verb.WRITE_TRAFFIC, Verb.RESTORE, Verb.MARK)
PLANNED = (Stage.PLANNED, Stage.WROTE_NOW, Stage.WROTE_OLD)


def approved_before_traffic(m: Moment) -> bool:
    """S1: no traffic to a candidate before its quorum, on the subject as it is now."""
    return not m.raises or m.approved


def serves_what_was_approved(m: Moment) -> bool:
    """S4: before the switch digest, target and incumbent were looked at, and are what was approved."""
    if not m.raises:
        return True
    as_shown = m.registered and m.intact and m.runs_what_was_deployed
    return (m.as_before or m.split in m.ours) and as_shown


def raises_only_what_is_well(m: Moment) -> bool:
    """S8: traffic rises only as planned, only to a candidate that answered well, only before a verdict."""
    if not m.raises or m.action is None:
        return True
    return m.stage in PLANNED and m.scene.end is End.NONE and m.action.split == m.planned


def lowers_only_after_a_verdict(m: Moment) -> bool:
    """S8: any other write of a promotion gives everything back to what served."""
    if m.action is None or m.action.verb is not Verb.WRITE_TRAFFIC or m.raises:
        return True
    same = m.split == m.action.split  # its tag is stale
    return same or (m.scene.end is End.FAILED and m.action.split == Split({STABLE: 100}))


def undoes_only_our_own_write(m: Moment) -> bool:
    """S8: what a person set in the studio is not overwritten: a foreign change stops us."""
    if not m.does(Verb.WRITE_TRAFFIC):
        return True
    return m.split in m.ours or m.as_before


def weights_are_whole(m: Moment) -> bool:
    """S2: every traffic write of ours sums to 100 and names only `Succeeded` deployments."""
    if m.action is None or m.action.verb not in WRITES:
        return True
    named = [name for name, weight in (*m.action.weights.items(), *m.action.mirror.items()) if weight]
    return sum(m.action.weights.values()) == 100 and all(m.state_of(name) == "Succeeded" for name in named)


def copies_go_to_the_idle(m: Moment) -> bool:
    """S2: copies of at most half of the requests, for a candidate that gets none itself."""
    if m.action is None or not m.action.mirror:
        return True
    only = list(m.action.mirror) == [CANDIDATE] and not m.action.weights.get(CANDIDATE)
    return only and 0 < m.action.mirror[CANDIDATE] <= 50


def the_tag_goes_with_the_weights(m: Moment) -> bool:
    """S2: the tag that a traffic write carries names who gets all of it."""
    if m.action is None or m.action.verb not in WRITES:
        return True
    whole = m.action.weights == {m.action.deployment: 100}
    return whole or (m.scene.roll is Roll.TENTH and m.action.deployment == STABLE)


def restores_only_what_was_told(m: Moment) -> bool:
    """S8: traffic is put back on an operator's word alone, over the very weights that the operator saw."""
    if not m.does(Verb.RESTORE) or m.action is None:
        return True
    asked = m.at.stopped in (Stopped.RESTORE, Stopped.RESTORE_OLD) and m.scene.mover is Mover.NONE
    foreign = m.state.slot.foreign
    as_told = foreign is not None and m.split == Split(foreign.traffic, foreign.mirror)
    return asked and as_told and m.action.weights == {STABLE: 100} == m.recorded


def a_mark_moves_nothing(m: Moment) -> bool:
    """S4: an adoption writes the weights that it sees, and nothing but its own deployment."""
    if not m.does(Verb.MARK) or m.action is None:
        return True
    return m.stage.adopts and m.moves and m.action.weights == m.weights == {CANDIDATE: 100}


def touches_only_marked_endpoints(m: Moment) -> bool:
    """Written to is only an endpoint that was seen at rest with our mark; nobody's counts on an operator's
    word. Made is only an endpoint that was seen to be absent.
    """
    if m.does(Verb.CREATE_ENDPOINT):
        return m.looked and m.endpoint is None
    if not m.does(Verb.DEPLOY, Verb.REMOVE, *WRITES):
        return True
    ordered = m.does(Verb.RESTORE, Verb.MARK)
    return m.at_rest and (m.mark == SLOT or (ordered and not m.mark))


def never_makes_anew_what_somebody_deleted(m: Moment) -> bool:
    """An endpoint that served, and a candidate that was seen, are not made again: it is a foreign change."""
    if m.does(Verb.CREATE_ENDPOINT):
        return not m.scene.serves
    return not m.does(Verb.DEPLOY) or m.stage < Stage.PROBED_BAD


INVARIANTS: tuple[Invariant, ...] = (
    approved_before_traffic,
    serves_what_was_approved,
    raises_only_what_is_well,
    lowers_only_after_a_verdict,
    undoes_only_our_own_write,
    weights_are_whole,
    copies_go_to_the_idle,
    the_tag_goes_with_the_weights,
    restores_only_what_was_told,
    a_mark_moves_nothing,
    touches_only_marked_endpoints,
    never_makes_anew_what_somebody_deleted,
)
