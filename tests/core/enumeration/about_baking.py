"""S8: what a watched step may lead to. Traffic rises only along the plan, and no data is never health."""

from __future__ import annotations

from orchestrator.model import Verdict
from tests.core.enumeration.axes import End, Note, Pending, Roll, Stage
from tests.core.enumeration.axes_outside import Health
from tests.core.enumeration.figures import CANDIDATE
from tests.core.enumeration.moment import Invariant, Moment
from tests.core.enumeration.scenes import WATCHES

ANSWERED = (Note.ASKED, Note.REPLAYED)
"""Our own requests were answered well: they are judged together with what was seen."""
OVER = (Stage.BAKED, Stage.OVERDUE)


def the_next_step_needs_a_whole_healthy_bake(m: Moment) -> bool:
    """S8: a step is over only when its weights are seen, its time is, and it is well, or vouched for."""
    if m.after is None or m.after.step <= m.before.step:
        return True
    answered = m.scene.note in ANSWERED and m.health is not Health.SICK
    vouched = m.scene.note is Note.VOUCHED and m.health is not Health.SICK
    well = m.health is Health.WELL or answered or vouched
    one = m.after.step == m.before.step + 1
    return one and m.stage in OVER and m.as_planned and well and m.approved


def a_sick_candidate_goes_back(m: Moment) -> bool:
    """S8: whoever sees it sick, with a stable to go back to, ends the rollout at once."""
    if m.health is not Health.SICK or not m.scene.serves or m.at.pending is Pending.ABORT:
        return True
    if m.scene.note in ANSWERED:  # its other answers were good: judged together
        return True
    return m.verdict is Verdict.ROLLED_BACK


def rolls_back_only_what_is_sick(m: Moment) -> bool:
    """S8: nothing is rolled back on silence, and nothing without a stable."""
    if m.verdict is not Verdict.ROLLED_BACK:
        return True
    return bool(m.scene.serves) and (m.health is Health.SICK or m.state_of(CANDIDATE) == "Failed")


def a_step_is_watched_from_when_it_is_seen(m: Moment) -> bool:
    """S8: a bake begins with the look that finds the step's weights, and never before."""
    if m.after is None or m.after.step_at is None or m.after.step_at == m.before.step_at:
        return True
    return m.as_planned and m.scene.end is End.NONE and m.stage not in WATCHES


def a_bake_that_was_lost_begins_anew(m: Moment) -> bool:
    """S8: weights that are not as planned any more are written again only once the bake is taken back."""
    if m.scene.roll is Roll.ONE or m.after is None or m.after.wanted != m.before.wanted or m.as_planned:
        return True
    back = m.stage in (*WATCHES, Stage.THROUGH) and m.after.step_at is None
    return not back or m.after.step <= m.before.step


def health_is_noted_once_while_it_is_watched(m: Moment) -> bool:
    """S8: what is made of health is said when it changes, and only of a step that is watched."""
    if m.after is None or m.after.health is None or m.after.health == m.before.health:
        return True
    was = m.before.health.verdict if m.before.health else ""
    ordered = m.after.health.vouched != "" and m.at.pending is Pending.RESUME
    return m.stage in WATCHES and (m.after.health.verdict != was or ordered)


def what_is_seen_of_it_is_said(m: Moment) -> bool:
    """S8: the first look at a step's health is noted, or ends the rollout."""
    if m.health is None or m.scene.note is not Note.NONE or m.change is None or m.after is None:
        return True
    said = m.after.health is not None or m.after.ending is not None
    return said or m.change.entries[0].what == "person.needed"


def a_person_is_asked_when_patience_is_over(m: Moment) -> bool:
    """S8: and not before; except where a sick candidate has nothing to go back to."""
    unsure = m.scene.note is Note.UNSURE and m.health in (Health.FEW, Health.UNKNOWN)
    asks = m.change is not None and m.change.entries[0].what == "person.needed" and m.health is not None
    if m.stage is Stage.OVERDUE and unsure:
        return asks or m.after is None
    return not asks or m.stage is Stage.OVERDUE or m.health is Health.SICK


def asks_an_unasked_endpoint_itself_before_a_person(m: Moment) -> bool:
    """S6: what requests of our own can find out needs nobody, also when patience ran out unwatched."""
    unasked = m.health is Health.SILENT and m.scene.note is Note.UNSURE
    return not unasked or m.change is None or m.change.entries[0].what != "person.needed"


def a_healthy_step_goes_on(m: Moment) -> bool:
    """S6: nothing waits once the bake is over and the candidate is known to be well."""
    done = m.stage in OVER and m.health is Health.WELL and m.scene.note is Note.HEALTHY and m.as_planned
    return not done or (m.after is not None and m.after.step == m.before.step + 1)


OF_EVERYTHING: tuple[Invariant, ...] = (
    a_person_is_asked_when_patience_is_over,
    asks_an_unasked_endpoint_itself_before_a_person,
    a_healthy_step_goes_on,
)
OF_CHANGES: tuple[Invariant, ...] = (
    the_next_step_needs_a_whole_healthy_bake,
    a_sick_candidate_goes_back,
    rolls_back_only_what_is_sick,
    a_step_is_watched_from_when_it_is_seen,
    a_bake_that_was_lost_begins_anew,
    health_is_noted_once_while_it_is_watched,
    what_is_seen_of_it_is_said,
)
