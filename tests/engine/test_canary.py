"""A canary goes up its steps, each written once, read back and watched for its bake; the last one too."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.app import build, read_policy
from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import Phase, Reason, Verdict
from shared.model_uri import ModelUri
from simulation.twins.metrics import Answers
from tests.engine.test_operators import OPERATED, tell_of
from tests.engine.town import ANA, QA, Town, settings

ROLLOUT = "    rollout: {strategy: canary, steps: [10, 50, 100], bake: [5m, 10m, 20m], warm: 2h}\n"


def pipeline(rollout: str = ROLLOUT) -> str:
    return OPERATED.replace("    approval:\n", f"{rollout}    approval:\n", 1)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path, pipeline())
    made.metrics.load = 600.0
    live(made, "1")
    return made


def live(town: Town, version: str) -> None:
    approved(town, version)
    town.settle()
    assert town.promotion(int(version)).verdict is Verdict.LIVE


def approved(town: Town, version: str) -> str:
    """The candidate of this version has its quorum, its name, and no traffic yet."""
    town.register(version)
    town.announce(version)
    town.settle()
    town.vote(ANA, Decision.APPROVE)
    for _ in range(300):
        candidate = town.promotion(int(version)).candidate
        if candidate:
            return candidate
        town.settle(most=0.5)
        town.clock.advance(0.5)
    raise AssertionError("no candidate")


def watched(town: Town, step: int, n: int = 2) -> None:
    """Until this step (from 0) is observed."""
    for _ in range(2000):
        p = town.promotion(n)
        if (p.step, p.step_at is not None) == (step, True):
            return
        town.settle(most=0.5)
        town.clock.advance(0.5)
    raise AssertionError(f"step {step} was never observed: {p.step} {p.sentence}")


def writes(town: Town) -> list[str]:
    return [told[2] for told in town.qa.accepted if told[0] == "write_traffic"]


def test_the_steps_of_the_plan_are_written_one_by_one_and_nothing_else(town: Town) -> None:
    old, new = *town.traffic(), approved(town, "2")

    town.settle(most=7200)

    assert town.promotion(2).verdict is Verdict.LIVE
    ups = [{new: 10, old: 90}, {new: 50, old: 50}, {new: 100}]
    told = [" ".join(f"{n}={w}" for n, w in sorted(up.items())) for up in ups]
    assert writes(town)[1:] == told


def test_each_weight_is_watched_for_its_bake_and_the_last_one_before_live(town: Town) -> None:
    approved(town, "2")
    since = []
    for step in (0, 1, 2):
        watched(town, step)
        since.append(town.promotion(2).step_at or town.clock.now())
        assert (town.promotion(2).phase, town.state().slot.mover) == (Phase.SHIFTING, 2)
    town.settle(most=7200)

    ended = town.promotion(2).ended_at
    assert ended is not None
    assert since[1] - since[0] >= timedelta(minutes=5)
    assert since[2] - since[1] >= timedelta(minutes=10)
    assert ended - since[2] >= timedelta(minutes=20)
    previous = town.state().slot.previous
    assert previous is not None
    assert previous.n == 1


def test_the_plan_is_the_one_that_was_approved_whatever_the_policy_says_by_then(
    town: Town, tmp_path: Path
) -> None:
    approved(town, "2")
    watched(town, 0)
    since = town.promotion(2).step_at
    assert since is not None
    edited = read_policy(pipeline("    rollout: {strategy: blue_green}\n"), town.variables)
    town.app = build(settings(), edited, town.ports, tmp_path)
    town.settle(most=7200)

    assert town.promotion(2).verdict is Verdict.LIVE
    assert len(writes(town)) == 4
    ended = town.promotion(2).ended_at
    assert ended is not None
    assert ended - since >= timedelta(minutes=35)


@pytest.mark.parametrize("step", [0, 1, 2])
def test_an_abort_at_any_step_gives_everything_back_in_one_write(town: Town, step: int) -> None:
    (old,) = town.traffic()
    new = approved(town, "2")
    watched(town, step)
    count = len(writes(town))

    tell_of(town, Command.ABORT, 2)
    town.settle(most=7200)

    assert town.promotion(2).verdict is Verdict.ABORTED
    assert writes(town)[count:] == [f"{old}=100"]
    assert town.traffic() == {old: 100}
    assert new not in {d.name for d in town.qa.deployments("titanic-qa")}


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_hand_that_moves_traffic_between_steps_stops_it(town: Town, step: int) -> None:
    (old,) = town.traffic()
    new = approved(town, "2")
    watched(town, step)
    endpoint = town.qa.endpoint("titanic-qa")
    assert endpoint is not None
    town.clock.advance(90)
    town.qa.write_traffic("titanic-qa", {old: 70, new: 30}, endpoint.tags)
    count = len(writes(town))
    town.settle(most=7200)

    p, slot = town.promotion(2), town.state(QA).slot
    assert p.ending is not None
    assert p.ending.verdict is Verdict.ERRORED
    assert "changed by hand" in p.ending.sentence
    assert writes(town)[count:] == []
    assert town.traffic() == {old: 70, new: 30}
    assert slot.mover == 2


@pytest.mark.parametrize("step", [0, 1])
def test_bytes_that_change_between_steps_stop_the_rise_and_bring_stable_back(town: Town, step: int) -> None:
    (old,) = town.traffic()
    approved(town, "2")
    watched(town, step)
    count = len(writes(town))
    frozen = ModelUri.parse(town.promotion(2).frozen, town.qa.id)
    store = town.qa.datastores[frozen.datastore]
    town.blobs.container(store.account, store.container).write(f"{frozen.path}/model.pkl", b"other bytes")

    town.settle(most=7200)

    p = town.promotion(2)
    assert (p.verdict, p.reason) == (Verdict.ERRORED, Reason.BYTES_CHANGED)
    assert writes(town)[count:] == [f"{old}=100"]
    assert town.traffic() == {old: 100}


def test_copies_come_first_alone_and_end_with_the_first_weight(tmp_path: Path) -> None:
    said = "    rollout: {strategy: canary, steps: [10, 100], bake: 5m, mirror: {percent: 20, bake: 5m}}\n"
    town = Town(tmp_path, pipeline(said))
    town.metrics.load = 600.0
    live(town, "1")
    (old,) = town.traffic()
    new = approved(town, "2")
    watched(town, 0)
    endpoint = town.qa.endpoint("titanic-qa")
    assert endpoint is not None
    assert (dict(endpoint.traffic), dict(endpoint.mirror)) == ({old: 100}, {new: 20})

    watched(town, 1)
    endpoint = town.qa.endpoint("titanic-qa")
    assert endpoint is not None
    assert (dict(endpoint.traffic), dict(endpoint.mirror)) == ({old: 90, new: 10}, {})


def test_a_candidate_that_is_bad_at_copies_never_gets_a_request(tmp_path: Path) -> None:
    said = "    rollout: {strategy: canary, steps: [10, 100], bake: 5m, mirror: {percent: 20, bake: 5m}}\n"
    town = Town(tmp_path, pipeline(said))
    town.metrics.load = 600.0
    live(town, "1")
    (old,) = town.traffic()
    new = approved(town, "2")
    town.metrics.answers["titanic", "2"] = Answers(failing=0.5)
    town.settle(most=7200)

    assert town.promotion(2).verdict is Verdict.ROLLED_BACK
    assert town.traffic() == {old: 100}
    assert not any(f"{new}=" in told and "mirror" not in told for told in writes(town)[1:])


def test_a_newer_rollout_ends_the_warm_period_and_the_journal_says_so(town: Town) -> None:
    (first,) = town.traffic()
    approved(town, "2")
    town.settle(most=5000)
    assert first in {d.name for d in town.qa.deployments("titanic-qa")}, "it is warm"

    approved(town, "3")
    watched(town, 0, n=3)

    assert first not in {d.name for d in town.qa.deployments("titanic-qa")}
    told = [e.entry.why for e in town.app.ledger.journal(QA, limit=1000) if e.entry.what == "warm.ended"]
    assert any(first in why for why in told)


def test_steps_without_a_bake_follow_as_soon_as_each_is_seen(tmp_path: Path) -> None:
    town = Town(tmp_path, pipeline("    rollout: {strategy: canary, steps: [10, 100], bake: 0s}\n"))
    live(town, "1")
    approved(town, "2")
    town.settle(most=300)

    assert town.promotion(2).verdict is Verdict.LIVE
    assert len(writes(town)) == 3
