"""What follows from a decision: worked out once for all worlds that are read alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from orchestrator import decide as core
from orchestrator import model as m
from orchestrator.outcomes import settle
from orchestrator.world import (
    Act,
    Action,
    Asked,
    Change,
    Decided,
    Digested,
    EndpointSeen,
    Outcome,
    Owner,
    Probed,
    Replayed,
    Rest,
    Sent,
    Trouble,
    Unseen,
    Verb,
    Wait,
    World,
)
from tests.core.enumeration.axes import Roll, Scene
from tests.core.enumeration.axes_outside import Health, Target
from tests.core.enumeration.build import setting_of, state_of
from tests.core.enumeration.build_promotion import probe
from tests.core.enumeration.build_rollout import REPLAYED
from tests.core.enumeration.figures import DIGEST, FROZEN, SLOT, THIS
from tests.core.enumeration.moment import Facts, Moment
from tests.core.enumeration.platform import Node, Outside, fact, told
from tests.core.enumeration.read import scene_of
from tests.core.enumeration.reading import Alike, Reading, readable
from tests.core.enumeration.scenes import WATCHES

BUSY = Trouble(retry=True, why="the service was busy")
NO = Trouble(retry=False, why="the service said no")


@dataclass(frozen=True)
class Closed:
    """The promotion is closed: nothing of it is left to do."""

    verdict: m.Verdict
    outside: Outside
    served: bool
    """Did anything serve before?"""


After = Node | Closed


@dataclass(frozen=True)
class Commit:
    """The rows after a commit, as the ledger writes them."""

    scene: Scene
    verdict: m.Verdict | None = None
    """With which the promotion is closed."""
    mapped: bool = False
    """Is the promotion pointed at another version number in the target?"""

    def beside(self, outside: Outside) -> After:
        """The world that it makes of this outside."""
        if self.verdict is not None:
            return Closed(self.verdict, outside, bool(self.scene.serves))
        if self.mapped:
            outside = outside._replace(target=Target.ABSENT)  # the new number is free
        if self.scene.stage not in WATCHES:
            outside = outside._replace(health=Health.WELL)  # it is of a step
        return Node(self.scene, outside)


@dataclass(frozen=True)
class Course:
    """What is decided, and the commit that follows: of a call, one for each outcome that it may have."""

    decided: type[Decided]
    commit: Commit | None = None
    action: Action | None = None
    done: tuple[Commit, ...] = ()
    """The best comes first."""
    busy: Commit | None = None
    refused: Commit | None = None
    person: bool = False
    """Is it a person's turn?"""


class Courses:
    """Every course that was taken, by what was read of the world that took it."""

    def __init__(self) -> None:
        self._of: defaultdict[Scene, Alike[Course]] = defaultdict(Alike[Course])

    def of(self, node: Node) -> Course:
        return self.known(node) or self.take(node)

    def known(self, node: Node) -> Course | None:
        return self._of[node.scene].find(partial(told, node.outside))

    def take(self, node: Node, judge: Callable[[Moment], None] = lambda _: None) -> Course:
        """What `judge` reads of the moment counts as read, too."""
        reading = Reading(partial(told, node.outside))
        moment = decide(node, reading)
        judge(moment)
        course = course_of(node.scene, moment)
        self._of[node.scene].keep(reading, course)
        return course


def decide(node: Node, reading: Reading) -> Moment:
    """What is decided here, and on which facts."""
    state, setting = state_of(node.scene), setting_of(node.scene)
    facts: Facts = {}
    world = World()
    while True:
        try:
            return Moment(node.scene, state, facts, core.decide(state, world, setting))
        except Unseen as unseen:
            look = unseen.look
        reading.note((look,))
        found = fact(node.outside, look)
        if isinstance(found, EndpointSeen):
            found = readable(found, lambda part, look=look: reading.note((look, *part)))
        facts[look] = found
        world = world.seen(look, found)


def course_of(scene: Scene, moment: Moment) -> Course:
    decided, state = moment.decided, moment.state
    if isinstance(decided, Change):
        person = decided.slot.foreign is not None or decided.entries[0].what == "person.needed"
        return Course(Change, commit=committed(scene, state, decided), person=person)
    if isinstance(decided, Wait):
        return Course(Wait, person=decided.person)
    if isinstance(decided, Rest):
        return Course(Rest)
    if decided.promotion is not None:
        state = replace(state, promotions={**state.promotions, decided.promotion.n: decided.promotion})
    if decided.slot is not None:
        state = replace(state, slot=decided.slot)
    action, setting = decided.action, setting_of(scene)

    def after(outcome: Outcome) -> Commit:
        return committed(scene, state, settle(state, action, outcome, setting))

    done = tuple(after(outcome) for outcome in outcomes(action))
    return Course(Act, action=action, done=done, busy=after(BUSY), refused=after(NO))


def outcomes(action: Action) -> tuple[Outcome, ...]:
    """What a call brings back when it is carried out; the best comes first."""
    match action.verb:
        case Verb.DIGEST:
            return (Digested(complete=True, digest=DIGEST, size=1), Digested(complete=False))
        case Verb.FREEZE:
            other = Digested(complete=True, digest="other bytes", size=1, uri=FROZEN)
            return (Digested(complete=True, digest=DIGEST, size=1, uri=FROZEN), other)
        case Verb.CLAIM_NAME:
            return (Owner(SLOT),)
        case Verb.NOTIFY:
            return (Sent(accepted=True), Sent(accepted=False, why="no"))
        case Verb.REPLAY:
            return (Replayed(REPLAYED),)
        case Verb.PROBE:
            return (Probed(probe(ok=True)), Probed(probe(ok=False)))
        case _:
            return (Asked(),)


def committed(scene: Scene, state: m.SlotState, change: Change) -> Commit:
    """Claim dropped, ended promotions out of sight."""
    closing = next((p for p in change.promotions if p.n == THIS and p.verdict is not None), None)
    if closing is not None:
        return Commit(scene, closing.verdict)
    slot = replace(change.slot, claim=None)
    promotions = {**state.promotions, **{p.n: p for p in change.promotions}}
    requests, votes = dict(state.requests), dict(state.votes)
    for request in change.requests:
        if request.n not in requests or request.k > requests[request.n].k:
            votes[request.n] = ()
        requests[request.n] = request
    after = m.SlotState(
        slot,
        {n: p for n, p in promotions.items() if n in slot.open},
        requests,
        votes,
        {key: found for key, found in state.facts.items() if key in slot.pending},
    )
    made = scene_of(after, scene.place, scene.roll is not Roll.ONE)
    return Commit(made, mapped=_mapped(state, change))


def _mapped(state: m.SlotState, change: Change) -> bool:
    """Is the promotion pointed at another version number in the target?"""
    before = {n: p.target_version for n, p in state.promotions.items()}
    return any(p.target_version != before.get(p.n, "") for p in change.promotions)
