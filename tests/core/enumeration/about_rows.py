"""S6, S7: every end has a cause, nothing accepted is lost, and no step is empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from orchestrator.model import Promotion, Reason, Verdict
from orchestrator.world import Look, Rest, Sight, Wait
from tests.core.enumeration import about_preflight
from tests.core.enumeration.axes import Mover, Newer, Pending, Roll, Serves, Stage, Votes
from tests.core.enumeration.axes_outside import Health
from tests.core.enumeration.figures import ANA, CANDIDATE, CHANGED_BY_HAND, NOW, SLOT, STABLE
from tests.core.enumeration.moment import INTACT, Invariant, Moment

COMMANDS = (
    *(Pending.ABORT, Pending.HOLD, Pending.RESUME, Pending.RETRY, Pending.ADOPT, Pending.RESTORE),
    *(Pending.WITHDRAW, Pending.EXTEND),
)


def every_verdict_has_its_cause(m: Moment) -> bool:
    """S6: no promotion ends for a reason that is not there to be seen."""
    if m.verdict is None or m.after is None or m.after.ending is None:
        return True
    return CAUSES[m.after.ending.reason](m)


def _superseded(m: Moment) -> bool:
    """By a newer one that serves, or is ready; never once approved (or in motion, where nobody is asked), or
    where they queue.
    """
    if m.stage is Stage.OVERTAKEN:
        return True
    ready = m.at.newer in (Newer.READY, Newer.GRANTED) and m.stage >= Stage.GATED
    return ready and not (m.approved if m.scene.place.ruled else m.moves)


def _changed_bytes(m: Moment) -> bool:
    target = Look(Sight.TARGET, m.before.target_version)
    replaced = m.facts.get(target) is not None and not m.registered
    return (m.scene.place.later and replaced) or m.facts.get(INTACT) is False


def _foreign_change(m: Moment) -> bool:
    if not m.looked:
        return False
    if m.stage.adopts:
        serves = m.weights == {CANDIDATE: 100} and m.state_of(CANDIDATE) == "Succeeded"
        return not serves or m.mark not in ("", SLOT)
    if m.endpoint is None:
        return bool(m.scene.serves) or m.stage >= Stage.PROBED_BAD
    gone = m.stage >= Stage.PROBED_BAD and m.state_of(CANDIDATE) == "absent"
    other = m.stage >= Stage.PROBED and not m.runs_what_was_deployed
    return gone or other or not (m.as_before or m.split in m.ours)


def _preflight(m: Moment) -> bool:
    taken = bool(m.facts.get(Look(Sight.NAMESAKE)))
    return taken or m.facts.get(Look(Sight.NAME)) not in (None, "", SLOT) or m.lost_mark


def _beside(m: Moment) -> str:
    """Who gets requests beside the candidate at this step; empty: nobody."""
    return STABLE if m.scene.roll in (Roll.MIRROR, Roll.TENTH) else ""


CAUSES: dict[Reason, Callable[[Moment], bool]] = {
    Reason.LIVE: lambda m: m.verdict is Verdict.LIVE and not m.stage.adopts,
    Reason.ADOPTED: lambda m: m.verdict is Verdict.LIVE and m.stage.adopts,
    Reason.ABORTED: lambda m: m.at.pending is Pending.ABORT,
    Reason.WITHDRAWN: lambda m: m.at.pending is Pending.WITHDRAW and not m.moves,
    Reason.UNCHANGED: lambda m: m.stage is Stage.SAME_BYTES,
    Reason.PREFLIGHT: _preflight,
    Reason.GATE: lambda m: m.stage is Stage.BELOW_GATE,
    Reason.REJECTED: lambda m: m.scene.votes is Votes.REJECTED,
    Reason.EXPIRED: lambda m: m.scene.votes is Votes.EXPIRED,
    Reason.SUPERSEDED: _superseded,
    Reason.LAPSED: lambda m: (
        m.scene.votes is Votes.LAPSED_LAST or (m.stage >= Stage.PLANNED and not m.approved)
    ),
    Reason.BYTES_CHANGED: _changed_bytes,
    Reason.ENDPOINT: lambda m: m.lost_mark or (m.endpoint is not None and m.endpoint.state == "Failed"),
    Reason.DEPLOY: lambda m: "Failed" in (m.state_of(CANDIDATE), m.state_of(_beside(m))),
    Reason.UNHEALTHY: lambda m: (
        (m.state_of(CANDIDATE) == "Failed" and m.stage >= Stage.PLANNED) or m.health is Health.SICK
    ),
    Reason.PROBE: lambda m: m.stage is Stage.PROBED_BAD,
    Reason.FOREIGN_CHANGE: _foreign_change,
    **about_preflight.CAUSES,
}


def every_change_changes_something_and_says_so(m: Moment) -> bool:
    """S7: a commit has journal entries. S6: it is no empty step, which would be taken for ever."""
    if m.change is None:
        return True
    return bool(m.change.entries) and (
        m.change.slot != m.state.slot
        or any(_differs(p, m.state.promotions.get(p.n)) for p in m.change.promotions)
        or any(r != m.state.requests.get(r.n) for r in m.change.requests)
    )


def _differs(now: Promotion, was: Promotion | None) -> bool:
    """In anything but the phase, which is derived?"""
    return was is None or any(v != was.__dict__[k] for k, v in now.__dict__.items() if k != "phase")


def nothing_accepted_is_lost(m: Moment) -> bool:
    """S6: a promotion leaves `open` only in the commit that shows its end; the mover is always open."""
    if m.change is None:
        return True
    now = m.change.slot
    gone = set(m.state.slot.open) - set(now.open)
    closed = {p.n for p in m.change.promotions if p.verdict and p.reason and p.sentence and p.ended_at}
    return gone <= closed and (now.mover is None or now.mover in now.open)


def every_fact_is_answered(m: Moment) -> bool:
    """S6: an arrival becomes a promotion or is journaled; a command says who gave it and what came of it."""
    if m.change is None or m.at.pending is Pending.NONE or m.change.slot.pending:
        return True
    said = " ".join([f"{entry.by} {entry.why}" for entry in m.change.entries])
    return bool(said) and (
        m.at.pending not in COMMANDS or ANA in said or "Ana" in f"{said} {m.change.slot.told}"
    )


def a_difference_is_never_passed_over(m: Moment) -> bool:
    """Whoever looks at an endpoint at rest, while nobody moves it, and finds it otherwise than recorded, says
    so: nothing rests or waits for anything else.
    """
    looks = m.scene.mover is Mover.NONE and m.scene.serves is Serves.BLUE and m.looked and not m.at.resting
    looks = looks and bool(m.state.promotions or m.state.slot.retiring)  # else nobody looks but the sweep
    if not looks or not isinstance(m.decided, (Wait, Rest)) or not (m.endpoint is None or m.at_rest):
        return True
    if isinstance(m.decided, Wait) and m.decided.person:
        return True
    same = m.endpoint is not None and m.as_before and not m.lost_mark
    return same or m.at.stopped in CHANGED_BY_HAND


def waits_are_ahead(m: Moment) -> bool:
    """No wait is over already: the engine would spin."""
    return not isinstance(m.decided, Wait) or m.decided.until > NOW


def rests_only_when_nothing_is_open(m: Moment) -> bool:
    """S6: the slot is forgotten only when nothing is open in it."""
    return not isinstance(m.decided, Rest) or replace(m.state.slot, claim=None).idle


OF_CHANGES: tuple[Invariant, ...] = (
    every_verdict_has_its_cause,
    every_change_changes_something_and_says_so,
    nothing_accepted_is_lost,
    every_fact_is_answered,
)
OF_EVERYTHING: tuple[Invariant, ...] = (
    a_difference_is_never_passed_over,
    waits_are_ahead,
    rests_only_when_nothing_is_open,
)
