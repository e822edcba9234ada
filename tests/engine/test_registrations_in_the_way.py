"""Version numbers that are taken or used again, and registrations that arrive while another one is moving."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.model import Phase, Reason, Verdict
from tests.engine.test_operators import OPERATED, asked, live, until
from tests.engine.town import ANA, DEV, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def test_a_number_that_is_registered_again_with_other_bytes_is_another_registration(town: Town) -> None:
    live(town, "1")
    before = town.state(QA).slot.serving
    del town.dev.models["titanic", "1"]
    town.clock.advance(60)
    town.register("1", content="other bytes")

    town.announce("1", id_="told again")
    town.settle()
    town.vote(ANA, Decision.APPROVE)
    town.settle()

    after = town.state(QA).slot.serving
    assert before is not None
    assert after is not None
    assert (after.version, after.digest) == ("1", town.promotion(2, DEV).digest)
    assert after.digest != before.digest
    assert after.target_version == "2", "its number is taken in qa by the first one"
    assert town.qa.models["titanic", "1"].uri != town.qa.models["titanic", "2"].uri


def test_registered_again_with_other_bytes_while_people_are_asked_nobody_approves_what_they_did_not_see(
    town: Town,
) -> None:
    live(town, "1")
    asked(town, "2")
    shown = town.state(QA).requests[2]
    del town.dev.models["titanic", "2"]
    town.clock.advance(60)
    town.register("2", content="other bytes")

    town.announce("2", id_="told again")
    town.settle()

    assert town.promotion(2).verdict is Verdict.SUPERSEDED, "its own bytes are those of the earlier one"
    late = town.app.intake.vote(
        QA, 2, 1, principal=ANA, decision=Decision.APPROVE, comment="", hash=shown.hash, channel="page"
    )
    wrong = town.app.intake.vote(
        QA, 3, 1, principal=ANA, decision=Decision.APPROVE, comment="", hash=shown.hash, channel="page"
    )
    assert (late.kind, wrong.kind) == ("closed", "changed")
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    serving = town.state(QA).slot.serving
    assert serving is not None
    assert (serving.version, serving.digest) == ("2", town.promotion(3).digest)
    assert serving.digest != town.promotion(2).digest


def test_an_archived_version_in_the_way_is_mapped_and_stays_as_it_is(town: Town) -> None:
    town.qa.add_model("titanic", "1", uri="azureml://datastores/workspaceblobstore/paths/other")
    town.qa.archive("titanic", "1")
    there = town.qa.models["titanic", "1"]

    live(town, "1")

    serving = town.state(QA).slot.serving
    assert serving is not None
    assert (serving.version, serving.target_version) == ("1", "2")
    assert town.qa.models["titanic", "1"] == there


@pytest.mark.parametrize("gone", [("1",), ("1", "2", "3")])
def test_a_number_that_was_deleted_cannot_be_had_and_the_next_one_is_taken(
    town: Town, gone: tuple[str, ...]
) -> None:
    """Nothing shows that it was used: the refusal says so, and the journal why the number is another."""
    for version in gone:
        town.qa.add_model("titanic", version)
        town.qa.delete_model("titanic", version)

    live(town, "1")

    serving, after = town.state(QA).slot.serving, str(int(gone[-1]) + 1)
    assert serving is not None
    assert (serving.version, serving.target_version) == ("1", after)
    rows = town.app.ledger.journal(QA)
    said = [r.entry.why for r in rows if r.entry.what == "register.done"]
    assert said[0] == "version 1 was deleted there: its number is gone; using 2"
    assert len(said) == len(gone) + 1


def test_what_was_registered_for_a_candidate_and_deleted_under_it_ends_the_promotion(town: Town) -> None:
    """Another number would not be what the candidate runs."""
    live(town, "1")
    before = town.traffic()
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.DEPLOYING, 2)
    town.qa.delete_model("titanic", "2")

    town.settle()

    p = town.promotion(2)
    assert p.verdict in (Verdict.ERRORED, Verdict.FAILED), p
    assert "cannot be recreated" in p.sentence
    assert town.traffic() == before
    assert len(town.qa.deployments("titanic-qa")) == 1


def test_what_was_approved_and_is_archived_in_the_target_serves_all_the_same(town: Town) -> None:
    """Archived assets are hidden from lists and work: archiving ours by hand takes nothing back."""
    live(town, "1")
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.DEPLOYING, 2)
    town.qa.archive("titanic", "2")

    town.settle()

    assert town.promotion(2).verdict is Verdict.LIVE


def test_what_is_archived_before_it_is_looked_at_ends_with_that_reason(town: Town) -> None:
    town.register("1")
    town.dev.archive("titanic", "1")

    town.announce("1")
    town.settle()

    p = town.promotion(1, DEV)
    assert (p.verdict, p.reason, p.sentence) == (Verdict.ERRORED, Reason.ARCHIVED, "version 1 is archived")


@pytest.mark.parametrize("phase", [Phase.DEPLOYING, Phase.SHIFTING])
def test_one_that_arrives_while_an_approved_one_is_moving_waits_until_that_is_done(
    town: Town, phase: Phase
) -> None:
    asked(town, "1")
    town.vote(ANA, Decision.APPROVE)
    until(town, phase, 1)

    asked(town, "2")

    assert town.promotion(1).verdict is Verdict.LIVE, "from quorum on, the older finishes first"
    assert town.state(QA).promotions[2].phase is Phase.AWAITING_APPROVAL


def test_one_that_arrives_while_the_old_deployment_is_kept_warm_goes_its_way(tmp_path: Path) -> None:
    warm = OPERATED.replace(
        '    endpoint: "{model}-qa"\n', '    endpoint: "{model}-qa"\n    rollout: {warm: 24h}\n'
    )
    town = Town(tmp_path, warm)
    live(town, "1")
    live(town, "2")
    assert town.state(QA).slot.retiring

    live(town, "3")

    serving = town.state(QA).slot.serving
    assert serving is not None
    assert serving.version == "3"
    assert town.traffic() == {serving.deployment: 100}


@pytest.mark.parametrize(
    ("late", "verdict"), [(-1, Verdict.LIVE), (0, Verdict.EXPIRED), (1, Verdict.EXPIRED)]
)
def test_the_deciding_vote_counts_up_to_the_moment_of_expiry_and_not_at_it(
    town: Town, late: int, verdict: Verdict
) -> None:
    asked(town, "1")
    expires = town.state(QA).requests[1].expires_at
    assert expires is not None
    town.clock.advance((expires + timedelta(microseconds=late) - town.clock.now()).total_seconds())

    town.vote(ANA, Decision.APPROVE)
    town.clock.advance(1)
    town.app.engine.wake(QA)
    town.settle()

    assert town.promotion(1).verdict is verdict
