"""A world and what is decided in it: what the invariants are predicates on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from orchestrator.model import Promotion, SlotState, Verdict
from orchestrator.seen import Split
from orchestrator.world import (
    TAG_LIVE,
    TAG_SLOT,
    Act,
    Action,
    Change,
    Decided,
    EndpointSeen,
    Look,
    Sight,
    TargetSeen,
    Verb,
)
from tests.core.enumeration.axes import Beside, End, Mover, Roll, Scene, Stage, Stopped, Votes
from tests.core.enumeration.figures import CANDIDATE, DIGEST, FROZEN, SLOT, SPLITS, STABLE, STEPS, THIS
from tests.core.enumeration.healths import HEALTHS

Facts = dict[Look, object]
ENDPOINT = Look(Sight.ENDPOINT)
HEALTH = Look(Sight.HEALTH, str(THIS))
INTACT = Look(Sight.FROZEN, str(THIS))


@dataclass
class Moment:
    """`facts` are those that the decision asked for: on nothing else does it rest."""

    scene: Scene
    state: SlotState
    facts: Facts
    decided: Decided

    # ---- the world

    @property
    def stage(self) -> Stage:
        return self.scene.stage

    @property
    def at(self) -> Beside:
        return self.scene.beside

    @property
    def stopped(self) -> bool:
        return self.at.stopped is not Stopped.NO

    @property
    def frozen(self) -> bool:
        """Is it only a freeze that stops what is new?"""
        return self.at.stopped in (Stopped.FREEZING, Stopped.FROZEN)

    @property
    def moves(self) -> bool:
        return self.scene.mover is Mover.THIS

    @property
    def approved(self) -> bool:
        return not self.scene.place.ruled or self.scene.votes is Votes.ENOUGH

    @property
    def recorded(self) -> dict[str, int]:
        """The weights as the slot's record has them."""
        return {STABLE: 100} if self.scene.serves else {}

    @property
    def looked(self) -> bool:
        return ENDPOINT in self.facts

    @cached_property
    def endpoint(self) -> EndpointSeen | None:
        """The endpoint as it was looked at; None: there is none, or nobody looked."""
        found = self.facts.get(ENDPOINT)
        return found if isinstance(found, EndpointSeen) else None

    @cached_property
    def weights(self) -> dict[str, int]:
        return self.endpoint.weights if self.endpoint else {}

    @property
    def split(self) -> Split:
        """Who was seen to get how much, and copies of how much."""
        return self.endpoint.split if self.endpoint else Split({})

    @property
    def planned(self) -> Split:
        """What the approved plan has at the step at which the promotion is."""
        return SPLITS[self.scene.roll]

    @property
    def first_roll(self) -> Roll:
        return STEPS[0] if self.scene.serves else STEPS[-1]

    @property
    def ours(self) -> tuple[Split, ...]:
        """Whatever the promotion may have written so far."""
        if self.stage < Stage.PLANNED:
            return ()
        roll = self.scene.roll
        if roll is Roll.ONE or not self.scene.serves:
            return (SPLITS[roll],)
        return tuple(SPLITS[step] for step in STEPS[: STEPS.index(roll) + 1])

    @property
    def as_before(self) -> bool:
        """Was traffic seen to be as the slot records it?"""
        return self.split == Split(self.recorded)

    @property
    def as_planned(self) -> bool:
        """Were this step's weights seen, with their tag?"""
        if self.endpoint is None:
            return False
        whole = self.scene.roll in (Roll.ONE, Roll.WHOLE)
        tag = self.endpoint.tags.get(TAG_LIVE) == (CANDIDATE if whole else STABLE)
        return self.split == self.planned and tag

    @property
    def health(self) -> object:
        """What was seen of the candidate's health; None: nobody looked."""
        found = self.facts.get(HEALTH)
        return found and next((name for name, seen in HEALTHS.items() if found is seen), None)

    @property
    def mark(self) -> str:
        return self.endpoint.tags.get(TAG_SLOT, "") if self.endpoint else ""

    @property
    def lost_mark(self) -> bool:
        """Is the endpoint there, without our mark?"""
        return self.endpoint is not None and self.mark != SLOT

    @property
    def at_rest(self) -> bool:
        return self.endpoint is not None and self.endpoint.state in ("Succeeded", "Failed", "Canceled")

    def state_of(self, name: str) -> str:
        found = self.endpoint.deployments.get(name) if self.endpoint else None
        return found.state if found else "absent"

    @property
    def registered(self) -> bool:
        """Was the target's version seen to be the frozen copy, with our digest?"""
        if not self.scene.place.later:
            return True
        found = self.facts.get(Look(Sight.TARGET, self.before.target_version))
        return isinstance(found, TargetSeen) and (found.uri, found.digest) == (FROZEN, DIGEST)

    @property
    def intact(self) -> bool:
        """Was the frozen copy seen to be as it was digested?"""
        return self.facts.get(INTACT) is True

    @property
    def runs_what_was_deployed(self) -> bool:
        found = self.endpoint.deployments.get(CANDIDATE) if self.endpoint else None
        return found is not None and found.model == ("titanic", "7")

    # ---- what is decided

    @cached_property
    def action(self) -> Action | None:
        return self.decided.action if isinstance(self.decided, Act) else None

    @cached_property
    def change(self) -> Change | None:
        return self.decided if isinstance(self.decided, Change) else None

    def does(self, *verbs: Verb) -> bool:
        return self.action is not None and self.action.verb in verbs

    @cached_property
    def raises(self) -> bool:
        """Does it give the candidate more traffic than it was seen to have?"""
        if self.action is None or self.action.verb is not Verb.WRITE_TRAFFIC:
            return False
        wanted, had = self.action.split, self.split
        copies = wanted.mirror.get(CANDIDATE, 0) > had.mirror.get(CANDIDATE, 0)
        return copies or wanted.weights.get(CANDIDATE, 0) > had.weights.get(CANDIDATE, 0)

    @property
    def before(self) -> Promotion:
        return self.state.promotions[THIS]

    @cached_property
    def after(self) -> Promotion | None:
        """The promotion as the change leaves it; None: the change is not about it."""
        return next((p for p in self.change.promotions if p.n == THIS), None) if self.change else None

    @cached_property
    def asks(self) -> bool:
        """Does it make a new approval request for the promotion?"""
        return self.after is not None and self.after.asks > self.before.asks

    @cached_property
    def takes_slot(self) -> bool:
        return self.change is not None and self.change.slot.mover == THIS != self.state.slot.mover

    @cached_property
    def verdict(self) -> Verdict | None:
        """The verdict that is reached by this very change."""
        ending = self.after.ending if self.after else None
        return ending.verdict if ending and self.scene.end is End.NONE else None

    @cached_property
    def closes(self) -> bool:
        return self.after is not None and self.after.verdict is not None


Invariant = Callable[[Moment], bool]
