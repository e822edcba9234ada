"""An operator's way back: one write while the old deployment is there, later deployed anew; and a hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import Phase, Reason, Verdict
from shared.errors import Invalid, Unavailable, Unknown
from tests.engine.test_operators import OPERATED, asked, journaled, live, tell, tell_of, until
from tests.engine.town import ANA, BEN, DEV, QA, Town

WARM = OPERATED.replace("  - name: qa\n", "  - name: qa\n    rollout: {warm: 24h}\n")


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, WARM)


def served(town: Town, *versions: str) -> None:
    for version in versions:
        live(town, version)
        town.clock.advance(120.0)


def who_serves(town: Town) -> str:
    """The version that has all traffic, as the platform says."""
    (name,) = town.traffic()
    (found,) = [d for d in town.qa.deployments("titanic-qa") if d.name == name]
    assert found.model is not None
    return found.model[1]


def writes(town: Town) -> int:
    return sum(1 for what in town.qa.accepted if what[0] == "write_traffic")


def asks(town: Town) -> int:
    return len(town.requests())


def test_within_the_warm_period_it_is_one_write_and_nobody_is_asked(town: Town) -> None:
    served(town, "1", "2")
    was, before, requests = town.state(QA).slot, writes(town), asks(town)
    assert was.previous is not None
    assert was.serving is not None

    told = tell(town, Command.ROLLBACK, reason="wrong scores")

    slot = town.state(QA).slot
    assert told.kind == "accepted"
    assert writes(town) == before + 1
    assert asks(town) == requests
    assert who_serves(town) == "1"
    assert town.qa.endpoint("titanic-qa").tags["prod"] == was.previous.deployment
    assert slot.serving == replace(was.previous, since=slot.serving.since)
    assert slot.previous is None
    assert slot.rollback is None
    assert list(slot.retiring) == [was.serving.deployment], "the bad one is kept warm like any other"
    assert slot.hold == "rolled back: wrong scores (Ben)"
    assert journaled(town)[-3:] == ["command.rollback", "roll_back.done", "slot.rolled_back"]
    assert town.promotion(2).verdict is Verdict.LIVE, "it is no other end of the promotion"


def test_the_bad_version_does_not_come_back_before_it_is_resumed(town: Town) -> None:
    served(town, "1", "2")
    tell(town, Command.ROLLBACK, reason="wrong scores")

    told = tell_of(town, Command.RETRY, 2)
    town.settle()
    assert told.kind == "accepted"
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    assert who_serves(town) == "1"

    tell(town, Command.RESUME)
    serving = town.state(QA).slot.serving
    assert serving is not None
    assert serving.version == "2"


def test_the_bad_one_is_removed_after_its_warm_period_once_resumed(town: Town) -> None:
    served(town, "1", "2")
    tell(town, Command.ROLLBACK, reason="wrong scores")

    town.clock.advance(25 * 3600)
    town.sweep()
    assert len(town.qa.deployments("titanic-qa")) == 2, "held: nobody's way on is deleted"

    tell(town, Command.RESUME)
    town.sweep()
    assert len(town.qa.deployments("titanic-qa")) == 1
    assert who_serves(town) == "1"


def test_a_rollback_is_not_rolled_back(town: Town) -> None:
    served(town, "1", "2")
    tell(town, Command.ROLLBACK, reason="wrong scores")
    before = writes(town)

    tell(town, Command.ROLLBACK, reason="again, I was impatient")

    assert who_serves(town) == "1"
    assert writes(town) == before
    assert "nothing is known that served here before" in town.state(QA).slot.told


def test_said_twice_at_once_it_is_done_once(town: Town) -> None:
    served(town, "1", "2")
    before = writes(town)

    for _ in range(2):
        town.app.operating.slot(Command.ROLLBACK, QA, by=BEN, reason="bad")
    town.settle()

    assert writes(town) == before + 1
    assert who_serves(town) == "1"


def test_after_the_warm_period_the_last_version_that_served_is_deployed_anew(town: Town) -> None:
    served(town, "1", "2")
    old = town.state(QA).slot.previous
    town.clock.advance(25 * 3600)
    town.sweep()
    assert len(town.qa.deployments("titanic-qa")) == 1
    requests = asks(town)

    tell(town, Command.ROLLBACK, reason="wrong scores")

    slot, p = town.state(QA).slot, town.promotion(3)
    assert who_serves(town) == "1"
    assert asks(town) == requests, "the quorum of then vouches for the same bytes"
    assert (p.verdict, p.digest, p.frozen) == (Verdict.LIVE, old.digest, town.promotion(1).frozen)
    assert p.target_version == "1", "nothing is registered or copied once more"
    assert slot.serving is not None
    assert slot.serving.n == 3
    assert slot.previous is None
    assert slot.hold
    served_by = {d.name for d in town.qa.deployments("titanic-qa")}
    assert old.deployment not in served_by, "names are never reused"


def test_what_was_brought_back_anew_vouches_for_itself_later(town: Town) -> None:
    """2 replaces it again, and a second rollback goes back to the redeployed 1."""
    served(town, "1", "2")
    town.clock.advance(25 * 3600)
    town.sweep()
    tell(town, Command.ROLLBACK, reason="wrong scores")
    tell(town, Command.RESUME)
    served(town, "3")

    tell(town, Command.ROLLBACK, reason="3 is no better")

    assert who_serves(town) == "1"


def test_what_is_redeployed_and_never_comes_up_leaves_what_serves_alone(town: Town) -> None:
    served(town, "1", "2")
    town.clock.advance(25 * 3600)
    town.sweep()
    town.qa.breaks["titanic", "1"] = "ImageBuildFailure: conda"

    tell(town, Command.ROLLBACK, reason="wrong scores")

    assert town.promotion(3).verdict is Verdict.FAILED
    assert who_serves(town) == "2"
    assert town.state(QA).slot.hold


def test_without_a_reason_or_a_past_it_is_refused(town: Town) -> None:
    served(town, "1")
    with pytest.raises(Invalid):
        tell(town, Command.ROLLBACK)

    tell(town, Command.ROLLBACK, reason="x")

    assert "nothing is known that served here before" in town.state(QA).slot.told
    assert town.state(QA).slot.hold == ""
    assert town.state(DEV).slot.previous is None


def test_nobody_but_operators(town: Town) -> None:
    served(town, "1", "2")

    assert tell(town, Command.ROLLBACK, reason="x", by=ANA).kind == "not_allowed"
    assert who_serves(town) == "2"


def test_a_promotion_that_only_deploys_is_aborted_for_it(town: Town) -> None:
    served(town, "1", "2")
    asked(town, "3")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.DEPLOYING, 3)

    tell(town, Command.ROLLBACK, reason="2 is bad, 3 too")

    assert (town.promotion(3).verdict, town.promotion(3).reason) == (Verdict.ABORTED, Reason.ABORTED)
    assert "aborted by Ben for a rollback: 2 is bad, 3 too" in town.promotion(3).sentence
    assert who_serves(town) == "1"
    assert not any(d.model == ("titanic", "3") for d in town.qa.deployments("titanic-qa"))


def test_in_the_middle_of_a_rollout_back_is_what_served_when_it_began(town: Town) -> None:
    served(town, "1", "2")
    asked(town, "3")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.SHIFTING, 3)
    assert town.promotion(3).wrote_at is not None

    tell(town, Command.ROLLBACK, reason="3 is bad")

    p = town.promotion(3)
    assert (p.verdict, p.reason, p.actor) == (Verdict.ROLLED_BACK, Reason.ROLLBACK, BEN.id)
    assert "effective after its traffic write is observed" in town.state(QA).slot.told
    assert who_serves(town) == "2", "not 1"
    assert town.state(QA).slot.hold


def test_bytes_that_nobody_approved_here_are_not_brought_back(town: Town) -> None:
    """The votes of then are gone from the table: S1 does not take the slot's word for it."""
    served(town, "1", "2")
    rows = town.store.table("slots").rows["titanic@qa"]
    for key in [k for k in rows if k.startswith("p~0000000001~r~001~v~")]:
        del rows[key]
    before = writes(town)

    tell(town, Command.ROLLBACK, reason="wrong scores")

    assert writes(town) == before
    assert who_serves(town) == "2"
    assert "nobody has approved version 1 here" in town.state(QA).slot.told
    assert town.state(QA).slot.rollback is None


def test_changed_files_are_not_brought_back(town: Town) -> None:
    served(town, "1", "2")
    frozen = town.blobs.container("glqa", "greenlight-frozen")
    (blob, *_) = [b for b in frozen.list("titanic.qa.1.1/1/") if b.name.endswith(".pkl")]
    frozen.write(blob.name, b"somebody else's")

    tell(town, Command.ROLLBACK, reason="wrong scores")

    assert who_serves(town) == "2"
    assert "no longer those that were digested" in town.state(QA).slot.told


def test_an_adopted_baseline_is_gone_back_to_on_the_adopters_word(tmp_path: Path) -> None:
    town = Town(tmp_path, WARM)
    served(town, "1")
    slot = town.state(QA).slot
    assert slot.serving is not None
    tell(town, Command.ADOPT, reason="it is what we know")
    served(town, "2")

    tell(town, Command.ROLLBACK, reason="wrong scores")

    assert who_serves(town) == "1"


def test_a_hand_that_moves_traffic_meanwhile_stops_it(town: Town) -> None:
    served(town, "1", "2")
    one, two = sorted(d.name for d in town.qa.deployments("titanic-qa"))
    tags = dict(town.qa.endpoint("titanic-qa").tags)
    town.qa.write_traffic("titanic-qa", {one: 50, two: 50}, tags)
    town.clock.advance(60.0)

    tell(town, Command.ROLLBACK, reason="wrong scores")

    slot = town.state(QA).slot
    assert slot.foreign is not None
    assert "not rolled back" in slot.told
    assert town.traffic() == {one: 50, two: 50}


@pytest.mark.parametrize("error", [Unavailable("no"), Unknown("no answer")])
def test_a_failing_write_is_tried_again(town: Town, error: Exception) -> None:
    served(town, "1", "2")
    town.qa.faults.fail("write_traffic", error)

    tell(town, Command.ROLLBACK, reason="wrong scores")

    assert who_serves(town) == "1"


def test_it_works_while_everything_is_paused_and_the_slot_is_held(town: Town) -> None:
    served(town, "1", "2")
    tell(town, Command.HOLD, reason="looking")
    tell_everything(town)

    tell(town, Command.ROLLBACK, reason="wrong scores")

    assert who_serves(town) == "1"


def test_in_the_first_environment_it_needs_no_quorum_and_is_offered_to_nobody(tmp_path: Path) -> None:
    first = WARM.replace('endpoint: "{model}-dev",', 'endpoint: "{model}-dev", rollout: {warm: 24h},')
    town = Town(tmp_path, first)
    asked(town, "1")
    town.clock.advance(120.0)
    asked(town, "2")
    town.clock.advance(timedelta(minutes=2).total_seconds())
    offered = len(town.app.ledger.promotions(QA))

    tell(town, Command.ROLLBACK, DEV, reason="wrong scores")

    slot = town.state(DEV).slot
    assert slot.serving is not None
    assert slot.serving.version == "1"
    assert len(town.app.ledger.promotions(QA)) == offered


def tell_everything(town: Town) -> None:
    town.app.operating.pause(by=BEN, reason="incident")
