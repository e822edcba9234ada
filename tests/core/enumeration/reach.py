"""The worlds that are reached: from the start, by what we do, the platform does, and people do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

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
    Outcome,
    Owner,
    Probed,
    Replayed,
    Sent,
    Setting,
    Trouble,
    Unseen,
    Verb,
    World,
)
from tests.core.enumeration.axes import (
    Beside,
    Claim,
    End,
    Mover,
    Place,
    Retiring,
    Roll,
    Scene,
    Serves,
    Stage,
    Votes,
)
from tests.core.enumeration.axes_outside import Dep, Health, Kind, Online, Target, Traffic
from tests.core.enumeration.axes_outside import Owner as Named
from tests.core.enumeration.build import setting_of, state_of
from tests.core.enumeration.build_promotion import probe
from tests.core.enumeration.build_rollout import REPLAYED
from tests.core.enumeration.figures import DIGEST, FROZEN, SLOT, THIS
from tests.core.enumeration.moment import Facts, Moment
from tests.core.enumeration.platform import Node, Outside, Trial, effect, fact, moves, refuses, traffic_of
from tests.core.enumeration.read import scene_of
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


def starts(place: Place) -> list[Node]:
    """A promotion has just been opened: where nothing served before; where something does, as it should;
    where what served before that is still warm; with the very bytes that serve; too late.
    """
    return _openings(place)


def canaries(place: Place) -> list[Node]:
    """A candidate has answered its probe, and goes up in steps: beside what serves, and as the first."""
    if place not in (Place.FIRST, Place.LATER_RULED):
        return []
    votes = Votes.ENOUGH if place.ruled else Votes.NOT_ASKED
    over = Scene(place, Stage.PROBED, votes, End.NONE, Mover.THIS, Serves.BLUE, Beside(), Roll.MIRROR)
    blue = Online(Kind.SUCCEEDED, Dep.SUCCEEDED, Dep.SUCCEEDED, traffic=Traffic.STABLE)
    alone = Online(Kind.SUCCEEDED, Dep.SUCCEEDED)
    return [
        Node(over, Outside(blue, owner=Named.US, target=Target.OURS)),
        Node(
            over._replace(serves=Serves.NOTHING, roll=Roll.WHOLE),
            Outside(alone, owner=Named.US, target=Target.OURS),
        ),
    ]


def _openings(place: Place) -> list[Node]:
    stage = Stage.DIGESTED if place.later else Stage.NEW
    blue = Online(Kind.SUCCEEDED, stable=Dep.SUCCEEDED, traffic=Traffic.STABLE)
    new = Scene(place, stage, Votes.NOT_ASKED, End.NONE, Mover.NONE, Serves.NOTHING, Beside())
    over = new._replace(serves=Serves.BLUE)
    soon = over._replace(beside=Beside(retiring=Retiring.WARM))
    return [
        Node(new, Outside(Online(Kind.ABSENT))),
        Node(over, Outside(blue, owner=Named.US)),
        Node(soon, Outside(blue._replace(retired=Dep.SUCCEEDED), owner=Named.US)),
        Node(over._replace(stage=Stage.SAME_BYTES), Outside(blue, owner=Named.US)),
        Node(over._replace(stage=Stage.OVERTAKEN), Outside(blue, owner=Named.US)),
    ]


def decide(node: Node) -> Moment:
    """What is decided here, and on which facts."""
    state, setting = state_of(node.scene), setting_of(node.scene)
    facts: Facts = {}
    world = World()
    while True:
        try:
            return Moment(node.scene, state, facts, core.decide(state, world, setting))
        except Unseen as unseen:
            facts[unseen.look] = fact(node.outside, unseen.look)
            world = world.seen(unseen.look, facts[unseen.look])


def steps(node: Node, moment: Moment, trials: frozenset[Trial]) -> Iterator[After]:
    """Every next world by what was decided: one for a commit, more for a call."""
    decided: Decided = moment.decided
    if isinstance(decided, Change):
        yield committed(node, moment.state, decided, node.outside)
    if isinstance(decided, Act):
        yield from _called(node, moment.state, decided, trials)


def _called(node: Node, state: m.SlotState, act: Act, trials: frozenset[Trial]) -> Iterator[After]:
    action, setting = act.action, setting_of(node.scene)
    if act.promotion is not None:
        state = replace(state, promotions={**state.promotions, act.promotion.n: act.promotion})
    if act.slot is not None:
        state = replace(state, slot=act.slot)
    if refuses(node.outside, action):
        yield settled(node, state, action, BUSY, setting, node.outside)
        return
    done = effect(node.outside, action)
    for outcome in outcomes(action):
        yield settled(node, state, action, outcome, setting, done)
    if Trial.TROUBLE in trials:
        yield settled(node, state, action, BUSY, setting, node.outside)
        yield settled(node, state, action, NO, setting, node.outside)
        yield settled(node, state, action, BUSY, setting, done)
    if Trial.CRASH in trials:
        dead = node._replace(scene=node.scene._replace(beside=node.scene.beside._replace(claim=Claim.DEAD)))
        yield dead
        yield dead._replace(outside=done)
        if action.verb is Verb.WRITE_TRAFFIC:
            yield dead._replace(outside=node.outside._replace(late=traffic_of(action)))


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


def settled(
    node: Node, state: m.SlotState, action: Action, outcome: Outcome, setting: Setting, outside: Outside
) -> After:
    return committed(node, state, settle(state, action, outcome, setting), outside)


def committed(node: Node, state: m.SlotState, change: Change, outside: Outside) -> After:
    """The rows after a commit, as the ledger writes them: claim dropped, ended promotions out of sight."""
    closing = next((p for p in change.promotions if p.n == THIS and p.verdict is not None), None)
    if closing is not None and closing.verdict is not None:
        return Closed(closing.verdict, outside, bool(node.scene.serves))
    if closing is None and _mapped(state, change):
        outside = outside._replace(target=Target.ABSENT)  # the new number is free
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
    scene = scene_of(after, node.scene.place, node.scene.roll is not Roll.ONE)
    if scene.stage not in WATCHES:
        outside = outside._replace(health=Health.WELL)  # it is of a step
    return Node(scene, outside)


def _mapped(state: m.SlotState, change: Change) -> bool:
    """Is the promotion pointed at another version number in the target?"""
    before = {n: p.target_version for n, p in state.promotions.items()}
    return any(p.target_version != before.get(p.n, "") for p in change.promotions)


def reached(waiting: list[Node], trials: frozenset[Trial]) -> Iterator[tuple[Node, Moment, list[After]]]:
    """Every world that is reached, once, with what is decided there and all that may come next."""
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        moment = decide(node)
        after = [*steps(node, moment, trials), *moves(node, trials)]
        yield node, moment, after
        for following in after:
            if isinstance(following, Node) and following not in seen:
                seen.add(following)
                waiting.append(following)
