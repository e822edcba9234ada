"""Withdraw, extend, warn, remind, freeze."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.explain import explain
from orchestrator.model import Phase, Reason, Verdict
from orchestrator.operating import Told
from orchestrator.world import Change
from shared.identity import Principal
from tests.engine.town import ANA, AUTHOR, BEN, OSCAR, PIPELINE, QA, TENANT, Town

OPERATED = PIPELINE.replace(
    '    endpoint: "{model}-qa"\n', '    endpoint: "{model}-qa"\n    operators: [{name: Ben, id: "${BEN}"}]\n'
)
ADA = Principal(tenant=TENANT, oid=AUTHOR, name="Ada")
DAY = 86400.0


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def asked(town: Town, version: str = "1") -> None:
    town.register(version)
    town.announce(version)
    town.settle()


def tell(town: Town, command: Command, n: int = 1, *, by: Principal = BEN) -> Told:
    told = town.app.operating.promotion(command, QA, n, by=by, reason="because")
    town.settle()
    return told


def pass_time(town: Town, days: float) -> None:
    town.clock.advance(days * DAY)
    town.sweep()


def kinds(town: Town) -> list[str]:
    """What the queue was told besides the request itself."""
    return [str(r["notice"]) for r in town.notices()]


def journaled(town: Town) -> list[str]:
    return [row.entry.what for row in town.app.ledger.journal(QA, limit=1000)]


# ---- withdraw


@pytest.mark.parametrize("who", [ADA, BEN], ids=["author", "operator"])
def test_whoever_it_goes_back_to_takes_it_back(town: Town, who: Principal) -> None:
    asked(town)

    told = tell(town, Command.WITHDRAW, by=who)

    p = town.promotion(1)
    assert told.kind == "accepted"
    assert (p.verdict, p.reason, p.actor) == (Verdict.ABORTED, Reason.WITHDRAWN, who.id)
    assert p.sentence == f"withdrawn by {who.name}: because"
    assert "command.withdraw" in journaled(town)
    assert tell(town, Command.WITHDRAW, by=who).kind == "repeated"


@pytest.mark.parametrize("command", [Command.WITHDRAW, Command.EXTEND, Command.ABORT])
def test_nobody_else_does(town: Town, command: Command) -> None:
    asked(town)

    for who in (OSCAR, ANA, *((ADA,) if command is Command.ABORT else ())):
        assert tell(town, command, by=who).kind == "not_allowed"
    assert town.state(QA).promotions[1].phase is Phase.AWAITING_APPROVAL


def test_what_moves_the_slot_is_aborted_not_withdrawn(town: Town) -> None:
    asked(town)
    town.vote(ANA, Decision.APPROVE)
    loaded = town.app.ledger.load(QA)
    assert loaded is not None
    slot = replace(loaded.state.slot, mover=1)
    town.app.ledger.commit(loaded, Change(slot=slot), now=town.clock.now())

    told = tell(town, Command.WITHDRAW, by=ADA)

    assert (told.kind, "an operator may abort it" in told.message) == ("closed", True)


def test_a_vote_on_what_was_withdrawn_finds_it_closed(town: Town) -> None:
    asked(town)
    request = town.state(QA).requests[1]
    town.app.operating.promotion(Command.WITHDRAW, QA, 1, by=ADA, reason="")
    town.settle()

    late = town.app.intake.vote(
        QA, 1, 1, principal=ANA, decision=Decision.APPROVE, comment="", hash=request.hash, channel="page"
    )

    assert late.kind == "closed"


# ---- extend


def test_an_extension_gives_as_much_time_again(town: Town) -> None:
    asked(town)
    before = town.state(QA).requests[1]

    first = tell(town, Command.EXTEND, by=ADA)
    after = town.state(QA).requests[1]
    pass_time(town, 10)
    town.vote(ANA, Decision.APPROVE)
    town.settle()

    assert first.kind == "accepted"
    assert after.expires_at - before.expires_at == before.expires_at - before.asked_at
    assert after.hash == before.hash
    assert town.promotion(1).verdict is Verdict.LIVE


def test_extensions_are_bounded_and_each_is_one_however_often_it_is_said(town: Town) -> None:
    asked(town)

    for _ in range(3):
        twice = [town.app.operating.promotion(Command.EXTEND, QA, 1, by=BEN, reason="").kind for _ in "ab"]
        town.settle()
        assert twice == ["accepted", "repeated"]
    told = tell(town, Command.EXTEND)

    assert (told.kind, "extended 3 times" in told.message) == ("closed", True)
    assert town.state(QA).requests[1].extensions == 3


def test_what_is_decided_gets_no_more_time(town: Town) -> None:
    asked(town)
    town.vote(ANA, Decision.REJECT)

    assert tell(town, Command.EXTEND).kind == "closed"


# ---- warnings and reminders


def test_people_are_warned_at_half_and_at_ninety_percent_and_again_after_an_extension(town: Town) -> None:
    asked(town)

    seen: list[list[str]] = []
    for days in (3.4, 0.2, 2.6, 0.2):
        pass_time(town, days)
        seen.append(kinds(town))
    tell(town, Command.EXTEND)
    pass_time(town, 4.2)

    assert [len(notices) for notices in seen] == [0, 1, 1, 2]
    assert len(kinds(town)) == 3
    pass_time(town, 20)
    assert town.promotion(1).verdict is Verdict.EXPIRED


def test_reminders_come_as_often_as_asked_and_no_more_once_decided(tmp_path: Path) -> None:
    town = Town(tmp_path, OPERATED.replace("expires: 7d", "remind: 24h\n      expires: 7d"))
    asked(town)

    for _ in range(3):
        pass_time(town, 1)
    three = kinds(town)
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    after = kinds(town)
    pass_time(town, 2)

    assert three == ["reminder"] * 3
    assert kinds(town) == after == [*three, "granted", "live"]


def test_an_engine_that_slept_warns_once_and_of_the_last(town: Town) -> None:
    asked(town)

    pass_time(town, 6.5)

    assert kinds(town) == ["expiring"]
    assert "90 %" in str(town.notices()[-1])


# ---- freezes

FREEZE = """    endpoint: "{model}-qa"
    operators: [{name: Ben, id: "${BEN}"}]
    freeze: [{name: Close of books, start: 2026-01-01T00:00, duration: 10d, timezone: Europe/Berlin}]
"""


def test_in_a_freeze_people_decide_and_nothing_moves_until_it_is_over(tmp_path: Path) -> None:
    town = Town(tmp_path, PIPELINE.replace('    endpoint: "{model}-qa"\n', FREEZE))
    assert datetime(2026, 1, 1, tzinfo=UTC) < town.clock.now() < datetime(2026, 1, 9, tzinfo=UTC)
    asked(town)

    town.vote(ANA, Decision.APPROVE)
    town.settle()
    during = town.state(QA)
    said = explain(during, during.promotions[1], town.clock.now())
    town.clock.advance((datetime(2026, 1, 10, 22, 59, tzinfo=UTC) - town.clock.now()).total_seconds())
    town.settle(60)
    frozen = town.state(QA).slot.mover
    town.sweep(120)
    town.settle()

    assert (during.slot.mover, frozen) == (None, None)
    assert said.headline == "Approved; frozen"
    assert "freeze 'Close of books' until 2026-01-10 23:00 UTC" in said.because
    assert journaled(town).count("slot.frozen") == 1
    assert town.promotion(1).verdict is Verdict.LIVE
