"""A channel in trouble: what is owed is given later or given up, and nothing else waits for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.delivering import BACKOFF_MOST, GIVE_UP, MOST_OWED, TRIES
from orchestrator.index import OpenIndex
from orchestrator.model import Phase, Verdict
from shared.errors import Busy, Refused, Unknown
from shared.names import slot_id
from tests.engine.channel import Teams, down, kinds, later, why
from tests.engine.test_operators import OPERATED, asked, journaled, live
from tests.engine.town import ANA, QA, Town


@pytest.fixture
def teams() -> Teams:
    return Teams()


@pytest.fixture
def town(tmp_path: Path, teams: Teams) -> Town:
    teams.town = Town(tmp_path, OPERATED, teams)
    return teams.town


def test_a_channel_that_is_down_for_a_day_delays_nothing_and_is_told_afterwards(
    town: Town, teams: Teams
) -> None:
    teams.fails = down
    live(town, "1")
    live(town, "2")
    serving = town.state().slot.serving
    assert serving is not None
    assert serving.version == "2"
    assert town.promotion(2).verdict is Verdict.LIVE
    later(town, timedelta(days=1))
    assert not town.state().slot.idle, "undelivered notices keep the slot in the open index"
    assert OpenIndex(town.store).get(slot_id(*QA)) is not None
    attempts = len(teams.tried)

    teams.fails = lambda: None
    later(town, timedelta(seconds=2 * BACKOFF_MOST))

    assert teams.heads() == ["Approved", "Live", "Approved", "Live"]
    assert attempts < 50
    assert len(why(town, "notify.troubled")) == attempts
    assert town.state().slot.idle
    assert OpenIndex(town.store).get(slot_id(*QA)) is None


def test_a_channel_that_stays_down_is_given_up_and_the_slot_rests(town: Town, teams: Teams) -> None:
    teams.fails = down
    live(town, "1")
    later(town, GIVE_UP + timedelta(hours=2))

    assert town.state().slot.idle
    assert teams.cards == []
    assert len(teams.tried) <= 2 * TRIES
    assert len(why(town, "notify.given_up")) == 3
    assert kinds(town) == ["granted", "live"], "the other channel was told"


def test_a_channel_in_trouble_does_not_slow_a_promotion_down(tmp_path: Path) -> None:
    took: list[timedelta] = []
    for fails, hangs in ((lambda: None, 0), (lambda: Unknown("no answer"), 60)):
        teams = Teams()
        home = tmp_path / str(hangs)
        home.mkdir()
        teams.town = town = Town(home, OPERATED, teams)
        asked(town, "1")
        later(town, timedelta(hours=3))
        teams.fails, teams.hangs = fails, timedelta(seconds=hangs)
        start = town.clock.now()
        town.vote(ANA, Decision.APPROVE)
        town.settle()
        ended = town.promotion(1).ended_at
        assert ended is not None
        took.append(ended - start)

    assert took[1] - took[0] <= timedelta(seconds=6), "at most one attempt that hangs"


def test_a_throttled_channel_is_left_alone_for_as_long_as_it_says(town: Town, teams: Teams) -> None:
    teams.fails = lambda: Busy("throttling", after=900.0) if len(teams.tried) == 1 else None
    asked(town, "1")
    town.settle()
    later(town, timedelta(hours=1), every=60.0)

    first, second = teams.tried
    assert timedelta(seconds=900) <= second - first <= timedelta(seconds=1000)
    assert teams.heads() == ["Approval needed"]
    assert "Repeated" not in teams.cards[0], "a throttled attempt delivered nothing"


def test_a_card_that_is_refused_is_not_sent_again(town: Town, teams: Teams) -> None:
    teams.fails = lambda: Refused("it does not take this card", code="400")
    asked(town, "1")
    later(town, timedelta(hours=2))

    request = town.state().requests[1]
    assert len(teams.tried) == 1
    assert request.gave_up == ("teams",)
    assert set(request.notified) == {"queue"}
    assert "it does not take this card" in why(town, "notify.refused")[0]
    assert town.promotion(1).phase is Phase.AWAITING_APPROVAL


def test_an_attempt_without_an_answer_may_have_arrived_so_the_next_is_marked(
    town: Town, teams: Teams
) -> None:
    teams.fails = lambda: Unknown("no answer in time") if len(teams.tried) == 1 else None
    asked(town, "1")
    later(town, timedelta(minutes=10), every=60.0)

    assert len(teams.cards) == 1
    assert "Repeated" in teams.cards[0]
    assert "marked as a repeat" in " ".join(why(town, "notify.done"))


def test_a_channel_that_was_down_is_not_asked_about_what_is_decided(town: Town, teams: Teams) -> None:
    teams.fails = down
    asked(town, "1")
    town.vote(ANA, Decision.REJECT, comment="no")
    town.settle()
    teams.fails = lambda: None
    later(town, timedelta(hours=2))

    assert teams.heads() == ["Rejected"]
    assert "it no longer asks for a decision" in why(town, "notify.given_up")[0]


def test_a_channel_that_was_down_hears_one_reminder_not_all_of_them(tmp_path: Path, teams: Teams) -> None:
    often = OPERATED.replace("expires: 7d", "expires: 7d\n      remind: 6h")
    teams.town = town = Town(tmp_path, often, teams)
    teams.fails = down
    asked(town, "1")
    later(town, timedelta(hours=20))
    assert kinds(town) == ["reminder"] * 3
    teams.fails = lambda: None
    later(town, timedelta(hours=2))

    assert len(teams.cards) == 1
    assert "/review/" in teams.cards[0]
    assert set(town.state().requests[1].notified) == {"queue", "teams"}
    assert town.state().requests[1].gave_up == ()


def test_a_channel_that_is_configured_no_more_is_owed_nothing(
    town: Town, teams: Teams, tmp_path: Path
) -> None:
    teams.fails = down
    live(town, "1")
    object.__setattr__(town.app.engine.pacing, "channels", ("queue",))
    later(town, timedelta(hours=2))

    assert town.state().slot.idle
    assert "no longer configured" in why(town, "notify.given_up")[-1]


def test_an_outbox_does_not_grow_without_end(town: Town, teams: Teams) -> None:
    teams.fails = down
    for number in range(1, MOST_OWED // 2 + 10):
        asked(town, str(number))
        town.vote(ANA, Decision.REJECT, comment="no")
        town.settle()

    assert len(town.state().slot.outbox) <= MOST_OWED


def test_every_attempt_is_in_the_journal(town: Town, teams: Teams) -> None:
    teams.fails = lambda: down() if len(teams.tried) < 3 else None
    asked(town, "1")
    later(town, timedelta(hours=1), every=60.0)

    said = [w for w in (*why(town, "notify.troubled"), *why(town, "notify.done")) if w.startswith("teams")]
    assert [w.partition(" attempt ")[2][:1] for w in said] == ["1", "2", "3"]
    assert journaled(town).count("notice.owed") == 1
