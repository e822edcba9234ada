"""What goes wrong, arrives twice, or changes under a promotion's feet."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator import triggers
from orchestrator.approval import Decision
from orchestrator.model import Phase, Reason, SlotKey, Verdict
from shared.names import slot_id
from shared.queues import WAKES
from tests.engine.town import ANA, BEN, DEV, OSCAR, PIPELINE, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def asked(town: Town, version: str, **how: object) -> None:
    town.register(version, **how)  # type: ignore[arg-type]
    town.announce(version)
    town.settle()


def live(town: Town, version: str, **how: object) -> None:
    asked(town, version, **how)
    town.vote(ANA, Decision.APPROVE)
    town.settle()


# ---- votes


def test_votes_by_people_who_may_not_vote_change_nothing(town: Town) -> None:
    asked(town, "1")

    outcome = town.vote(OSCAR, Decision.APPROVE)
    town.settle()

    assert outcome.kind == "not_allowed"
    assert town.state(QA).promotions[1].phase is Phase.AWAITING_APPROVAL


def test_the_same_answer_again_is_a_success_and_the_opposite_a_conflict(town: Town) -> None:
    asked(town, "1")

    kinds = [town.vote(ANA, d).kind for d in (Decision.APPROVE, Decision.APPROVE, Decision.REJECT)]

    assert kinds == ["recorded", "repeated", "conflict"]


def test_a_vote_on_other_evidence_than_is_asked_about_does_not_count(town: Town) -> None:
    asked(town, "1")

    outcome = town.app.intake.vote(
        QA, 1, 1, principal=ANA, decision=Decision.APPROVE, comment="", hash="0" * 64, channel="page"
    )

    assert outcome.kind == "changed"


def test_a_vote_after_the_end_finds_the_request_closed(town: Town) -> None:
    live(town, "1")
    request = town.app.ledger.request(QA, 1, 1)
    assert request is not None

    outcome = town.app.intake.vote(
        QA, 1, 1, principal=BEN, decision=Decision.REJECT, comment="", hash=request.hash, channel="page"
    )

    assert outcome.kind == "closed"


def test_nobody_decides_and_the_request_expires(town: Town) -> None:
    asked(town, "1")

    town.clock.advance(timedelta(days=7, minutes=1).total_seconds())
    town.sweep()

    promotion = town.promotion(1)
    assert (promotion.verdict, promotion.reason) == (Verdict.EXPIRED, Reason.EXPIRED)


# ---- registrations


def test_a_newer_version_whose_request_is_out_supersedes_the_older(town: Town) -> None:
    asked(town, "1")

    asked(town, "2")

    assert town.promotion(1).verdict is Verdict.SUPERSEDED
    assert town.state(QA).promotions[2].phase is Phase.AWAITING_APPROVAL


def test_a_newer_version_that_fails_its_gate_supersedes_nothing(town: Town) -> None:
    asked(town, "1")

    asked(town, "2", auc=0.5)

    assert town.state(QA).promotions[1].phase is Phase.AWAITING_APPROVAL


def test_the_very_bytes_that_serve_end_unchanged(town: Town) -> None:
    live(town, "1", content="same")

    asked(town, "2", content="same")

    assert town.promotion(2, DEV).verdict is Verdict.UNCHANGED


def test_files_that_change_after_dev_never_reach_qa(town: Town) -> None:
    town.register("1")
    town.announce("1")
    qa_name = slot_id(*QA)
    while town.app.ledger.load(QA) is None:
        for text in town.queues.take(WAKES):
            if qa_name not in text:
                triggers.wake(town.app, text)
        following = town.queues.next_visible(WAKES)
        town.clock.advance(
            1.0 if following is None else max(0.0, (following - town.clock.now()).total_seconds())
        )
        if following is None:
            break
    town.blobs.container("gldev", "azureml-blobstore").write("models/titanic/1/model.pkl", b"tampered")

    town.app.engine.wake(QA)
    town.settle()

    promotion = town.promotion(1)
    assert (promotion.verdict, promotion.reason) == (Verdict.ERRORED, Reason.BYTES_CHANGED)


def test_a_version_number_that_is_taken_in_qa_is_mapped(town: Town) -> None:
    town.qa.add_model("titanic", "1", uri="azureml://datastores/workspaceblobstore/paths/other")

    live(town, "1")

    promotion = town.promotion(1)
    assert promotion.verdict is Verdict.LIVE
    assert promotion.target_version == "2"


def test_a_lost_event_is_healed_by_the_finished_run(town: Town) -> None:
    model = town.register("1")
    run = town.event("1", id_="run-event") | {
        "eventType": "Microsoft.MachineLearningServices.RunCompleted",
        "data": {"runId": model.tags["run_id"]},
    }

    triggers.model_event(town.app, run)
    town.settle()

    assert town.state(QA).promotions[1].phase is Phase.AWAITING_APPROVAL
    assert town.app.healing._sources.run("dev", model.tags["run_id"]).metrics == {"test_auc": 0.85}  # type: ignore[union-attr]


def test_events_from_elsewhere_are_dead_letters_or_ignored(town: Town) -> None:
    other = str(town.dev.id).replace("mlw-dev", "mlw-other")

    triggers.model_event(town.app, town.event("1") | {"topic": other})
    triggers.model_event(town.app, "not even an object")
    triggers.model_event(town.app, town.event("1", model="churn"))
    triggers.model_event(town.app, town.event("1") | {"topic": str(town.qa.id)})

    letters = town.app.dead.listed(None, 10, now=town.clock.now())
    assert sorted(letter.reason.partition(" ")[0] for letter in letters) == ["an", "workspace"]
    assert town.app.ledger.load(DEV) is None


# ---- the endpoint


def test_an_endpoint_of_somebody_else_is_left_alone(town: Town) -> None:
    town.dev.create_endpoint("titanic-dev", tags={"team": "other"})
    town.clock.advance(60)

    asked(town, "1")

    promotion = town.promotion(1, DEV)
    assert (promotion.verdict, promotion.reason) == (Verdict.FAILED, Reason.PREFLIGHT)
    assert "was not made by Greenlight" in promotion.sentence


def test_two_models_never_share_an_endpoint_name(town: Town, tmp_path: Path) -> None:
    clash = Town(tmp_path, PIPELINE.replace("titanic*", "*"))
    for model in ("titanic-x", "TITANIC-X"):
        clash.register("1", model=model)
        clash.announce("1", model=model)
        clash.settle()

    first = clash.promotion(1, SlotKey("titanic-x", "dev"))
    second = clash.promotion(1, SlotKey("TITANIC-X", "dev"))
    assert first.verdict is Verdict.LIVE
    assert (second.verdict, second.reason) == (Verdict.FAILED, Reason.PREFLIGHT)


def test_traffic_changed_by_hand_stops_the_rollout_and_is_not_overwritten(town: Town) -> None:
    live(town, "1")
    asked(town, "2")
    town.qa.write_traffic("titanic-qa", {}, {"greenlight_slot": "titanic@qa"})
    town.clock.advance(30)

    town.vote(ANA, Decision.APPROVE)
    town.settle()

    promotion = town.promotion(2)
    assert (promotion.verdict, promotion.reason) == (Verdict.ERRORED, Reason.FOREIGN_CHANGE)
    assert town.traffic(QA) == {}


def test_a_failed_deployment_says_why_and_is_removed(town: Town) -> None:
    live(town, "1")
    town.qa.breaks["titanic", "2"] = "ImageBuildFailure: conda"
    asked(town, "2")

    town.vote(ANA, Decision.APPROVE)
    town.settle()

    promotion = town.promotion(2)
    assert (promotion.verdict, promotion.reason) == (Verdict.FAILED, Reason.DEPLOY)
    assert "ImageBuildFailure" in promotion.sentence
    assert len(town.qa.deployments("titanic-qa")) == 1
