"""What other people change at an endpoint: seen, said, never built upon; adopted or put back on a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.explain import explain_slot
from orchestrator.model import Phase, Reason, SlotKey, Verdict
from shared.errors import Unavailable, Unknown
from tests.engine.test_operators import OPERATED, asked, journaled, live, tell, tell_of, until
from tests.engine.town import ANA, BEN, DEV, QA, Town

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


# ---- restore


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


def test_a_late_write_of_our_own_is_put_right_without_a_word(town: Town) -> None:
    live(town, "1")
    before = town.traffic()
    by_hand(town, traffic=False)
    move(
        town,
        {"byhand": 100},
        prod="byhand",
        greenlight_promotion="titanic.qa.9.77",
        greenlight_traffic="byhand 100",
    )
    asked(town, "2")

    town.settle()

    assert town.traffic() == before
    rows = [r.entry for r in town.app.ledger.journal(QA, limit=1000) if r.entry.what == "foreign.seen"]
    assert rows[-1].why.startswith("a late write of ours")


# ---- adopt


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
