"""Whoever was asked hears of it, once on each channel; and nothing else ever waits for that."""

from __future__ import annotations

from dataclasses import replace

from orchestrator import decide as core
from orchestrator.outbox import END, EVENTS, Delivery, NoticeKind
from orchestrator.world import Act, Change, Decided, Rest, Verb, Wait, World
from tests.core.enumeration.axes import Claim, End, Outbox, Pending, Stage, Votes
from tests.core.enumeration.build import setting_of
from tests.core.enumeration.figures import NOW, THIS
from tests.core.enumeration.moment import Invariant, Moment

GIVEN_UP = "notify.given_up"
HOPELESS = (Outbox.ASKING, Outbox.HOPELESS, Outbox.OLD, Outbox.GONE)


def telling_changes_nothing_else(m: Moment) -> bool:
    """Whatever is done, is done with an empty outbox too: no promotion waits for a channel."""
    if m.at.outbox is Outbox.NONE:
        return True
    silent = replace(m.state, slot=replace(m.state.slot, outbox=()))
    otherwise = core.decide(silent, World(m.facts), setting_of(m.scene))
    if isinstance(otherwise, (Act, Change)):
        return _quiet(m.decided) == _quiet(otherwise)
    if isinstance(m.decided, Wait):
        return isinstance(otherwise, Rest) or m.decided.until <= otherwise.until
    return m.does(Verb.NOTIFY) or _gives_up(m)


def what_is_hopeless_is_given_up(m: Moment) -> bool:
    """It does not keep the slot open for ever, and no channel is bothered with it."""
    hopeless = m.at.outbox in HOPELESS and (
        m.at.outbox is not Outbox.ASKING or m.scene.votes is not Votes.OPEN
    )
    return not hopeless or not (isinstance(m.decided, (Wait, Rest)) or m.does(Verb.NOTIFY)) or _blocked(m)


def _blocked(m: Moment) -> bool:
    """Does a worker act at this moment?"""
    return m.at.claim is Claim.LIVE


def only_what_is_owed_is_told(m: Moment) -> bool:
    """Once on a channel: the notice is in the outbox, its back-off is over, and the attempt is counted."""
    if not m.does(Verb.NOTIFY) or m.action is None or not isinstance(m.decided, Act):
        return not m.does(Verb.NOTIFY)
    before = _owed(m.state.slot.outbox).get((m.action.notice, m.action.channel))
    after = _owed(m.decided.slot.outbox if m.decided.slot else ()).get((m.action.notice, m.action.channel))
    due = before is not None and (before.not_before is None or before.not_before <= NOW)
    return due and before is not None and after == replace(before, begun=before.begun + 1)


def nobody_is_asked_in_vain(m: Moment) -> bool:
    """A notice that asks for a decision goes out only while one is missing."""
    asking = m.does(Verb.NOTIFY) and m.at.outbox is Outbox.ASKING
    return not asking or m.scene.votes in (Votes.OPEN, Votes.LATE)


def a_troubled_channel_is_tried_only_in_peace(m: Moment) -> bool:
    """It may take its time to fail: not while something is due within seconds."""
    if m.at.outbox is not Outbox.TRIED or not m.does(Verb.NOTIFY):
        return True
    silent = replace(m.state, slot=replace(m.state.slot, outbox=()))
    otherwise = core.decide(silent, World(m.facts), setting_of(m.scene))
    return isinstance(otherwise, Rest) or (
        isinstance(otherwise, Wait) and (otherwise.until - NOW).total_seconds() >= 15
    )


def nothing_owed_is_forgotten(m: Moment) -> bool:
    """What leaves the outbox is given up, and the journal says so."""
    if m.change is None:
        return True
    lost = _owed(m.state.slot.outbox).keys() - _owed(m.change.slot.outbox).keys()
    return not lost or (_gives_up(m) and m.at.outbox in HOPELESS)


def every_decision_is_owed(m: Moment) -> bool:
    """The commit that ends a promotion, or lapses a request, owes the news to whoever was asked.

    Of a promotion that nobody was asked about, those hear who follow the events, and nobody else.
    """
    added = _added(m)
    if m.closes:
        channels = set(setting_of(m.scene).channels)
        heard = channels if m.before.asks else channels & {EVENTS}
        return _told(m) == [heard] * bool(heard) and added == [END] * bool(heard)
    if m.asks and m.before.asks:
        return added == [NoticeKind.LAPSED.value]
    if m.scene.end is not End.NONE:
        return m.closes or not added
    return m.change is None or m.closes or not {"end", NoticeKind.LAPSED.value} & set(added)


def a_request_and_its_quorum_are_owed_at_once(m: Moment) -> bool:
    """Before anything else but an operator's word."""
    news = {
        Votes.UNTOLD: NoticeKind.ASKED.value,
        Votes.QUORUM: NoticeKind.GRANTED.value,
        Votes.LATE: "late 1",
    }
    owed = news.get(m.scene.votes)
    free = m.at.claim is not Claim.LIVE and m.at.pending is Pending.NONE
    if owed is None or not free or m.stage is Stage.ABSENT or m.scene.end is not End.NONE:
        return True
    return _added(m) == [owed] and m.after is not None and f"1 {owed}" in m.after.told


def _owed(outbox: object) -> dict[tuple[str, str], Delivery]:
    notices = outbox if isinstance(outbox, tuple) else ()
    return {(x.key, channel): d for x in notices for channel, d in x.to.items()}


def _added(m: Moment) -> list[str]:
    """Marks of the promotion's notices that this very change puts into the outbox."""
    before = {x.key for x in m.state.slot.outbox}
    return [x.mark for x in m.change.slot.outbox if x.key not in before and x.n == THIS] if m.change else []


def _told(m: Moment) -> list[set[str]]:
    """The channels of the ends that this very change owes."""
    before = {x.key for x in m.state.slot.outbox}
    new = [x for x in m.change.slot.outbox if x.key not in before and x.n == THIS] if m.change else []
    return [set(x.to) for x in new if x.mark == END]


def _gives_up(m: Moment) -> bool:
    return m.change is not None and [e.what for e in m.change.entries] == [GIVEN_UP]


def _quiet(decided: Decided) -> Decided:
    """The decision but for what people are told."""
    if isinstance(decided, Change):
        return replace(decided, slot=replace(decided.slot, outbox=()))
    return decided


OF_ACTIONS: tuple[Invariant, ...] = (
    only_what_is_owed_is_told,
    nobody_is_asked_in_vain,
    a_troubled_channel_is_tried_only_in_peace,
)
OF_CHANGES: tuple[Invariant, ...] = (nothing_owed_is_forgotten,)
OF_EVERYTHING: tuple[Invariant, ...] = (
    telling_changes_nothing_else,
    what_is_hopeless_is_given_up,
    every_decision_is_owed,
    a_request_and_its_quorum_are_owed_at_once,
)
