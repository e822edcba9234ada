"""Deployments of ours that nothing needs: said with what they cost, removed after a while."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.commands import Command
from tests.engine.test_operators import OPERATED, asked, journaled, live, tell
from tests.engine.town import ANA, DEV, QA, Town

MARK = {"greenlight_slot": "titanic@qa"}
PRICED = OPERATED.replace("models:\n", "currency: EUR\nprices: {Standard_DS3_v2: 0.25}\nmodels:\n", 1)
DAY = 24 * 3600.0


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, PRICED)


def left(
    town: Town, name: str = "v0-old", tags: dict[str, str] = MARK, kind: str = "Standard_DS3_v2"
) -> None:
    """A deployment call of ours arrives hours late."""
    town.clock.advance(120)
    town.qa.create_deployment(
        "titanic-qa", name, model=("titanic", "1"), instance_type=kind, instance_count=2, tags=tags
    )
    town.clock.advance(60)


def there(town: Town) -> set[str]:
    return {d.name for d in town.qa.deployments("titanic-qa")}


def said(town: Town) -> str:
    return " ".join(r.entry.why for r in town.app.ledger.journal(QA, limit=1000) if "orphans" in r.entry.what)


def test_it_is_said_with_its_price_and_removed_after_a_day(town: Town) -> None:
    live(town, "1")
    left(town)

    asked(town, "2")

    assert town.state(QA).slot.orphans == ("v0-old",)
    assert journaled(town).count("orphans.seen") == 1
    assert "v0-old (2 instance-hours of Standard_DS3_v2, about 0.50 EUR each hour)" in said(town)
    assert town.state(DEV).slot.orphans == ()
    town.vote(ANA, Decision.APPROVE)
    town.sweep(DAY - 3 * 3600)
    assert "v0-old" in there(town)

    for _ in range(3):  # it is asked for, it goes, it is seen to be gone
        town.sweep(3600)

    assert "v0-old" not in there(town)
    assert len(there(town)) == 1
    assert town.state(QA).slot.orphaned == {}
    assert "v0-old is gone; 48" in said(town)
    assert "EUR" in said(town).partition("v0-old is gone;")[2]
    assert town.state(QA).slot.idle


def test_an_idle_slot_is_looked_at_until_it_is_gone(town: Town) -> None:
    live(town, "1")
    left(town)
    asked(town, "2")
    town.vote(ANA, Decision.REJECT, comment="no")
    town.settle()
    assert not town.state(QA).slot.idle

    for _ in range(26):
        town.sweep(3600)

    assert "v0-old" not in there(town)
    assert town.state(QA).slot.idle


def test_without_a_price_hours_are_said_and_no_invented_number(town: Town) -> None:
    live(town, "1")
    left(town, kind="Standard_XYZ")
    asked(town, "2")

    assert "(2 instance-hours of Standard_XYZ each hour)" in said(town)


@pytest.mark.parametrize("tags", [{}, {"greenlight_slot": "other@qa"}])
def test_what_is_not_ours_is_left_alone(town: Town, tags: dict[str, str]) -> None:
    live(town, "1")
    left(town, "theirs", tags)
    asked(town, "2")
    for _ in range(26):
        town.sweep(3600)

    assert "theirs" in there(town)
    assert town.state(QA).slot.orphans == ()


def test_it_is_kept_while_the_slot_is_held(town: Town) -> None:
    live(town, "1")
    left(town)
    asked(town, "2")
    tell(town, Command.HOLD, reason="looking")
    for _ in range(26):
        town.sweep(3600)
    assert "v0-old" in there(town)

    tell(town, Command.RESUME)
    town.sweep(600)
    assert "v0-old" not in there(town)


def test_one_that_gets_traffic_by_hand_is_never_deleted(town: Town) -> None:
    live(town, "1")
    left(town)
    asked(town, "2")
    (serving,) = town.traffic()
    town.qa.write_traffic(
        "titanic-qa", {serving: 90, "v0-old": 10}, dict(town.qa.endpoint("titanic-qa").tags)
    )
    for _ in range(26):
        town.sweep(3600)

    assert "v0-old" in there(town)
    assert town.traffic() == {serving: 90, "v0-old": 10}


def test_what_a_rollback_needs_is_no_orphan(tmp_path: Path) -> None:
    town = Town(tmp_path, PRICED.replace("  - name: qa\n", "  - name: qa\n    rollout: {warm: 240h}\n"))
    live(town, "1")
    town.clock.advance(120)
    live(town, "2")
    asked(town, "3")
    for _ in range(30):
        town.sweep(3600)

    assert len(there(town)) == 2
    assert town.state(QA).slot.orphans == ()


def test_what_served_before_is_one_when_a_late_call_makes_it_again(town: Town) -> None:
    live(town, "1")
    before = town.state(QA).slot.serving
    assert before is not None
    town.clock.advance(120)
    live(town, "2")
    for _ in range(3):
        town.sweep(600)
    assert before.deployment not in there(town)
    left(town, before.deployment)

    asked(town, "3")
    assert town.state(QA).slot.orphans == (before.deployment,)

    for _ in range(26):
        town.sweep(3600)
    assert before.deployment not in there(town)
