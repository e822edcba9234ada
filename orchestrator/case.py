"""One promotion under consideration, and the shape of a goal: what goals.py and closing.py share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator.bound import plan_of
from orchestrator.model import Ending, Entry, Phase, Promotion, Reason, SlotState, Verdict
from orchestrator.plan import RolloutPlan
from orchestrator.seen import Split
from orchestrator.traffic import foreign
from orchestrator.world import Act, Action, Change, EndpointSeen, Setting, Verb, Wait, World

POLL_TRAFFIC = 2.0
POLL_TURN = 60.0
"""Of the time that something takes, by how much looking less often may lengthen it."""
POLL_STUCK = 300.0
POLL_HELD = 300.0
POLL_FROZEN = 3600.0
"""A freeze ends when it ends; the policy may be changed meanwhile."""
READ_BACK = 60.0
"""Seconds after a traffic write within which a different read is believed to be stale."""

LONG = (Verb.CREATE_ENDPOINT, Verb.DEPLOY, Verb.WRITE_TRAFFIC)
"""The platform takes its time for these; since when is remembered, so that nothing is waited for for ever."""

Step = Change | Act | Wait


@dataclass(frozen=True)
class Case:
    """One promotion and everything that may be considered for its next step."""

    state: SlotState
    p: Promotion
    world: World
    setting: Setting

    def finish(self, verdict: Verdict, reason: Reason, sentence: str, actor: str = "greenlight") -> Change:
        """Reach a verdict. The promotion stays open until the clean-up goals hold."""
        ending = Ending(verdict=verdict, reason=reason, sentence=sentence, actor=actor, at=self.setting.now)
        return self.record(
            replace(self.p, ending=ending), f"verdict.{verdict.value.lower()}", sentence, by=actor
        )

    def record(self, p: Promotion, what: str, why: str, *, by: str = "greenlight") -> Change:
        entry = Entry(what=what, why=why, by=by, at=self.setting.now, n=p.n)
        return Change(slot=self.state.slot, promotions=(p,), entries=(entry,))

    def act(self, verb: Verb, *, deployment: str = "", split: Split | None = None) -> Act:
        split = split or Split({})
        action = Action(
            verb=verb, n=self.p.n, deployment=deployment, weights=split.weights, mirror=dict(split.mirror)
        )
        if verb not in LONG:
            return Act(action)
        asked = {str(verb): self.setting.now, **self.p.asked}  # with the claim: no worker's death loses it
        return Act(action, replace(self.p, asked=asked))

    def wait(self, seconds: float, why: str) -> Wait:
        """Look again in `seconds`, and less often the longer nothing has happened: at most a minute apart."""
        return Wait(self.setting.again(seconds, self.p.updated_at), why)

    def stuck(self, why: str) -> Change | Wait:
        """Nothing that automation may do helps: said once, where everybody sees it, then waited for."""
        sentence = f"{why}: a person must decide"
        if self.p.trouble != sentence:
            return self.record(replace(self.p, trouble=sentence), "person.needed", why)
        return Wait(self.setting.after(POLL_STUCK), sentence, person=True)

    def sickened(self, sentence: str) -> Change | Wait:
        """The candidate must not serve: back to stable. Without one, a person is asked what is worse."""
        if self.state.slot.serving is None:
            return self.stuck(f"{sentence}, and nothing served before to go back to")
        return self.finish(Verdict.ROLLED_BACK, Reason.UNHEALTHY, sentence)

    def overdue(self, verb: Verb, seconds: float) -> bool:
        """Was the platform asked for this so long ago that it will not come any more?"""
        asked = self.p.asked.get(verb)
        return asked is not None and not self.within(asked, seconds)

    def within(self, moment: datetime | None, seconds: float) -> bool:
        """Is `moment` less than `seconds` (of written policy) ago?"""
        return (
            moment is not None and (self.setting.now - moment).total_seconds() < seconds / self.setting.pace
        )

    @property
    def held(self) -> str:
        """Why nothing new may move in this slot; empty: it may. What undoes or tidies goes on."""
        slot, back = self.state.slot, self.p.rollback is not None
        if self.setting.paused and not back:
            return f"everything is paused: {self.setting.paused}"
        if slot.hold and not back:
            return f"the slot is held: {slot.hold}"
        if slot.rollback is not None or slot.retirement is not None:
            return f"the slot is being {'rolled back' if slot.rollback else 'retired'}"
        return f"changed by hand: {slot.foreign.sentence}" if slot.foreign else ""

    def stopped(self) -> Change | Wait | None:
        """Nothing new may move in this slot now: a wait, or what journals it. None: it may."""
        return self.wait(POLL_HELD, self.held) if self.held else self.frozen()

    def frozen(self) -> Change | Wait | None:
        """The same for policy's freeze, which the slot says before it waits for its end."""
        freeze, slot = self.setting.freeze, self.state.slot
        if freeze is None or self.p.rollback is not None:
            return None
        sentence = f"freeze {freeze.name!r} until {freeze.until:%Y-%m-%d %H:%M} UTC"
        if slot.freeze == freeze:
            return Wait(min(freeze.until, self.setting.now + timedelta(seconds=POLL_FROZEN)), sentence)
        change = self.record(self.p, "slot.frozen", sentence)
        return replace(change, slot=replace(slot, freeze=freeze))

    @property
    def plan(self) -> RolloutPlan:
        """The rollout as it was approved."""
        return plan_of(self.state, self.p.n, self.setting.policy)

    @property
    def slot_id(self) -> str:
        return str(self.state.slot.key)

    def newer(self, other: Promotion) -> bool:
        """Was what `other` brings registered later? A retry of an old version is not newer."""
        mine, theirs = self.p.registration.order, other.registration.order
        return (theirs, other.n) > (mine, self.p.n)

    def foreign(self, endpoint: EndpointSeen) -> str:
        """Why the endpoint must not be touched; empty: it carries our mark."""
        return foreign(endpoint, self.state.slot)


@dataclass(frozen=True)
class Goal:
    """One row. `reason` is what ends the promotion when the service refuses this goal's action for good."""

    name: str
    phase: Phase
    applies: Callable[[Case], bool]
    holds: Callable[[Case], bool]
    pursue: Callable[[Case], Step]
    reason: Reason
