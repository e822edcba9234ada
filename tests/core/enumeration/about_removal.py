"""S3: what may be deleted, what is kept, and what Live means."""

from __future__ import annotations

from orchestrator.model import Verdict
from orchestrator.seen import Split
from orchestrator.world import TAG_LIVE, TAG_SLOT, Verb
from tests.core.enumeration.axes import End, Mover, Pending, Retiring, Roll, Stage
from tests.core.enumeration.figures import CANDIDATE, DIGEST, NOW, RETIRED, SLOT, STABLE, WARM
from tests.core.enumeration.moment import Invariant, Moment

SWITCHED = (Stage.PLANNED, Stage.WROTE_NOW, Stage.WROTE_OLD)


def removes_only_what_is_idle(m: Moment) -> bool:
    """S3: what has traffic, may have it by a write not yet readable, or is what serves, is never deleted."""
    if m.action is None or m.action.verb is not Verb.REMOVE:
        return True
    name = m.action.deployment
    unread = name == CANDIDATE and m.stage is Stage.WROTE_NOW
    used = m.weights.get(name) or m.split.mirror.get(name)
    return not used and not unread and not (m.scene.serves and name == STABLE)


def removes_only_its_own(m: Moment) -> bool:
    """S3: deleted are a candidate after a verdict, and a retired deployment whose time has come while what
    serves is seen at 100 %.
    """
    if m.action is None or m.action.verb is not Verb.REMOVE:
        return True
    if m.action.deployment == CANDIDATE:
        return m.scene.end is End.FAILED and not m.stage.adopts
    ripe = (
        m.action.deployment == RETIRED and m.at.retiring is Retiring.DUE and not (m.stopped and not m.frozen)
    )
    return ripe and m.split == Split({STABLE: 100}) and bool(m.scene.serves)


def stable_is_kept_warm(m: Moment) -> bool:
    """S3: when the candidate goes live, what served before is kept for the whole warm period."""
    if not m.closes or m.scene.end is not End.LIVE or m.change is None or not m.scene.serves:
        return True
    return m.change.slot.retiring.get(STABLE) == NOW + WARM


def retiring_ends_visibly(m: Moment) -> bool:
    """S3: an entry of `retiring` is dropped only when its deployment is gone, in use, or not ours to delete;
    or when an operator says that nothing serves.
    """
    if m.change is None or m.at.retiring is Retiring.NONE:
        return True
    gone = set(m.state.slot.retiring) - set(m.change.slot.retiring)
    if m.at.pending is Pending.ADOPT and m.change.slot.serving is None:
        return True
    return all(m.looked and _done_with(m, name) for name in gone)


def warm_ends_as_the_plan_says(m: Moment) -> bool:
    """S3: what is kept warm goes before its time only for a promotion whose turn it is, and that is said.
    What is due already is given no other time: its removal would never begin.
    """
    if m.change is None:
        return True
    after = m.change.slot.retiring
    if all(after.get(name, due) == due for name, due in m.state.slot.retiring.items()):
        return True
    turn = m.at.retiring is Retiring.WARM and m.scene.mover is Mover.NONE and not m.stopped
    return turn and m.change.entries[0].what == "warm.ended"


def _done_with(m: Moment, name: str) -> bool:
    return m.state_of(name) == "absent" or bool(m.weights.get(name)) or name == STABLE or m.lost_mark


def live_is_observed(m: Moment) -> bool:
    """S3: Live is said only of a candidate that was seen alone at 100 %, at rest, with tag and mark."""
    if m.verdict is not Verdict.LIVE:
        return True
    seen = m.endpoint
    observed = (
        seen is not None
        and seen.state == "Succeeded"
        and seen.split == Split({CANDIDATE: 100})
        and (seen.tags.get(TAG_LIVE), seen.tags.get(TAG_SLOT)) == (CANDIDATE, SLOT)
    )
    if m.stage.adopts:
        return observed and m.stage >= Stage.ADOPT_NAMED
    over = (Stage.THROUGH,) if m.scene.roll is not Roll.ONE else SWITCHED
    return observed and m.state_of(CANDIDATE) == "Succeeded" and m.stage in over and m.approved


def nothing_is_left_in_traffic(m: Moment) -> bool:
    """S3: a promotion that did not go live is closed only when its candidate was seen without traffic, and it
    is gone or not ours to delete.
    """
    if not m.closes or m.scene.end is not End.FAILED or m.stage < Stage.NAMED or m.stage.adopts:
        return True
    idle = m.looked and not m.weights.get(CANDIDATE) and not m.split.mirror.get(CANDIDATE)
    return idle and (m.lost_mark or m.state_of(CANDIDATE) == "absent")


def what_serves_changes_only_when_live(m: Moment) -> bool:
    """S4: the slot's record of what serves moves only with a Live promotion, to its candidate and digest; or
    to nothing, when an operator says so and nothing is seen to serve.
    """
    if m.change is None or m.change.slot.serving == m.state.slot.serving:
        return True
    serving = m.change.slot.serving
    if serving is None:
        return m.at.pending is Pending.ADOPT and m.looked and not m.weights
    live = m.closes and m.scene.end is End.LIVE
    return live and (serving.deployment, serving.digest) == (CANDIDATE, DIGEST)


OF_ACTIONS: tuple[Invariant, ...] = (removes_only_what_is_idle, removes_only_its_own)
OF_CHANGES: tuple[Invariant, ...] = (
    stable_is_kept_warm,
    retiring_ends_visibly,
    warm_ends_as_the_plan_says,
    live_is_observed,
    nothing_is_left_in_traffic,
    what_serves_changes_only_when_live,
)
