"""One command, and its answer: a journal row, and `told`. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from orchestrator.commands import Order
from orchestrator.model import Ending, Entry, Fact, Promotion, Reason, Slot, SlotState, Verdict
from orchestrator.opening import taken
from orchestrator.world import Change, Setting


@dataclass(frozen=True)
class Given:
    """One command, and everything that may be considered for it."""

    state: SlotState
    fact: Fact
    order: Order
    setting: Setting

    @property
    def slot(self) -> Slot:
        """The slot without the command."""
        return taken(self.state.slot, self.fact)

    @property
    def p(self) -> Promotion | None:
        return self.state.promotions.get(self.order.n)

    def done(self, slot: Slot, said: str, *promotions: Promotion) -> Change:
        return self._told(slot, self.order.command.value, said, promotions)

    def refused(self, why: str) -> Change:
        return self._told(self.slot, "refused", f"not done: {why}", ())

    def began(self, change: Change, said: str) -> Change:
        """A promotion begins with this command: the journal has the operator's row before its own."""
        told = self._told(change.slot, self.order.command.value, said, change.promotions)
        return replace(change, slot=told.slot, entries=(*told.entries, *change.entries))

    def _told(self, slot: Slot, what: str, said: str, promotions: tuple[Promotion, ...]) -> Change:
        order = self.order
        told = f"{order.command} by {order.who}{order.because}; {said}"
        entry = Entry(what=f"command.{what}", why=told, by=order.by, at=self.setting.now, n=order.n or None)
        return Change(slot=replace(slot, told=told), promotions=promotions, entries=(entry,))

    def ended(self, p: Promotion, verdict: Verdict, reason: Reason, sentence: str) -> Promotion:
        """A promotion that ends on this order."""
        at, by = self.setting.now, self.order.by
        ending = Ending(verdict=verdict, reason=reason, sentence=sentence, actor=by, at=at)
        return replace(p, ending=ending, troubles=0, trouble="", not_before=None)
