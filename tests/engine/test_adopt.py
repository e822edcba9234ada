"""`greenlight adopt`: what serves is the baseline, on an operator's word."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import Phase, Reason, Verdict
from shared.errors import Unavailable, Unknown
from tests.engine.test_foreign import by_hand, move
from tests.engine.test_operators import OPERATED, asked, journaled, live, tell, tell_of, until
from tests.engine.town import ANA, BEN, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def test_adopt_takes_what_serves_on_an_old_endpoint_as_the_baseline(town: Town) -> None:
    by_hand(town)
    writes = len(town.qa.accepted)

    assert tell(town, Command.ADOPT, reason="it has served for years").kind == "accepted"

    slot, promotion = town.state(QA).slot, town.promotion(1)
    assert slot.serving is not None
    assert (slot.serving.deployment, slot.serving.version) == ("byhand", "9")
    assert slot.serving.digest == promotion.digest != ""
    assert (promotion.verdict, promotion.reason, promotion.actor) == (Verdict.LIVE, Reason.ADOPTED, BEN.id)
    assert "no approvers were asked, Ben vouches: it has served for years" in promotion.sentence
    endpoint = town.qa.endpoint("titanic-qa")
    assert endpoint is not None
    assert endpoint.traffic == {"byhand": 100}
    assert (endpoint.tags["greenlight_slot"], endpoint.tags["prod"], endpoint.tags["team"]) == (
        "titanic@qa", "byhand", "ours",
    )  # fmt: skip
    assert [a[0] for a in town.qa.accepted[writes:]] == ["write_traffic"], "nothing is deployed"
    assert slot.offering == ()


def test_what_was_adopted_is_replaced_like_anything_that_serves(town: Town) -> None:
    by_hand(town)
    tell(town, Command.ADOPT, reason="baseline")

    live(town, "1")

    serving = town.state(QA).slot.serving
    assert serving is not None
    assert town.traffic() == {serving.deployment: 100}
    assert [d.name for d in town.qa.deployments("titanic-qa")] == [serving.deployment]


def test_adopt_after_a_foreign_change_retires_what_served_before(town: Town) -> None:
    live(town, "1")
    (old,) = town.traffic()
    by_hand(town)
    asked(town, "2")

    tell(town, Command.ADOPT, reason="a hot fix")

    slot = town.state(QA).slot
    assert slot.serving is not None
    assert slot.serving.deployment == "byhand"
    assert slot.foreign is None
    assert old not in {d.name for d in town.qa.deployments("titanic-qa")}
    assert town.state(QA).requests[2].k == 2, "what approvers were shown changed: they are asked anew"


def test_adopt_settles_a_first_switch_that_could_not_be_ended(town: Town) -> None:
    asked(town, "1")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.DEPLOYING, 1)
    by_hand(town)
    town.settle(most=1800)
    assert town.promotion(1).reason is Reason.FOREIGN_CHANGE

    tell(town, Command.ADOPT, reason="it serves, so be it")

    assert town.state(QA).slot.serving is not None
    assert town.state(QA).slot.open == ()
    assert town.traffic() == {"byhand": 100}


@pytest.mark.parametrize(
    ("arrange", "why"),
    [
        ("nothing", "nothing serves at titanic-qa"),
        ("split", "give all of it to one deployment first"),
        ("other model", "serves other:1, not a version of titanic"),
        ("another slot", "carries the mark of churn@qa"),
        ("moving", "promotion #2 is moving the slot"),
    ],
)
def test_what_cannot_be_adopted_stays_as_it_is_and_the_reason_is_said(
    town: Town, arrange: str, why: str
) -> None:
    match arrange:
        case "split":
            by_hand(town)
            by_hand(town, name="other")
            move(town, {"byhand": 50, "other": 50})
        case "other model":
            by_hand(town, traffic=False)
            town.qa.create_deployment(
                "titanic-qa", "alien", model=("other", "1"), instance_type="x", instance_count=1, tags={}
            )
            town.qa.online.get("titanic-qa").deployments["alien"].error = ""
            town.clock.advance(60)
            move(town, {"alien": 100})
        case "another slot":
            by_hand(town)
            move(town, {"byhand": 100}, greenlight_slot="churn@qa")
        case "moving":
            live(town, "1")
            asked(town, "2")
            town.vote(ANA, Decision.APPROVE)
            until(town, Phase.DEPLOYING, 2)
    before = town.traffic()

    told = town.app.operating.slot(Command.ADOPT, QA, by=BEN, reason="x")
    town.settle(most=2 if arrange == "moving" else 3600)

    assert told.kind == "accepted"
    assert why in town.state(QA).slot.told
    assert town.traffic() == before
    assert "command.refused" in journaled(town)


def test_adopting_that_nothing_serves_frees_a_slot_whose_endpoint_was_deleted(town: Town) -> None:
    live(town, "1")
    town.clock.advance(120)
    town.qa.delete_endpoint("titanic-qa")
    town.clock.advance(60)

    tell(town, Command.ADOPT, reason="it was torn down")
    assert town.state(QA).slot.serving is None
    live(town, "2")

    assert town.promotion(2).verdict is Verdict.LIVE


@pytest.mark.parametrize("port", ["qa", "blobs"])
@pytest.mark.parametrize(
    "operation", ["endpoint", "deployments", "model", "write_traffic", "list", "read", "put_json"]
)
@pytest.mark.parametrize("after_effect", [False, True])
def test_adoption_survives_failed_calls(town: Town, port: str, operation: str, after_effect: bool) -> None:
    by_hand(town)
    getattr(town, port).faults.fail(operation, Unknown("no answer"), times=2, after_effect=after_effect)

    tell(town, Command.ADOPT, reason="baseline")

    assert town.promotion(1).verdict is Verdict.LIVE
    assert town.traffic() == {"byhand": 100}


def test_an_adoption_can_be_aborted_and_leaves_everything_as_it_was(town: Town) -> None:
    by_hand(town)
    town.blobs.faults.fail("read", Unavailable("503"), times=10_000)
    town.app.operating.slot(Command.ADOPT, QA, by=BEN, reason="x")
    town.settle(most=60)

    tell_of(town, Command.ABORT, 1)
    town.settle()

    assert town.promotion(1).verdict is Verdict.ABORTED
    assert town.traffic() == {"byhand": 100}
    assert town.state(QA).slot.mover is None
    endpoint = town.qa.endpoint("titanic-qa")
    assert endpoint is not None
    assert "greenlight_slot" not in endpoint.tags
