"""What other people change at an endpoint: seen, said, never built upon; adopted or put back on a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.explain import explain_slot
from orchestrator.model import Phase, Reason, SlotKey, Verdict
from shared.errors import Unavailable
from tests.engine.test_operators import OPERATED, asked, journaled, live, until
from tests.engine.town import ANA, DEV, QA, Town

MARK = {"greenlight_slot": "titanic@qa"}


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def by_hand(town: Town, version: str = "9", *, traffic: bool = True, name: str = "byhand") -> None:
    """Somebody deploys a version of the model in the studio, and moves traffic to it, tags untouched."""
    town.clock.advance(120)
    uri = f"azureml://datastores/workspaceblobstore/paths/hand/{version}"
    town.blobs.container("glqa", "azureml-blobstore").write(
        f"hand/{version}/MLmodel", b"flavors: {python_function: {loader_module: sample}}"
    )
    town.qa.add_model("titanic", version, uri=uri)
    if town.qa.endpoint("titanic-qa") is None:
        town.qa.create_endpoint("titanic-qa", tags={"team": "ours"})
        town.clock.advance(30)
    town.qa.create_deployment(
        "titanic-qa", name, model=("titanic", version), instance_type="x", instance_count=1, tags={}
    )
    town.clock.advance(60)
    if traffic:
        move(town, {name: 100})


def move(town: Town, weights: dict[str, int], **tags: str) -> None:
    endpoint = town.qa.endpoint("titanic-qa")
    assert endpoint is not None
    town.qa.write_traffic("titanic-qa", weights, {**endpoint.tags, **tags})
    town.clock.advance(60)


def said(town: Town, key: SlotKey = QA) -> str:
    e = explain_slot(town.state(key), town.clock.now())
    return " | ".join((e.headline, *e.because, e.next))


# ---- seen


def test_traffic_moved_by_hand_is_seen_when_the_slot_is_looked_at(town: Town) -> None:
    live(town, "1")
    by_hand(town)
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    town.settle(most=1800)

    assert town.traffic() == {"byhand": 100}, "nothing is overwritten"
    assert town.promotion(2).phase is Phase.AWAITING_APPROVAL
    assert "traffic is byhand 100 %" in said(town)
    assert "greenlight restore titanic@qa" in said(town)
    assert "greenlight adopt titanic@qa" in said(town)
    assert journaled(town).count("foreign.seen") == 1


def test_what_is_put_right_by_hand_goes_on_by_itself(town: Town) -> None:
    live(town, "1")
    serving = town.traffic()
    by_hand(town)
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    town.settle(most=1800)
    move(town, serving)

    town.settle()

    assert "foreign.gone" in journaled(town)
    assert town.promotion(2).verdict is Verdict.LIVE


@pytest.mark.parametrize("what", ["mark", "tag", "deployment", "endpoint"])
def test_whatever_else_was_changed_is_named(town: Town, what: str) -> None:
    live(town, "1")
    serving = town.state(QA).slot.serving
    assert serving is not None
    town.clock.advance(120)
    match what:
        case "mark":
            move(town, {serving.deployment: 100}, greenlight_slot="")
        case "tag":
            move(town, {serving.deployment: 100}, prod="another")
        case "deployment":
            move(town, {})
            town.qa.delete_deployment("titanic-qa", serving.deployment)
            town.clock.advance(60)
        case "endpoint":
            town.qa.delete_endpoint("titanic-qa")
            town.clock.advance(60)

    asked(town, "2")

    foreign = town.state(QA).slot.foreign
    assert foreign is not None
    expected = {
        "mark": "lost our mark",
        "tag": "tag prod is another",
        "deployment": "is gone",
        "endpoint": "is gone",
    }
    assert expected[what] in foreign.sentence


def test_a_change_under_a_moving_promotion_ends_it_and_stops_the_slot(town: Town) -> None:
    live(town, "1")
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.DEPLOYING, 2)
    by_hand(town)

    town.settle()

    promotion, slot = town.promotion(2), town.state(QA).slot
    assert (promotion.verdict, promotion.reason) == (Verdict.ERRORED, Reason.FOREIGN_CHANGE)
    assert slot.foreign is not None
    assert town.traffic() == {"byhand": 100}


def test_a_slot_whose_endpoint_cannot_be_read_still_takes_votes_and_rests_between_looks(town: Town) -> None:
    live(town, "1")
    asked(town, "2")
    town.clock.advance(120)
    town.qa.faults.fail("endpoint", Unavailable("503"), times=10_000)
    sent = town.queues.sent

    town.app.engine.wake(QA)

    town.settle(most=3 * 3600)

    assert town.state(QA).promotions[2].phase is Phase.AWAITING_APPROVAL
    assert town.queues.sent - sent <= 50, "looks back off"
    assert "503" in town.state(QA).slot.trouble


# ---- orphans


def test_a_deployment_of_ours_that_nothing_needs_is_reported_and_left(town: Town) -> None:
    live(town, "1")
    town.clock.advance(120)
    town.qa.create_deployment(
        "titanic-qa", "v0-old", model=("titanic", "1"), instance_type="x", instance_count=1, tags=MARK
    )
    town.clock.advance(60)

    asked(town, "2")

    assert town.state(QA).slot.orphans == ("v0-old",)
    assert "nothing needs v0-old" in said(town)
    assert journaled(town).count("orphans.seen") == 1
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    assert "v0-old" in {d.name for d in town.qa.deployments("titanic-qa")}
    assert town.state(DEV).slot.orphans == ()
