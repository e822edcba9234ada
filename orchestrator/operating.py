"""The door for operators: who may, is it possible at all, then a fact like any other. The engine obeys it.

Nothing is decided here and nothing outside is called. What is accepted is answered at once; what became of
it is in the slot's journal and explanation.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from orchestrator.bound import asked_by
from orchestrator.channels import NEVER
from orchestrator.commands import (
    NEEDS_REASON,
    OF_ASKER,
    OF_NO_SLOT_YET,
    OF_PROMOTION,
    Command,
    Order,
    may_operate,
)
from orchestrator.control import Control, ControlRow
from orchestrator.deadletters import DeadLetter, DeadLetters
from orchestrator.foreign import moving
from orchestrator.intake import Accepted, Intake
from orchestrator.ledger import Ledger
from orchestrator.model import Fact, FactKind, Promotion, SlotKey, SlotState
from orchestrator.obeying import refuse_withdrawal
from orchestrator.opening import offer_detail
from orchestrator.reminding import refuse_extension
from orchestrator.spoken import reason_of, version_of
from orchestrator.votes import tally
from orchestrator.wakes import Wakes, read_wake
from shared.clock import Clock
from shared.errors import Invalid, NotFound
from shared.identity import Principal
from shared.names import promotion_id, slot_id
from shared.untrusted import visible

if TYPE_CHECKING:
    from orchestrator.policy import EnvironmentPolicy, Policy

ToldKind = Literal["accepted", "repeated", "done", "not_allowed", "closed"]


@dataclass(frozen=True)
class Told:
    """What an operator is answered. accepted: the engine does it · done: it holds already."""

    kind: ToldKind
    message: str


class Operating:
    """Commands of signed-in operators. Raises NotFound, Invalid and retryable errors."""

    def __init__(
        self,
        *,
        policy: Policy,
        ledger: Ledger,
        intake: Intake,
        control: ControlRow,
        dead: DeadLetters,
        wakes: Wakes,
        clock: Clock,
    ) -> None:
        self._policy = policy
        self._ledger = ledger
        self._intake = intake
        self._control = control
        self._dead = dead
        self._wakes = wakes
        self._clock = clock

    # ---- promotions and slots

    def promotion(self, command: Command, key: SlotKey, n: int, *, by: Principal, reason: str) -> Told:
        """A command to one promotion. Saying it twice is saying it once."""
        loaded, p = self._ledger.load(key), self._ledger.promotion(key, n)
        refused = self._refused(key.env, by)
        if refused and not (p is not None and command in OF_ASKER and asked_by(p, by.id)):
            return refused
        if loaded is None or p is None or command not in OF_PROMOTION:
            raise NotFound("there is no such promotion")
        why_not = _why_not(command, p, loaded.state, self._clock.now())
        fact_key = f"{command} {_id(p)}"
        if command is Command.EXTEND:
            request = loaded.state.requests.get(n)  # one fact for each life, however often it is said
            fact_key += f" {request.k}.{request.extensions}" if request else ""
        if why_not and not self._ledger.fact(key, fact_key):
            return Told("closed", why_not)
        carried: dict[str, object] = {}
        if command is Command.RETRY:
            carried = offer_detail(p, p.registration.workspace, p.registration.uri)
        order = self._order(command, by, reason, n)
        return self._give(key, fact_key, order, loaded.state, p.registration.version, carried)

    def slot(
        self,
        command: Command,
        key: SlotKey,
        *,
        by: Principal,
        reason: str,
        request: str = "",
        version: str = "",
        confirm: str = "",
    ) -> Told:
        """A command to a slot. `request` makes a repeated call the same command; `version` is for `promote`;
        `confirm` for `retire`: the slot's name, typed again."""
        refused = self._refused(key.env, by)
        if refused:
            return refused
        if command in OF_PROMOTION or self._policy.slot(*key) is None:
            raise NotFound(f"there is no slot {key}: {self._why_none(key)}")
        loaded = self._ledger.load(key)
        if loaded is None and command not in OF_NO_SLOT_YET:
            raise NotFound(f"there is no slot {key}: nothing has happened there yet")
        order = self._order(command, by, reason, 0)
        wanted = version_of(version, needed=command is Command.PROMOTE)
        fact_key = f"{command} {request or uuid.uuid4().hex}"
        if command is Command.RETIRE and confirm not in (str(key), slot_id(*key)):
            raise Invalid(f"confirm: type the slot's name, {key}; its endpoint is deleted with what serves")
        why_not = moving(loaded.state.slot) if loaded and command is Command.RETIRE else ""
        if why_not and not self._ledger.fact(key, fact_key):
            return Told("closed", why_not)
        return self._give(key, fact_key, order, loaded.state if loaded else None, wanted, {})

    def _why_none(self, key: SlotKey) -> str:
        if key.env not in self._policy.environments:
            return f"greenlight.yaml has the environments {', '.join(self._policy.environments)}"
        return f"no entry under models in greenlight.yaml matches {visible(key.model, 80)}"

    def _order(self, command: Command, by: Principal, reason: str, n: int) -> Order:
        said = reason_of(reason, needed=command in NEEDS_REASON)
        return Order(command=command, by=by.id, name=visible(by.name, 80), reason=said, n=n)

    def _give(
        self,
        key: SlotKey,
        fact_key: str,
        order: Order,
        state: SlotState | None,
        version: str,
        carried: dict[str, object],
    ) -> Told:
        now = self._clock.now()
        accepted = self._intake.fact(
            Fact(
                key=fact_key,
                kind=FactKind.COMMANDED,
                model=key.model,
                env=key.env,
                version=version,
                at=now,
                accepted_at=now,
                by=order.by,
                detail=order.detail() | carried,
            )
        )
        if accepted.kind == "repeated":
            return Told("repeated", f"{order.command} was accepted before; see the journal of {key}")
        return Told("accepted", f"{order.command} is accepted: {self._when(state)}")

    def _when(self, state: SlotState | None) -> str:
        claim = state.slot.claim if state else None
        if claim is not None and claim.until > self._clock.now():
            return (
                f"effective after what is under way ({claim.action}), by {claim.until:%H:%M:%S} UTC at most"
            )
        mover = state.promotions.get(state.slot.mover) if state and state.slot.mover is not None else None
        if mover is not None and mover.wrote_at is not None and mover.ending is None:
            return f"effective after the traffic write of promotion #{mover.n} is observed"
        return "effective at the next look, in seconds"

    # ---- everything

    def paused(self) -> Control | None:
        """The pause as it is, or as it last was."""
        return self._control.now()

    def pause(self, *, by: Principal, reason: str) -> Told:
        """Nothing new moves anywhere. Whoever operates any environment may."""
        if not self.is_operator(by):
            return _not_allowed("any environment", by)
        said = reason_of(reason, needed=True)
        self._write(said, by)
        return Told("done", f"everything is paused: {said}; what undoes or tidies goes on")

    def resume_all(self, *, by: Principal, reason: str) -> Told:
        """Ends the pause. It takes an operator of every environment that has operators."""
        with_operators = [env for env in self._policy.file.environments if env.operators]
        if not with_operators or not all(self._operates(env, by) for env in with_operators):
            return _not_allowed("every environment", by)
        control = self._control.now()
        if control is None or not control.paused:
            return Told("done", "nothing was paused")
        self._write("", by)
        return Told("done", f"it was paused: {control.sentence}; slots go on within minutes")

    def _write(self, reason: str, by: Principal) -> None:
        now = self._clock.now()
        self._control.write(Control(paused=reason, by=by.id, name=visible(by.name, 80), at=now))

    def refused_plan(self, by: Principal) -> Told | None:
        """Why this person may not see what another greenlight.yaml would do; None: an operator may."""
        return None if self.is_operator(by) else _not_allowed("any environment", by)

    # ---- dead letters

    def replay(self, letter_id: str, *, by: Principal) -> Told:
        """Send a letter through the door it came to. Harmless: what counted before counts once."""
        if not self.is_operator(by):
            return _not_allowed("any environment", by)
        letter = self._dead.get(letter_id)
        if letter is None:
            raise NotFound("there is no such dead letter")
        try:
            told = self._again(letter)
        except (Invalid, ValueError) as error:
            return Told("closed", f"still not understood: {visible(error, 300)}")
        if told.kind != "closed":
            self._dead.mark_replayed(letter, self._clock.now())
        return told

    def _again(self, letter: DeadLetter) -> Told:
        match letter.source.removesuffix("-poison"):
            case "event" | "eventgrid":
                return _event_told(self._intake.event_again(json.loads(letter.payload)))
            case "approval-decisions":
                return Told("closed", NEVER)
            case "wakes":
                name = read_wake(letter.payload).name
                self._wakes.named(name)
                return Told("accepted", f"{name} is looked at again")
            case other:
                return Told("closed", f"nothing is known that takes a letter from {visible(other, 40)}")

    # ---- who may

    def is_operator(self, by: Principal) -> bool:
        """Of any environment."""
        return any(self._operates(env, by) for env in self._policy.file.environments)

    def _refused(self, env: str, by: Principal) -> Told | None:
        policy = next((e for e in self._policy.file.environments if e.name == env), None)
        return None if policy is not None and self._operates(policy, by) else _not_allowed(env, by)

    def _operates(self, env: EnvironmentPolicy, by: Principal) -> bool:
        named = [entry.value() for entry in env.operators]
        return may_operate(named, person=by.id, groups=by.groups, roles=by.roles)


def _not_allowed(where: str, by: Principal) -> Told:
    hint = "" if by.groups_known else "; your sign-in carries too many groups to list them"
    return Told("not_allowed", f"you are not among the operators of {where} in greenlight.yaml{hint}")


def _why_not(command: Command, p: Promotion, state: SlotState, now: datetime) -> str:
    """Why a promotion takes this command no more; empty: it does, as far as the door can see."""
    if command is Command.RETRY:
        return _not_retriable(p)
    if not p.open:
        return f"it has ended already: {p.verdict}"
    if command is Command.WITHDRAW:
        return refuse_withdrawal(state, p)
    if command is not Command.EXTEND:
        return ""
    request, votes = state.requests.get(p.n), state.votes.get(p.n, ())
    tallied = tally(request, votes, now, author=p.registration.author) if request else None
    return refuse_extension(request, tallied)


def _not_retriable(p: Promotion) -> str:
    if p.open:
        return "it is still open: abort it first, or wait for its end"
    return "an adoption is not retried: adopt again" if p.adoption else ""


def _event_told(accepted: Accepted) -> Told:
    match accepted.kind:
        case "accepted" | "repeated":
            return Told(accepted.kind, accepted.why)
        case "ignored":
            return Told("done", f"nothing to do: {accepted.why}")
        case "dead":
            return Told("closed", f"still not understood: {accepted.why}")


def _id(p: Promotion) -> str:
    return promotion_id(p.model, p.env, p.registration.version, p.n)
