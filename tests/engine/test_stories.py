"""Promotions told from end to end, over twins."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.model import Phase, Reason, Verdict
from simulation.twins.scoring import answers
from tests.engine.town import ANA, DEV, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def live(town: Town, version: str, **how: object) -> None:
    town.register(version, **how)  # type: ignore[arg-type]
    town.announce(version)
    town.settle()
    assert town.vote(ANA, Decision.APPROVE).kind == "recorded"
    town.settle()


def test_a_registered_model_goes_live_in_dev_and_waits_for_people_in_qa(town: Town) -> None:
    town.register("1")

    town.announce("1")
    town.settle()

    dev, qa = town.state(DEV), town.state(QA)
    assert dev.slot.serving is not None
    assert dev.slot.serving.version == "1"
    assert town.traffic(DEV) == {dev.slot.serving.deployment: 100}
    assert qa.promotions[1].phase is Phase.AWAITING_APPROVAL
    assert [r["request"]["promotion"] for r in town.requests()] == ["titanic.qa.1.1"]
    assert town.traffic(QA) == {}


def test_an_approval_makes_exactly_these_bytes_serve(town: Town) -> None:
    live(town, "1")

    slot = town.state(QA).slot
    assert slot.serving is not None
    assert town.traffic(QA) == {slot.serving.deployment: 100}
    promotion = town.promotion(1)
    assert promotion.verdict is Verdict.LIVE
    registered = town.qa.model("titanic", "1")
    assert registered is not None
    assert registered.properties["greenlight_digest"] == promotion.digest
    assert "greenlight_frozen" in registered.uri


def test_a_newer_version_replaces_the_older_one_and_its_deployment_is_removed(town: Town) -> None:
    live(town, "1")
    first = town.state(QA).slot.serving

    live(town, "2")

    second = town.state(QA).slot.serving
    assert first is not None
    assert second is not None
    assert second.version == "2"
    assert town.traffic(QA) == {second.deployment: 100}
    assert [d.name for d in town.qa.deployments("titanic-qa")] == [second.deployment]


def test_a_model_below_the_gate_is_stopped_before_anything_is_deployed(town: Town) -> None:
    town.register("1", auc=0.71)

    town.announce("1")
    town.settle()

    promotion = town.promotion(1, DEV)
    assert (promotion.verdict, promotion.reason) == (Verdict.FAILED, Reason.GATE)
    assert "0.7100" in promotion.sentence
    assert town.dev.endpoint("titanic-dev") is None


def test_a_candidate_that_fails_its_probe_never_gets_traffic_and_is_removed(town: Town) -> None:
    live(town, "1")
    before = town.traffic(QA)
    town.register("2")
    town.announce("2")
    town.settle()
    town.scoring.models["titanic", "2"] = answers(500)

    town.vote(ANA, Decision.APPROVE)
    town.settle()

    promotion = town.promotion(2)
    assert (promotion.verdict, promotion.reason) == (Verdict.FAILED, Reason.PROBE)
    assert town.traffic(QA) == before
    assert len(town.qa.deployments("titanic-qa")) == 1
    assert promotion.candidate not in {e[-1] for e in town.qa.accepted if e[0] == "write_traffic"}


def test_the_very_first_deployment_is_probed_too(town: Town) -> None:
    town.scoring.models["titanic", "1"] = answers(500)
    town.register("1")

    town.announce("1")
    town.settle()

    assert town.promotion(1, DEV).reason is Reason.PROBE
    assert town.traffic(DEV) == {}


def test_a_rejection_changes_nothing(town: Town) -> None:
    live(town, "1")
    before = town.traffic(QA), town.qa.deployments("titanic-qa")
    town.register("2")
    town.announce("2")
    town.settle()

    town.vote(ANA, Decision.REJECT, comment="not convinced")
    town.settle()

    promotion = town.promotion(2)
    assert promotion.verdict is Verdict.REJECTED
    assert "not convinced" in promotion.sentence
    assert (town.traffic(QA), town.qa.deployments("titanic-qa")) == before


def test_the_same_event_twice_is_one_promotion(town: Town) -> None:
    town.register("1")

    for _ in range(3):
        town.announce("1")
        town.settle()
    town.announce("1", id_="another-id-for-the-same-fact")
    town.settle()

    assert town.state(DEV).slot.next_n == 2
    assert len(town.requests()) == 1


def test_an_event_for_a_version_that_does_not_exist_ends_visibly(town: Town) -> None:
    town.announce("7")
    town.settle()

    promotion = town.promotion(1, DEV)
    assert (promotion.verdict, promotion.reason) == (Verdict.ERRORED, Reason.NOT_FOUND)


def test_a_closed_slot_leaves_the_open_index(town: Town) -> None:
    live(town, "1")

    for _ in range(5):
        town.sweep()

    assert town.store.table("open").rows["open"] == {}
