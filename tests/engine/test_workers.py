"""Workers that race, stall or lose their wakes; and rubbish where wakes should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import triggers
from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.journal import verify
from orchestrator.model import Claim, Phase
from orchestrator.world import Change
from shared.errors import Conflict
from shared.names import slot_id
from shared.queues import WAKES
from tests.engine.test_edges import asked, live
from tests.engine.test_operators import OPERATED
from tests.engine.town import ANA, BEN, DEV, QA, Town, settings


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_a_live_claim_is_respected_and_a_dead_one_taken_over(town: Town) -> None:
    town.register("1")
    town.announce("1")
    loaded = town.app.ledger.load(DEV)
    assert loaded is not None
    claim = Claim(action="deploy", worker="someone", until=town.clock.now() + settings().claim_for)
    town.app.ledger.commit(loaded, Change(slot=loaded.state.slot), now=town.clock.now(), claim=claim)

    for text in town.queues.take(WAKES):
        triggers.wake(town.app, text)
    assert town.state(DEV).promotions == {}

    town.settle()
    assert town.state(DEV).slot.serving is not None


def test_a_commit_on_a_stale_slot_is_refused(town: Town) -> None:
    asked(town, "1")
    stale = town.app.ledger.load(QA)
    assert stale is not None
    town.vote(ANA, Decision.APPROVE)

    with pytest.raises(Conflict):
        town.app.ledger.commit(stale, Change(slot=stale.state.slot), now=town.clock.now())


class Meddling(dict[tuple[str, str], str]):
    """Somebody says something at the very moment when the platform takes a deployment on."""

    def __init__(self, what: Callable[[], object]) -> None:
        super().__init__()
        self.what, self.calls = what, 0

    def get(self, key: tuple[str, str], default: str = "") -> str:  # type: ignore[override]
        self.calls += 1
        if self.calls == 1:
            self.what()
        return default


def test_a_result_that_loses_its_commit_is_applied_again_and_its_call_is_not_repeated(tmp_path: Path) -> None:
    town = Town(tmp_path, OPERATED)
    asked(town, "1")
    town.vote(ANA, Decision.APPROVE)
    hold = lambda: town.app.operating.slot(Command.HOLD, QA, by=BEN, reason="wait")  # noqa: E731
    town.qa.breaks = Meddling(hold)

    town.settle(most=600)

    state = town.state(QA)
    assert state.slot.hold == "wait (Ben)", "what came between counts"
    assert state.promotions[1].deploy_asked_at is not None, "so does the result"
    assert town.qa.breaks.calls == 1
    done = [row.entry.what for row in town.app.ledger.journal(QA)]
    assert done.index("deploy.done") > done.index("fact.commanded")


def test_every_journal_verifies(town: Town) -> None:
    live(town, "1")
    live(town, "2")

    for key in (DEV, QA):
        slot = town.state(key).slot
        found = town.app.ledger.journal(key, limit=1000)
        assert verify(slot_id(*key), found, slot.seq, slot.head, settings().journal_key) == []


def test_lost_wakes_are_made_up_by_the_sweep(town: Town) -> None:
    town.register("1")
    town.announce("1")
    town.queues.messages.clear()

    for _ in range(4):
        town.sweep()

    assert town.state(QA).promotions[1].phase is Phase.AWAITING_APPROVAL


def test_rubbish_on_the_wakes_queue_lands_in_dead_letters(town: Town) -> None:
    triggers.wake(town.app, "rubbish")
    triggers.poison(town.app, "wakes", "poison")

    assert len(town.app.dead.listed(None, 10, now=town.clock.now())) == 2


def test_a_waiting_promotion_queues_no_wakes(town: Town) -> None:
    asked(town, "1")
    for _ in range(4):
        town.sweep()
    before = town.queues.sent

    for _ in range(10):
        town.sweep()

    assert town.queues.sent == before
