"""Accept events, votes and commands: validate, commit the fact, send a wake, answer.

Never calls Azure ML. Intake only appends: it takes the slot's next journal numbers and leaves the claim
alone; whoever owns the claim, or its successor, decides what the fact means.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from orchestrator import rows
from orchestrator.alarms import Alarm, raise_alarm
from orchestrator.approval import Decision, RequestState, Vote, VoteOutcome
from orchestrator.deadletters import DeadLetters
from orchestrator.events import Ignored, ModelRegistered, Refused, RunCompleted, parse
from orchestrator.index import COMMIT_WITHIN, OpenIndex
from orchestrator.ledger import Ledger, fresh
from orchestrator.model import Entry, Fact, FactKind, SlotKey
from orchestrator.sources import Sources
from orchestrator.votes import NotAllowed, may_vote, must_say_why, tally
from orchestrator.wakes import Wakes
from shared.clock import Clock
from shared.errors import Busy, Conflict, GreenlightError
from shared.identity import Principal
from shared.names import slot_id
from shared.store import Insert

if TYPE_CHECKING:
    from orchestrator.policy import Policy

T = TypeVar("T")
ATTEMPTS = 12
LONGEST_KEY = 200

log = logging.getLogger("greenlight.intake")


@dataclass(frozen=True)
class Accepted:
    """What became of one event. `kind`: accepted, repeated, ignored or dead-lettered."""

    kind: Literal["accepted", "repeated", "ignored", "dead"]
    why: str


class Intake:
    """The door. Everything that comes in passes here."""

    def __init__(
        self,
        *,
        policy: Policy,
        ledger: Ledger,
        index: OpenIndex,
        sources: Sources,
        dead: DeadLetters,
        wakes: Wakes,
        clock: Clock,
    ) -> None:
        self._policy = policy
        self._ledger = ledger
        self._index = index
        self._sources = sources
        self._dead = dead
        self._wakes = wakes
        self._clock = clock

    # ---- events

    def event(self, payload: object) -> Accepted:
        """One Event Grid or CloudEvents event. Raises only retryable errors: everything else is kept."""
        accepted = self.event_again(payload)
        if accepted.kind == "dead":
            self._dead.add("event", accepted.why, payload, self._clock.now())
        return accepted

    def event_again(self, payload: object) -> Accepted:
        """The same for one that is kept already."""
        match parse(payload):
            case Ignored() as ignored:
                return Accepted("ignored", ignored.why)
            case Refused() as refused:
                return Accepted("dead", refused.why)
            case ModelRegistered() as event:
                return self._registered(event)
            case RunCompleted() as event:
                return self._completed(event)

    def _registered(self, event: ModelRegistered) -> Accepted:
        env = self._policy.source.name
        if (elsewhere := self._elsewhere(event.workspace)) is not None:
            return elsewhere
        if not self._policy.covers(event.model):
            return Accepted("ignored", f"no entry under models matches {event.model}")
        now = self._clock.now()
        fact = Fact(
            key=_short(f"event {event.id}"),  # what comes from outside cannot take a command's key
            kind=FactKind.REGISTERED,
            model=event.model,
            env=env,
            version=event.version,
            at=event.at,
            accepted_at=now,
            by=f"event {event.id}",
        )
        try:
            return self.fact(fact)
        except rows.Unreadable as error:  # sent again it would fail again; kept, it can be replayed
            return Accepted("dead", f"{event.model}@{env}: {error}. {error.fix}")

    def _elsewhere(self, place: str) -> Accepted | None:
        """What becomes of a registration that is not in the source; None: it is."""
        env, registry = self._policy.environment_of(place), self._policy.registry
        if registry and place.lower() == registry.lower():
            return None
        if not env:
            what = "registry" if place.startswith("azureml:") else "workspace"
            return Accepted("dead", f"{what} {place} is not in greenlight.yaml")
        if env != self._policy.source.name:
            return Accepted("ignored", f"{env} is not the first environment: its registrations are ours")
        # A workspace where people train registers much that nobody means to promote: that is no dead letter.
        return (
            Accepted("ignored", f"registrations come from {registry}, not from {env}") if registry else None
        )

    def _completed(self, event: RunCompleted) -> Accepted:
        env = self._policy.environment_of(event.workspace)
        if not env:
            return Accepted("dead", f"workspace {event.workspace} is not in greenlight.yaml")
        if env != self._policy.source.name:
            return Accepted("ignored", f"{env} is not the first environment: its runs decide nothing")
        self._index.touch(Sources.name(env), self._clock.now())
        new = self._sources.add_run(env, event.run_id, event.at)
        self._wake(Sources.name(env))
        return Accepted("accepted" if new else "repeated", f"run {event.run_id}")

    def fact(self, fact: Fact) -> Accepted:
        """Insert a fact if it is not there, in the slot's own transaction, then wake the slot."""
        key = SlotKey(fact.model, fact.env)

        def attempt() -> Accepted | None:
            loaded = self._ledger.slot_row(key) or fresh(key)
            slot = replace(loaded.state.slot, pending=(*loaded.state.slot.pending, fact.key))
            entry = _entry_of(fact)
            row = Insert(rows.fact_key(fact.key), rows.columns(fact))
            try:
                self._ledger.append(loaded, slot, [row], [entry])
            except Conflict:
                return Accepted("repeated", fact.key) if self._ledger.fact(key, fact.key) else None
            return Accepted("accepted", f"{key}: {fact.key}")

        answer = self._commit(key, attempt)
        self._wake(slot_id(*key))
        return answer

    # ---- votes

    def vote(
        self,
        key: SlotKey,
        n: int,
        k: int,
        *,
        principal: Principal,
        decision: Decision,
        comment: str,
        hash: str,  # noqa: A002 -- the approval hash, as everywhere
        channel: str,
        message: str = "",
        proof: str = "",
    ) -> VoteOutcome:
        """Commit one vote inside the request that brings it. Raises only retryable errors.

        `message` and `proof`: of a signed message, its id and the key.
        """
        vote = Vote(
            n=n, k=k, approver=principal.id, name=principal.name, entries=(), decision=decision,
            comment=comment, at=self._clock.now(), channel=channel, hash=hash, order=0,
            message=message, proof=proof,
        )  # fmt: skip

        def attempt() -> VoteOutcome | None:
            try:
                return self._cast(key, vote, principal)
            except Conflict:
                return None

        answer = self._commit(key, attempt)
        if answer.kind == "recorded":
            self._wake(slot_id(*key))
        if answer.kind == "not_allowed":
            raise_alarm(Alarm.VOTE_REFUSED, f"{key} #{n}: somebody who may not decide")
        return answer

    def _cast(self, key: SlotKey, vote: Vote, principal: Principal) -> VoteOutcome:
        loaded = self._ledger.load(key)
        promotion = loaded.state.promotions.get(vote.n) if loaded else None
        request = loaded.state.requests.get(vote.n) if loaded else None
        if loaded is None or promotion is None or promotion.ending or request is None or request.k != vote.k:
            closed = VoteOutcome("closed", "this request is no longer open", RequestState.CLOSED)
            return _again(self._ledger.votes(key, vote.n, vote.k), vote, RequestState.CLOSED) or closed
        author = promotion.registration.author
        votes = loaded.state.votes.get(vote.n, ())
        tallied = tally(request, votes, vote.at, author=author)
        entries = may_vote(
            request.rule,
            person=vote.approver,
            groups=principal.groups,
            roles=principal.roles,
            author=author,
            groups_known=principal.groups_known,
        )
        if isinstance(entries, NotAllowed):
            return VoteOutcome("not_allowed", entries.why, tallied)
        again = _again(votes, vote, tallied)
        if again is not None:
            return again
        if vote.message and any(v.message == vote.message and v.channel == vote.channel for v in votes):
            return VoteOutcome("conflict", "this message id has brought another vote before", tallied)
        if tallied is not RequestState.OPEN:
            return VoteOutcome("closed", f"this request is already {tallied}", tallied)
        if vote.hash != request.hash:
            return VoteOutcome("changed", "what you saw has changed; look again", tallied)
        missing = "" if vote.comment.strip() else must_say_why(request, vote.decision)
        if missing:
            return VoteOutcome("needs_comment", missing, tallied)
        slot = loaded.state.slot
        vote = replace(vote, entries=entries, order=slot.seq + 1)
        why = vote.comment or f"request {vote.k}"
        entry = Entry(
            what=f"vote.{vote.decision}", why=why, by=vote.approver, at=vote.at, n=vote.n, after=_how(vote)
        )
        row = Insert(rows.vote_key(vote.n, vote.k, vote.approver), rows.columns(vote))
        self._ledger.append(loaded, slot, [row], [entry])
        after = tally(request, (*votes, vote), vote.at, author=author)
        return VoteOutcome("recorded", f"your answer is recorded: {vote.decision}", after)

    # ---- the one way in

    def _commit(self, key: SlotKey, attempt: Callable[[], T | None]) -> T:
        """Stamp the index, then commit within COMMIT_WITHIN of the stamp; None means a lost race: again."""
        for _ in range(ATTEMPTS):
            stamped = self._clock.now()
            self._index.touch(slot_id(*key), stamped)
            answer = attempt()
            if answer is not None and self._clock.now() - stamped <= COMMIT_WITHIN:
                return answer
        raise Busy(f"slot {key} is busy: {ATTEMPTS} commits lost against other writers")

    def _wake(self, name: str) -> None:
        """Only a hint: what was accepted is in the open index, so the sweep makes up for a lost one."""
        try:
            self._wakes.named(name)
        except GreenlightError as error:
            log.warning("%s: no wake was queued: %s", name, error)


def _again(votes: Iterable[Vote], vote: Vote, state: RequestState) -> VoteOutcome | None:
    """Whoever answers again is told what they said, also after the end; None: it is their first answer."""
    earlier = next((v for v in votes if v.approver == vote.approver), None)
    if earlier is None:
        return None
    said = f"you answered {earlier.decision} at {earlier.at:%Y-%m-%d %H:%M} UTC"
    return VoteOutcome("repeated" if earlier.decision is vote.decision else "conflict", said, state)


def _how(vote: Vote) -> str:
    return f"{vote.channel}, message {vote.message}, key {vote.proof}" if vote.message else vote.channel


def _entry_of(fact: Fact) -> Entry:
    if fact.kind is FactKind.COMMANDED:
        why = f"{fact.detail.get('command')}: {fact.detail.get('reason') or 'no reason was given'}"
        n = int(fact.detail.get("n") or 0) or None
        return Entry(what="fact.commanded", why=why, by=fact.by, at=fact.accepted_at, n=n)
    why = f"version {fact.version}, {fact.by}"
    return Entry(what=f"fact.{fact.kind}", why=why, by="intake", at=fact.accepted_at)


def _short(key: str) -> str:
    return key if len(key) <= LONGEST_KEY else f"sha256-{hashlib.sha256(key.encode()).hexdigest()}"
