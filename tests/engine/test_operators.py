"""What operators command: done once, by whom it may be, and visible, whatever the slot is doing."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator import triggers
from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import Phase, Promotion, Reason, SlotKey, Verdict
from orchestrator.operating import Told
from shared.errors import Forbidden, Invalid, NotFound, Unavailable, Unknown
from shared.identity import Principal
from shared.queues import WAKES
from tests.engine.town import ANA, BEN, DEV, OSCAR, PIPELINE, QA, Town

OPERATED = PIPELINE.replace(
    'endpoint: "{model}-dev"}', 'endpoint: "{model}-dev", operators: [{name: Ben, id: "${BEN}"}]}'
).replace(
    '    endpoint: "{model}-qa"\n', '    endpoint: "{model}-qa"\n    operators: [{name: Ben, id: "${BEN}"}]\n'
)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def asked(town: Town, version: str, **how: object) -> None:
    town.register(version, **how)  # type: ignore[arg-type]
    town.announce(version)
    town.settle()


def live(town: Town, version: str, **how: object) -> None:
    asked(town, version, **how)
    town.vote(ANA, Decision.APPROVE)
    town.settle()


def tell(town: Town, command: Command, key: SlotKey = QA, *, reason: str = "", by: Principal = BEN) -> Told:
    told = town.app.operating.slot(command, key, by=by, reason=reason)
    town.settle()
    return told


def tell_of(town: Town, command: Command, n: int, key: SlotKey = QA, *, by: Principal = BEN) -> Told:
    return town.app.operating.promotion(command, key, n, by=by, reason="because")


def journaled(town: Town, key: SlotKey = QA) -> list[str]:
    return [row.entry.what for row in town.app.ledger.journal(key, limit=1000)]


def until(town: Town, phase: Phase, n: int, key: SlotKey = QA) -> Promotion:
    """Handle wakes one by one until the promotion is in this phase."""
    for _ in range(300):
        for text in town.queues.take(WAKES):
            triggers.wake(town.app, text)
            if town.promotion(n, key).phase is phase:
                return town.promotion(n, key)
        following = town.queues.next_visible(WAKES)
        assert following is not None, f"#{n} never got to {phase}"
        town.clock.advance(max(0.0, (following - town.clock.now()).total_seconds()))
    raise AssertionError(f"#{n} never got to {phase}")


# ---- who may


def test_only_operators_of_the_environment_may(town: Town) -> None:
    asked(town, "1")

    for who in (ANA, OSCAR):
        assert tell_of(town, Command.ABORT, 1, by=who).kind == "not_allowed"
        assert tell(town, Command.HOLD, reason="x", by=who).kind == "not_allowed"
        assert town.app.operating.pause(by=who, reason="x").kind == "not_allowed"
        assert town.app.operating.replay("20260105-0123456789ab", by=who).kind == "not_allowed"
    assert town.state(QA).promotions[1].phase is Phase.AWAITING_APPROVAL


def test_where_no_operators_are_named_nobody_may(tmp_path: Path) -> None:
    town = Town(tmp_path)
    asked(town, "1")

    assert tell_of(town, Command.ABORT, 1).kind == "not_allowed"
    assert town.app.operating.pause(by=BEN, reason="x").kind == "not_allowed"
    assert town.app.operating.resume_all(by=BEN, reason="x").kind == "not_allowed"


def test_what_is_not_there_cannot_be_commanded(town: Town) -> None:
    with pytest.raises(NotFound):
        tell(town, Command.HOLD, reason="x")
    asked(town, "1")
    with pytest.raises(NotFound):
        tell_of(town, Command.RETRY, 9)
    with pytest.raises(Invalid):
        tell(town, Command.HOLD)
    with pytest.raises(Invalid):
        tell(town, Command.ADOPT, reason=" \n ")


# ---- abort


def test_abort_ends_a_waiting_promotion_and_changes_nothing(town: Town) -> None:
    live(town, "1")
    before = town.traffic()
    asked(town, "2")

    told = tell_of(town, Command.ABORT, 2)
    town.settle()

    promotion = town.promotion(2)
    assert told.kind == "accepted"
    assert (promotion.verdict, promotion.reason, promotion.actor) == (Verdict.ABORTED, Reason.ABORTED, BEN.id)
    assert "aborted by Ben: because" in promotion.sentence
    assert town.traffic() == before
    assert {"fact.commanded", "command.abort"} <= set(journaled(town))


def test_abort_is_one_command_however_often_it_is_said(town: Town) -> None:
    asked(town, "1")

    kinds = [tell_of(town, Command.ABORT, 1).kind for _ in range(3)]
    town.settle()

    assert kinds == ["accepted", "repeated", "repeated"]
    assert tell_of(town, Command.ABORT, 1).kind == "repeated"
    assert journaled(town).count("command.abort") == 1


def test_abort_while_the_candidate_comes_up_removes_it(town: Town) -> None:
    live(town, "1")
    before = town.traffic()
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.DEPLOYING, 2)

    tell_of(town, Command.ABORT, 2)
    town.settle()

    assert town.promotion(2).verdict is Verdict.ABORTED
    assert town.traffic() == before
    assert len(town.qa.deployments("titanic-qa")) == 1
    assert town.state(QA).slot.mover is None


def test_abort_while_the_switch_is_in_flight_says_after_what_and_puts_traffic_back(town: Town) -> None:
    live(town, "1")
    before = town.traffic()
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.SHIFTING, 2)
    assert town.promotion(2).wrote_at is not None

    told = tell_of(town, Command.ABORT, 2)
    town.settle()

    assert "effective after" in told.message
    assert town.promotion(2).verdict is Verdict.ABORTED
    assert town.traffic() == before
    assert len(town.qa.deployments("titanic-qa")) == 1


def test_the_very_first_switch_has_nothing_to_go_back_to(town: Town) -> None:
    asked(town, "1")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.SHIFTING, 1)

    tell_of(town, Command.ABORT, 1)
    town.settle()

    assert town.promotion(1).verdict is Verdict.LIVE
    assert "not done" in town.state(QA).slot.told
    assert "command.refused" in journaled(town)


@pytest.mark.parametrize(("landed", "verdict"), [(False, Verdict.ABORTED), (True, Verdict.LIVE)])
def test_whether_the_first_switch_was_written_is_looked_at_not_assumed(
    town: Town, landed: bool, verdict: Verdict
) -> None:
    asked(town, "1")
    town.qa.faults.fail("write_traffic", Unknown("no answer in time"), after_effect=landed)
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.SHIFTING, 1)
    assert town.promotion(1).wrote_at is None

    tell_of(town, Command.ABORT, 1)
    town.settle()

    assert town.promotion(1).verdict is verdict
    assert bool(town.traffic()) is landed


def test_an_ended_promotion_cannot_be_aborted(town: Town) -> None:
    live(town, "1")

    assert tell_of(town, Command.ABORT, 1).kind == "closed"


def test_abort_does_not_wait_for_a_back_off(town: Town) -> None:
    town.register("1")
    town.blobs.faults.fail("list", Unavailable("503"), times=1000)
    town.announce("1")
    town.settle(most=60)

    tell_of(town, Command.ABORT, 1, DEV)
    town.settle(most=5)

    assert town.promotion(1, DEV).verdict is Verdict.ABORTED


# ---- commands that cannot be carried out


def test_a_command_whose_look_is_refused_for_good_ends_visibly(town: Town) -> None:
    live(town, "1")
    town.qa.faults.fail("endpoint", Forbidden("no right"), times=10_000)

    tell(town, Command.RESTORE, reason="x")
    town.settle(most=6 * 3600)

    slot = town.state(QA).slot
    assert slot.pending == ()
    assert "not done: no right" in slot.told


def test_a_slot_survives_a_fact_row_that_somebody_deleted(town: Town) -> None:
    live(town, "1")
    town.app.operating.slot(Command.HOLD, QA, by=BEN, reason="x")
    rows = town.store.table("slots").rows["titanic@qa"]
    del rows[next(key for key in rows if key.startswith("in~hold"))]

    town.settle()

    assert town.state(QA).slot.pending == ()
    assert "fact.missing" in journaled(town)
