"""The door for votes on the queue: proven, then cast like any other; what is refused is kept, and stays out.

A right on the queue alone never votes. A dead letter holds no signature, so nothing votes from there.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from orchestrator.alarms import Alarm, raise_alarm
from orchestrator.approval import Decision, VoteOutcome
from orchestrator.deadletters import DeadLetter, DeadLetters
from orchestrator.intake import Intake
from orchestrator.model import SlotKey
from shared.channel_tokens import MAX_COMMENT
from shared.clock import Clock
from shared.errors import GreenlightError, Invalid, Retryable
from shared.identity import Principal
from shared.names import parse_promotion_id
from shared.queues import APPROVAL_DECISIONS, QueuePort
from shared.untrusted import visible_lines

if TYPE_CHECKING:
    from orchestrator.channel_policy import ChannelPolicy
    from orchestrator.messages import Proven  # the module is loaded with the first message

AGAIN: Final = timedelta(minutes=10)
"""How long a vote that failed every try (an outage, say) rests before it is tried again."""
PATIENCE: Final = timedelta(minutes=5)
"""How long the host's own tries are enough."""
GIVE_UP: Final = timedelta(days=7)
NEVER: Final = (
    "a vote is never replayed from dead letters, which keep no signature: whoever voted sends it again "
    "through the channel, or answers on the review page"
)

log = logging.getLogger("greenlight.channels")


class Channels:
    """Raises only retryable errors: everything else is kept with its reason."""

    def __init__(
        self,
        *,
        registered: Sequence[ChannelPolicy],
        intake: Intake,
        dead: DeadLetters,
        queues: QueuePort,
        clock: Clock,
        parking_key: bytes,
    ) -> None:
        self._registered = registered
        self._intake = intake
        self._dead = dead
        self._queues = queues
        self._clock = clock
        self._parking_key = parking_key

    def take(self, text: str, came: datetime | None = None) -> VoteOutcome | None:
        """One message. `came`: when it reached the queue; without it, now. None: no vote, or not yet.

        The poison queue's time is later, so what has waited long goes back before it fails for good.
        """
        vote = self._proven(text, came)
        if vote is None:
            return None
        try:
            outcome = self._cast(vote)
        except Retryable:
            if self._clock.now() - vote.came < PATIENCE:
                raise
            self._put_back(text, vote)
            return None
        except Invalid as error:  # a promotion id that cannot be one, say
            self._refuse(text, "claims", f"{_from(vote)}, but {error}")
            return None
        if outcome.kind not in ("recorded", "repeated"):
            self._refuse(text, outcome.kind, f"{_from(vote)}, but {outcome.message}")
        log.info("vote from channel %s: %s", vote.channel.name, outcome.kind)
        return outcome

    def park(self, text: str, came: datetime | None = None) -> None:
        """A message that failed every time it was tried. What is authentic goes back, until it counts."""
        vote = self._proven(text, came)
        if vote is not None:
            self._put_back(text, vote)

    def _put_back(self, text: str, vote: Proven) -> None:
        from orchestrator.messages import parked

        now = self._clock.now()
        if now - vote.came > GIVE_UP:
            self._refuse(text, "gave_up", f"{_from(vote)}, but it failed for {GIVE_UP.days} days")
            return
        back = parked(vote, self._parking_key)
        self._queues.send(APPROVAL_DECISIONS, back, delay=AGAIN.total_seconds())
        self._tell_parked(text, vote)

    def _tell_parked(self, text: str, vote: Proven) -> None:
        """For operators. It went back already, so a table that is down must not send it back twice."""
        why = f"parked: {_from(vote)}, could not be counted yet; it is tried again by itself"
        try:
            letter = self._keep(text, why)
            self._dead.mark_replayed(letter, self._clock.now())
        except GreenlightError as error:
            log.warning("a vote is parked; no dead letter tells: %s", error)

    def _proven(self, text: str, came: datetime | None) -> Proven | None:
        from orchestrator.messages import NotProven, proven

        now = self._clock.now()
        try:
            return proven(text, self._registered, came=came or now, now=now, parking_key=self._parking_key)
        except NotProven as error:
            self._refuse(text, error.code, str(error))
            return None

    def _cast(self, vote: Proven) -> VoteOutcome:
        said = vote.claims
        model, env, _, n = parse_promotion_id(said.promotion)
        tenant, _, oid = vote.voter.id.partition("/")
        name = vote.channel.name
        return self._intake.vote(
            SlotKey(model, env),
            n,
            said.number,
            principal=Principal(tenant=tenant, oid=oid, name=vote.voter.name, channel=name),
            decision=Decision(said.decision),
            comment=visible_lines(said.comment, MAX_COMMENT),
            hash=said.hash,
            channel=name,
            message=said.jti,
            proof=vote.key,
        )

    def _refuse(self, text: str, code: str, why: str) -> None:
        self._keep(text, f"{code}: {why}")
        if code != "not_allowed":  # intake has said so
            raise_alarm(Alarm.VOTE_REFUSED, f"a message on {APPROVAL_DECISIONS}: {code}")

    def _keep(self, text: str, reason: str) -> DeadLetter:
        from orchestrator.messages import shown

        return self._dead.add(APPROVAL_DECISIONS, reason, shown(text), self._clock.now(), replayable=False)


def _from(vote: Proven) -> str:
    return f"authentic, from {vote.channel.name} for {vote.voter.name}"
