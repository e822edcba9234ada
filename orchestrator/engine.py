"""The shell around `decide`: load, observe, decide, claim, act, commit, schedule.

One wake does at most MAX_ACTIONS outside calls, one at a time, each under a claim that was committed before
it. A lost race at a result's commit re-applies the *result* to what is there now; the call is never repeated.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.actions import Actions
from orchestrator.decide import decide
from orchestrator.freezing import frozen
from orchestrator.index import LONGEST_WAKE, OpenIndex, OpenRow
from orchestrator.ledger import Ledger, Loaded
from orchestrator.model import Claim, SlotKey
from orchestrator.observe import observe
from orchestrator.outcomes import settle
from orchestrator.outside import Outside, trouble_of
from orchestrator.personal import personal_channels
from orchestrator.rows import CorruptRow, NewerSchema
from orchestrator.troubles import baffled, stumble
from orchestrator.wakes import Wakes
from orchestrator.world import Act, Action, Change, Outcome, Rest, Setting, Trouble, Unseen, Wait, World
from shared.clock import Clock
from shared.errors import Conflict, GreenlightError, Unavailable
from shared.names import slot_id

if TYPE_CHECKING:
    from orchestrator.policy import SlotPolicy

MAX_ACTIONS = 5
MAX_STEPS = 60
"""Decisions in one wake: far above what any goal needs. Many promotions at once may need more: the next wake
goes on from what this one has written.
"""
MOST_STAGED = 40
"""Entries and rows decided and not yet written: a transaction takes 100 writes."""
LOOK_AGAIN = timedelta(seconds=10)

log = logging.getLogger("greenlight.engine")


@dataclass(frozen=True)
class Pacing:
    """Lease, worker identity and speed of waits."""

    claim_for: timedelta
    pace: float
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Handles wakes."""

    outside: Outside
    ledger: Ledger
    index: OpenIndex
    wakes: Wakes
    actions: Actions
    clock: Clock
    pacing: Pacing

    def wake(self, key: SlotKey, *, low: int = 0) -> None:
        """Look at one slot and bring it one or a few steps further. Raises only retryable errors."""
        policy = self.outside.policy.slot(*key)
        try:
            loaded = self.ledger.load(key, low=low)
        except (NewerSchema, CorruptRow):
            log.exception("%s: left alone", key)
            return
        if loaded is None or policy is None:
            log.warning(
                "%s: %s", key, "no such slot" if loaded is None else "greenlight.yaml no longer covers it"
            )
            return
        row, paused = self.index.look(slot_id(*key))
        _Visit(self, key, policy, loaded, row, paused).run()

    def setting(self, policy: SlotPolicy, paused: str) -> Setting:
        pacing, now = self.pacing, self.clock.now()
        return Setting(
            policy=policy,
            now=now,
            pace=pacing.pace,
            channels=(*pacing.channels, *personal_channels(policy.env)),
            paused=paused,
            prices=self.outside.policy.prices,
            freeze=frozen(policy.env.freeze, now),
        )


class _Visit:
    """One wake of one slot."""

    def __init__(
        self,
        engine: Engine,
        key: SlotKey,
        policy: SlotPolicy,
        loaded: Loaded,
        row: OpenRow | None,
        paused: str,
    ) -> None:
        self.engine = engine
        self.key = key
        self.policy = policy
        self.loaded = loaded
        self.row = row
        self.paused = paused
        self.world = World()
        self.acted = 0
        self.worker = uuid.uuid4().hex[:12]

    def run(self) -> None:
        for _ in range(MAX_STEPS):
            until = self._step()
            if until is not None and self._flush():
                return self._schedule(until)
        log.warning("%s: %d decisions in one wake and no rest: more in the next", self.key, MAX_STEPS)
        self._flush()  # or the next wake would make the same decisions again, and none would ever be written
        return self._schedule(self.engine.clock.now() + LOOK_AGAIN)

    def _step(self) -> datetime | None:
        """One decision carried out; a time when the visit is over (the far past: nothing is left to do)."""
        setting = self.engine.setting(self.policy, self.paused)
        try:
            decided = decide(self.loaded.state, self.world, setting)
        except Unseen as unseen:
            return self._look(unseen, setting)
        match decided:
            case Change():
                return self._commit(decided, setting)
            case Act():
                return self._act(decided, setting)
            case Wait():
                return decided.until
            case Rest():
                return _NOTHING

    def _look(self, unseen: Unseen, setting: Setting) -> datetime | None:
        try:
            fact = observe(
                self.engine.outside, self.loaded.state, self.policy, unseen.look, self.engine.clock.now()
            )
        except GreenlightError as error:
            log.warning("%s: looking at %s: %s", self.key, unseen, error)
            what, trouble = f"look.{unseen.look.sight}", trouble_of(error)
            state = self.loaded.state
            if unseen.n is None:
                return self._commit(baffled(state, what, trouble, setting, unseen.look), setting)
            return self._commit(stumble(state, unseen.n, what, trouble, setting), setting)
        self.world = self.world.seen(unseen.look, fact)
        return None

    def _commit(self, change: Change, setting: Setting) -> datetime | None:
        """Take a decision without outside effect: it is written with the next claim, or before resting."""
        self.loaded = self.engine.ledger.stage(self.loaded, change, now=setting.now)
        if change.registrations and self._flush():  # what was new is known from now on
            self.world = self.world.without_outside()
        if (
            sum(len(c.entries) + len(c.promotions) + len(c.requests) for c in self.loaded.staged)
            > MOST_STAGED
        ):
            self._flush()
        return None

    def _flush(self) -> bool:
        """Write what was decided. False: another writer was faster, and everything is decided again."""
        if not self.loaded.staged:
            return True
        return self._write(Change(slot=self.loaded.state.slot))

    def _write(self, change: Change, claim: Claim | None = None) -> bool:
        entries = [e for each in (*self.loaded.staged, change) for e in each.entries]
        try:
            self.loaded = self.engine.ledger.commit(
                self.loaded, change, now=self.engine.clock.now(), claim=claim
            )
        except Conflict:
            self._reload()
            return False
        for entry in entries:
            log.info("%s #%s %s: %s", self.key, entry.n or "-", entry.what, entry.why)
        return True

    def _act(self, act: Act, setting: Setting) -> datetime | None:
        if self.acted >= MAX_ACTIONS:
            return setting.now
        self.acted += 1
        claim = Claim(
            action=str(act.action), worker=self.worker, until=setting.now + self.engine.pacing.claim_for
        )
        claimed = Change(
            slot=act.slot or self.loaded.state.slot,
            promotions=(act.promotion,) if act.promotion is not None else (),
        )
        if not self._write(claimed, claim):
            return None
        log.info("%s: %s", self.key, act.action)
        outcome = self.engine.actions.perform(self.loaded.state, self.policy, act.action)
        self.world = self.world.without_outside()
        return self._settle(act.action, outcome)

    def _settle(self, action: Action, outcome: Outcome) -> datetime | None:
        """Commit the result; on a lost race apply the same result to what is there now."""
        while True:
            setting = self.engine.setting(self.policy, self.paused)
            change = settle(self.loaded.state, action, outcome, setting)
            if not self._write(change):
                if not self._mine():
                    return self.engine.clock.now()
                continue
            if isinstance(outcome, Trouble):
                log.warning("%s: %s: %s", self.key, action, outcome.why)
            return None

    def _mine(self) -> bool:
        """Is the claim still this worker's? If a successor took it, the successor observes what was done."""
        claim = self.loaded.state.slot.claim
        return claim is not None and claim.worker == self.worker

    def _reload(self) -> None:
        """Read the slot again: decisions that were not written are made anew."""
        loaded = self.engine.ledger.load(self.key)
        if loaded is None:
            raise Unavailable(f"slot {self.key} vanished while it was looked at")
        self.loaded = loaded
        self.world = self.world.without_outside()

    def _schedule(self, until: datetime) -> None:
        """Queue the next wake if it is near, and say in the open index when the sweep should look."""
        now, name = self.engine.clock.now(), slot_id(*self.key)
        slot = self.loaded.state.slot
        if until is _NOTHING:
            return
        if self.row is not None and now < self.row.wake <= until + timedelta(seconds=1):
            return  # a wake that comes in time is queued already: two chains of wakes would never merge
        wake = until if until - now <= LONGEST_WAKE else None
        if wake is not None:
            low = min(slot.open) if slot.open else 0
            self.engine.wakes.named(name, delay=max(0.0, (wake - now).total_seconds()), low=low)
        self.engine.index.plan(self.row, name, until=until, wake=wake, now=now)


_NOTHING = datetime.max.replace(tzinfo=UTC)
"""Nothing is left to do: no wake, and the sweep will forget the slot."""
