"""Nobody is asked for what cannot be done: what is in the way ends the promotion, or is waited for."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.looks import Look, Sight
from orchestrator.model import Reason
from orchestrator.seen import CapacitySeen, ModelSeen, RightsSeen
from orchestrator.world import Wait
from tests.core.enumeration.ahead import NEEDED
from tests.core.enumeration.axes import Beside, Stage
from tests.core.enumeration.figures import THIS
from tests.core.enumeration.moment import Invariant, Moment


def _model(m: Moment) -> ModelSeen | None:
    found = m.facts.get(Look(Sight.MODEL_FILE, str(THIS)))
    return found if isinstance(found, ModelSeen) else None


def _capacity(m: Moment) -> CapacitySeen | None:
    found = m.facts.get(Look(Sight.CAPACITY))
    return found if isinstance(found, CapacitySeen) else None


def _rights(m: Moment) -> RightsSeen | None:
    found = m.facts.get(Look(Sight.RIGHTS))
    return found if isinstance(found, RightsSeen) else None


def _unloadable(m: Moment) -> bool:
    return bool(found.problem) if (found := _model(m)) else False


def _mismatched(m: Moment) -> bool:
    return bool(found.mismatch) if (found := _model(m)) else False


def _not_offered(m: Moment) -> bool:
    return not found.offered if (found := _capacity(m)) else False


def _no_quota(m: Moment) -> bool:
    found = _capacity(m)
    return found is not None and found.free is not None and found.free < NEEDED


def _no_right(m: Moment) -> bool:
    return bool(found.missing) if (found := _rights(m)) else False


CAUSES: dict[Reason, Callable[[Moment], bool]] = {
    Reason.UNLOADABLE: _unloadable,
    Reason.SIGNATURE: lambda m: _mismatched(m) and not _unloadable(m),
    Reason.INSTANCE_TYPE: _not_offered,
    Reason.QUOTA: lambda m: _no_quota(m) and m.stage is Stage.SHORT_OLD,
    Reason.RIGHTS: lambda m: _no_right(m) and m.stage is Stage.SHORT_OLD,
}


def passes_when_everything_was_looked_at_and_nothing_is_in_the_way(m: Moment) -> bool:
    if m.after is None or not m.after.preflighted or m.before.preflighted or m.stage.adopts:
        return True
    free = m.facts.get(Look(Sight.NAMESAKE)) == ""
    looked = None not in (_model(m), _capacity(m), _rights(m)) and (free if m.endpoint is None else m.at_rest)
    return looked and not any(
        blocks(m) for blocks in (_unloadable, _mismatched, _not_offered, _no_quota, _no_right)
    )


def what_was_waited_for_is_forgotten(m: Moment) -> bool:
    """A promotion that goes on does not show the shortage it had."""
    if m.after is None or not m.after.preflighted or m.before.preflighted or m.stage.adopts:
        return True
    return not m.after.asked and not m.after.trouble


def a_shortage_is_said_once_and_waited_for(m: Moment) -> bool:
    """Where nothing else lies beside the promotion: said, then waited for by a person, then given up."""
    if m.at != Beside() or not (_no_quota(m) or _no_right(m)):
        return True
    if m.change is not None and m.after is None:
        return m.stage is Stage.SHORT_NOW  # while it waits, the slot may say what it sees
    if m.stage is Stage.SHORT_NOW:
        return isinstance(m.decided, Wait) and m.decided.person
    if m.stage is Stage.SHORT_OLD:
        return m.verdict is not None
    said = m.change is not None and m.change.entries[0].what == "person.needed"
    return said and m.after is not None and bool(m.after.trouble) and len(m.after.asked) == 1


OF_CHANGES: tuple[Invariant, ...] = (
    passes_when_everything_was_looked_at_and_nothing_is_in_the_way,
    what_was_waited_for_is_forgotten,
)
OF_EVERYTHING: tuple[Invariant, ...] = (a_shortage_is_said_once_and_waited_for,)
