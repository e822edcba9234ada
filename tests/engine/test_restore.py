"""`greenlight restore`: traffic back to what is recorded, on an operator's word."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.commands import Command
from shared.errors import Unavailable, Unknown
from tests.engine.test_foreign import by_hand, move
from tests.engine.test_operators import OPERATED, asked, journaled, live, tell
from tests.engine.town import BEN, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def test_restore_puts_traffic_back_to_what_is_recorded(town: Town) -> None:
    live(town, "1")
    before = town.traffic()
    by_hand(town)

    assert tell(town, Command.RESTORE, reason="not ours").kind == "accepted"

    assert town.traffic() == before
    endpoint = town.qa.endpoint("titanic-qa")
    assert endpoint is not None
    assert endpoint.tags["prod"] == next(iter(before))
    assert town.state(QA).slot.foreign is None
    assert {"command.restore", "restore.done", "foreign.gone"} <= set(journaled(town))
    for _ in range(5):
        town.sweep()
    assert town.store.table("open").rows["open"] == {}


def test_restore_gives_a_lost_mark_back_and_keeps_the_tags_of_others(town: Town) -> None:
    live(town, "1")
    before = town.traffic()
    town.clock.advance(120)
    move(town, before, greenlight_slot="", team="ours")

    tell(town, Command.RESTORE)

    endpoint = town.qa.endpoint("titanic-qa")
    assert endpoint is not None
    assert (endpoint.tags["greenlight_slot"], endpoint.tags["team"]) == ("titanic@qa", "ours")


def test_restore_with_nothing_to_put_back_says_so(town: Town) -> None:
    live(town, "1")

    tell(town, Command.RESTORE)

    assert "nothing to put back" in town.state(QA).slot.told
    assert [a for a in town.qa.accepted if a[0] == "write_traffic"].__len__() == 1


def test_restore_to_a_deployment_that_is_gone_is_refused_and_adoption_is_the_way_on(town: Town) -> None:
    live(town, "1")
    (serving,) = town.traffic()
    by_hand(town)
    town.qa.delete_deployment("titanic-qa", serving)
    town.clock.advance(60)

    tell(town, Command.RESTORE)

    assert "missing" in town.state(QA).slot.told
    tell(town, Command.ADOPT, reason="it is good")
    assert town.state(QA).slot.serving is not None
    assert town.state(QA).slot.serving.deployment == "byhand"  # type: ignore[union-attr]


def test_traffic_that_changes_once_more_is_not_overwritten(town: Town) -> None:
    live(town, "1")
    (serving,) = town.traffic()
    by_hand(town)
    town.qa.faults.fail("write_traffic", Unavailable("503"))
    town.app.operating.slot(Command.RESTORE, QA, by=BEN, reason="")
    town.settle(most=5)
    move(town, {"byhand": 50, serving: 50})

    town.settle()

    assert town.traffic() == {"byhand": 50, serving: 50}
    assert "changed once more" in town.state(QA).slot.told


@pytest.mark.parametrize("error", [Unavailable("503"), Unknown("no answer")])
@pytest.mark.parametrize("after_effect", [False, True])
def test_restore_survives_failed_and_unanswered_calls(
    town: Town, error: Unavailable, after_effect: bool
) -> None:
    live(town, "1")
    before = town.traffic()
    by_hand(town)
    town.qa.faults.fail("write_traffic", error, after_effect=after_effect)

    tell(town, Command.RESTORE)

    assert town.traffic() == before


@pytest.mark.parametrize("stopped", ["", "held", "paused"])
def test_a_late_write_of_our_own_is_put_right_without_a_word(town: Town, stopped: str) -> None:
    """Also where nothing new may move: what undoes goes on."""
    live(town, "1")
    asked(town, "2")
    if stopped == "held":
        tell(town, Command.HOLD, reason="wait")
    elif stopped:
        assert town.app.operating.pause(by=BEN, reason="wait").kind != "not_allowed"
    before = town.traffic()
    by_hand(town, traffic=False)
    move(
        town,
        {"byhand": 100},
        prod="byhand",
        greenlight_promotion="titanic.qa.9.77",
        greenlight_traffic="byhand 100",
    )

    town.app.engine.wake(QA)
    town.settle()

    assert town.traffic() == before
    rows = [r.entry for r in town.app.ledger.journal(QA, limit=1000) if r.entry.what == "foreign.seen"]
    assert rows[-1].why.startswith("a late write of ours")
