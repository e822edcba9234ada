"""S4: what people answered is heeded, what nobody has approved gives way, and nobody is asked in vain."""

from __future__ import annotations

from orchestrator.model import Reason, Verdict
from tests.core.enumeration.axes import Claim, End, Newer, Outbox, Pending, Scene, Stage, Votes
from tests.core.enumeration.moment import Invariant, Moment

LAPSED = (Votes.LAPSED, Votes.LAPSED_LAST)
UNDECIDED = (Votes.OPEN, *LAPSED)


def people_are_heeded(m: Moment) -> bool:
    """No, too late, replaced, asked anew, given up: whatever the latest request calls for is done at once."""
    votes = m.scene.votes
    if not (m.scene.place.ruled and undisturbed(m.scene)) or m.stage >= Stage.PLANNED:
        return True
    if votes is Votes.REJECTED:
        return m.verdict is Verdict.REJECTED
    if votes is Votes.EXPIRED:
        return m.verdict is Verdict.EXPIRED
    if votes in UNDECIDED and m.at.newer in (Newer.READY, Newer.GRANTED):
        return m.verdict is Verdict.SUPERSEDED
    if votes is Votes.LAPSED:
        return m.asks
    if votes is Votes.LAPSED_LAST:
        return m.after is not None and m.after.ending is not None and m.after.ending.reason is Reason.LAPSED
    return True


def nobody_is_asked_twice_about_the_same(m: Moment) -> bool:
    """A new request is made when there is none, or the old one is no longer about what would be done."""
    return not m.asks or m.scene.votes in (Votes.NOT_ASKED, Votes.LAPSED)


def a_lapse_says_why(m: Moment) -> bool:
    """The old request is closed with the reason in the commit that makes the new one."""
    if not m.asks or m.scene.votes is Votes.NOT_ASKED or m.change is None:
        return True
    before = m.state.requests[m.before.n]
    closed = [r.closed for r in m.change.requests if (r.n, r.k) == (before.n, before.k)]
    made = [r for r in m.change.requests if (r.n, r.k) == (before.n, before.k + 1)]
    return len(made) == 1 and len(closed) == 1 and closed[0].startswith("lapsed: ") and not made[0].closed


def the_newest_goes_on_alone(m: Moment) -> bool:
    """Where nobody is asked, a newer one that is ready replaces what has not begun to move."""
    if m.scene.place.ruled or not undisturbed(m.scene) or m.stage is not Stage.GATED:
        return True
    return m.moves or m.at.newer is not Newer.READY or m.verdict is Verdict.SUPERSEDED


def only_the_asked_time_is_given(m: Moment) -> bool:
    """An extension is as long as the first life, of an open request, and changes nothing else about it."""
    if m.at.pending is not Pending.EXTEND or m.change is None:
        return True
    before = m.state.requests.get(m.before.n) if m.stage is not Stage.ABSENT else None
    after = next((r for r in m.change.requests if before and (r.n, r.k) == (before.n, before.k)), None)
    if before is None or after is None or after.extensions == before.extensions:
        return True
    life = before.expires_at - before.asked_at
    same = (after.hash, after.subject, after.rule) == (before.hash, before.subject, before.rule)
    return same and after.expires_at - before.expires_at == life and not after.closed


def undisturbed(scene: Scene) -> bool:
    """Is nothing more urgent than this promotion, and nothing in its way?"""
    at = scene.beside
    free = at.claim is not Claim.LIVE and not at.backoff and at.pending is Pending.NONE
    return (
        free
        and at.outbox is Outbox.NONE
        and scene.end is End.NONE
        and scene.stage >= Stage.GATED
        and not scene.stage.adopts
    )


OF_CHANGES: tuple[Invariant, ...] = (
    nobody_is_asked_twice_about_the_same,
    a_lapse_says_why,
    only_the_asked_time_is_given,
)
OF_EVERYTHING: tuple[Invariant, ...] = (people_are_heeded, the_newest_goes_on_alone)
