"""While a step bakes it is watched: healthy goes on, sick goes back in one write, unknown holds and asks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator import triggers
from orchestrator.commands import Command
from orchestrator.explain import explain
from orchestrator.model import Reason, Verdict
from orchestrator.troubles import MAX_TROUBLES
from shared.errors import Unavailable
from simulation.twins.metrics import Answers
from simulation.twins.scoring import answers
from tests.engine.test_canary import ROLLOUT, approved, live, pipeline, watched, writes
from tests.engine.test_operators import tell_of
from tests.engine.test_storm import Outage
from tests.engine.town import BEN, QA, Town

SICK = Answers(failing=0.2)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path, pipeline())
    made.metrics.load = 600.0
    live(made, "1")
    return made


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_candidate_that_sickens_at_any_step_goes_back_in_one_write_and_is_removed(
    town: Town, step: int
) -> None:
    (old,) = town.traffic()
    new = approved(town, "2")
    watched(town, step)
    count = len(writes(town))

    town.metrics.answers["titanic", "2"] = SICK
    town.settle(most=7200)

    p = town.promotion(2)
    assert (p.verdict, p.reason) == (Verdict.ROLLED_BACK, Reason.UNHEALTHY)
    assert f"step {step + 1} of 3" in p.sentence
    assert writes(town)[count:] == [f"{old}=100"]
    assert town.traffic() == {old: 100}
    assert new not in {d.name for d in town.qa.deployments("titanic-qa")}
    serving = town.state().slot.serving
    assert serving is not None
    assert serving.n == 1


def test_a_sick_stable_does_not_keep_its_healthy_replacement_out(town: Town) -> None:
    town.metrics.answers["titanic", "1"] = SICK
    approved(town, "2")

    town.settle(most=7200)

    assert town.promotion(2).verdict is Verdict.LIVE


def test_no_data_is_never_health_the_weight_is_held_and_a_person_asked(town: Town) -> None:
    (old,) = town.traffic()
    new = approved(town, "2")
    watched(town, 0)
    for _ in range(2000):
        town.metrics.faults.fail("health", Unavailable("no metrics"))
    town.settle(most=4000)

    p = town.promotion(2)
    assert p.open
    assert town.traffic() == {new: 10, old: 90}
    assert "a person must decide" in p.trouble
    assert "could not be read" in p.trouble

    tell_of(town, Command.ABORT, 2)
    town.settle()
    assert town.traffic() == {old: 100}


def test_where_nobody_asks_the_endpoint_both_are_asked_by_name(town: Town) -> None:
    town.metrics.load = 0.0
    approved(town, "2")
    town.settle(most=7200)

    assert town.promotion(2).verdict is Verdict.LIVE
    replays = [e for e in town.app.ledger.journal(QA, limit=1000) if e.entry.what == "replay.done"]
    assert replays


def test_where_nobody_looked_while_there_was_patience_the_endpoint_is_asked_before_a_person(
    town: Town,
) -> None:
    town.metrics.load = 0.0
    approved(town, "2")
    watched(town, 0)
    town.clock.advance(3 * 3600)
    town.settle(most=7200)

    assert town.promotion(2).verdict is Verdict.LIVE
    assert "person.needed" not in [e.entry.what for e in town.app.ledger.journal(QA, limit=1000)]


def test_a_person_is_asked_about_an_endpoint_that_never_answers_and_it_is_asked_now_and_then(
    town: Town,
) -> None:
    town.metrics.load = 0.0
    approved(town, "2")
    watched(town, 0)
    town.clock.advance(3 * 3600)
    for _ in range(1000):
        town.scoring.faults.fail("score", Unavailable("503"))
    town.settle(most=1800)

    told = [e.entry.what for e in town.app.ledger.journal(QA, limit=1000)]
    assert told.count("person.needed") == 1
    assert 3 <= told.count("replay.done") <= 1800 / 300 + 1

    town.settle(most=10_000)
    assert town.promotion(2).verdict is Verdict.LIVE, "it answers again, and nobody had to come"


def test_a_read_that_fails_now_and_then_over_a_long_bake_ends_nothing(tmp_path: Path) -> None:
    town = Town(tmp_path, pipeline(ROLLOUT.replace("[5m, 10m, 20m]", "40h")))
    town.metrics.load = 600.0
    approved(town, "1")
    for _ in range(MAX_TROUBLES + 5):
        town.qa.faults.fail("endpoint", Unavailable("503"))
        town.settle(most=2400)

    troubled = [
        e for e in town.app.ledger.journal(QA, limit=1000) if e.entry.what == "look.endpoint.troubled"
    ]
    assert len(troubled) > MAX_TROUBLES
    assert town.promotion(1).ending is None
    town.settle(most=48 * 3600)
    assert town.promotion(1).verdict is Verdict.LIVE


def test_a_candidate_that_fails_only_when_asked_by_us_goes_back_too(town: Town) -> None:
    town.metrics.load = 0.0
    approved(town, "2")
    watched(town, 1)
    town.scoring.models["titanic", "2"] = answers(424)
    town.settle(most=7200)

    assert town.promotion(2).verdict is Verdict.ROLLED_BACK


def test_the_first_deployment_has_nothing_to_go_back_to_and_asks(tmp_path: Path) -> None:
    town = Town(tmp_path, pipeline())
    town.metrics.load = 600.0
    town.metrics.answers["titanic", "1"] = SICK
    new = approved(town, "1")
    town.settle(most=7200)

    p = town.promotion(1)
    assert p.open
    assert town.traffic() == {new: 100}
    assert "nothing served before" in p.trouble

    town.metrics.answers["titanic", "1"] = Answers()
    town.settle(most=7200)
    assert town.promotion(1).verdict is Verdict.LIVE


def test_a_candidate_that_was_rolled_back_is_kept_for_a_look_if_policy_says_so(tmp_path: Path) -> None:
    kept = pipeline("    rollout: {strategy: canary, steps: [10, 100], keep_failed: 4h}\n")
    town = Town(tmp_path, kept)
    town.metrics.load = 600.0
    live(town, "1")
    new = approved(town, "2")
    watched(town, 0)
    town.metrics.answers["titanic", "2"] = SICK
    town.settle(most=600)

    assert town.promotion(2).verdict is Verdict.ROLLED_BACK
    assert town.state().slot.mover is None
    assert new in {d.name for d in town.qa.deployments("titanic-qa")}
    due = town.state().slot.retiring[new]
    assert due - town.clock.now() > timedelta(hours=3)

    town.settle(most=5 * 3600)
    assert new not in {d.name for d in town.qa.deployments("titanic-qa")}


def test_a_candidate_that_dies_under_traffic_goes_back(town: Town) -> None:
    (old,) = town.traffic()
    new = approved(town, "2")
    watched(town, 1)
    endpoint = town.qa.online.get("titanic-qa")
    endpoint.deployments[new].state = "Failed"
    town.settle(most=7200)

    assert town.promotion(2).verdict is Verdict.ROLLED_BACK
    assert town.traffic() == {old: 100}


def test_an_operator_who_knows_vouches_for_the_step_that_automation_cannot_judge(town: Town) -> None:
    approved(town, "2")
    watched(town, 0)
    for _ in range(2000):
        town.metrics.faults.fail("health", Unavailable("no metrics"))
    town.settle(most=4000)
    assert town.promotion(2).step == 0
    town.app.operating.slot(Command.RESUME, QA, by=BEN, reason="I looked myself")
    watched(town, 1)

    assert any("vouches" in e.entry.why for e in town.app.ledger.journal(QA, limit=1000))
    health = town.promotion(2).health
    assert health is None or not health.vouched, "the word is for one step"


def test_a_rollback_needs_no_queue_the_sweep_looks_itself(town: Town) -> None:
    (old,) = town.traffic()
    approved(town, "2")
    watched(town, 1)
    town.metrics.answers["titanic", "2"] = SICK
    Outage(town.queues)
    town.queues.messages.clear()
    for _ in range(20):
        town.clock.advance(60)
        triggers.sweep(town.app)

    assert town.traffic() == {old: 100}


def test_it_is_said_at_every_moment_why_traffic_is_what_it_is(town: Town) -> None:
    (old,) = town.traffic()
    new = approved(town, "2")
    watched(town, 1)
    since = town.promotion(2).step_at
    town.settle(most=120)

    assert since is not None
    said = explain(town.state(), town.promotion(2), town.clock.now())

    assert said.headline == f"Step 2 of 3: {old} 50 %, {new} 50 % since {since:%H:%M} UTC"
    assert "healthy" in said.because[0]
    assert "100 %" in said.next
