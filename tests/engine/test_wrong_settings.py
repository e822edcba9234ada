"""A workspace id that cannot be one, a Teams address that is none: the app runs, and only that waits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.app import build, read_policy
from orchestrator.approval import Decision
from orchestrator.explain import explain
from orchestrator.model import Phase, SlotKey, Verdict
from shared.settings import TEAMS, Flaw
from tests.engine.town import ANA, DEV, PIPELINE, QA, Town, settings

DAYS = 86_400.0


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def restart(town: Town, root: Path, **variables: str) -> None:
    """The app again, with other settings, over the same tables and queues."""
    policy = read_policy(PIPELINE, {**town.variables, **variables})
    town.app = build(settings(), policy, town.ports, root)


def typo(town: Town, env: str) -> str:
    return town.variables[env].replace("resourceGroups", "resourcegroup")


def test_with_a_typo_in_qa_dev_goes_on_and_qa_waits_until_it_is_mended(town: Town, tmp_path: Path) -> None:
    restart(town, tmp_path, QA=typo(town, "QA"))
    town.register("1")
    town.announce("1")
    town.settle(most=DAYS)

    assert town.promotion(1, DEV).verdict is Verdict.LIVE
    waiting = town.promotion(1, QA)
    assert waiting.open
    assert "segment 3 is 'resourcegroup', not 'resourceGroups'" in waiting.trouble
    said = explain(town.state(QA), waiting, town.clock.now())
    assert any("is not the id of a workspace" in because for because in said.because)

    restart(town, tmp_path)
    town.settle()
    town.vote(ANA, Decision.APPROVE)
    town.settle()

    assert town.promotion(1, QA).verdict is Verdict.LIVE


def test_with_a_typo_in_dev_what_was_accepted_waits_until_it_is_mended(town: Town, tmp_path: Path) -> None:
    """The event came before somebody broke the setting; no engine had looked yet."""
    town.register("1")
    town.announce("1")
    restart(town, tmp_path, DEV=typo(town, "DEV"))
    town.settle(most=DAYS)

    assert town.state(DEV).promotions == {}
    assert "is not the id of a workspace" in town.state(DEV).slot.trouble

    restart(town, tmp_path)
    town.settle()

    assert town.promotion(1, DEV).verdict is Verdict.LIVE


def test_an_event_that_comes_meanwhile_is_kept_and_found_again(town: Town, tmp_path: Path) -> None:
    """No environment has the workspace that it names: it is in dead letters, and the listing heals it."""
    restart(town, tmp_path, DEV=typo(town, "DEV"))
    town.sweep()
    town.register("1")
    town.announce("1")
    town.settle(most=7200)

    assert town.app.ledger.load(SlotKey("titanic", "dev")) is None

    restart(town, tmp_path)
    for _ in range(200):
        town.sweep()
        if town.app.ledger.load(DEV) is not None:
            break
    town.settle()

    assert town.promotion(1, DEV).verdict is Verdict.LIVE


def test_the_same_workspace_in_another_spelling_is_the_same(town: Town, tmp_path: Path) -> None:
    shouted = {env: town.variables[env].upper().strip("/") + "/" for env in ("DEV", "QA")}
    restart(town, tmp_path, **shouted)
    town.register("1")
    town.announce("1")
    town.settle()

    assert town.promotion(1, QA).phase is Phase.AWAITING_APPROVAL


def test_workspaces_in_two_subscriptions_promote_like_any_others(town: Town) -> None:
    town.register("1")
    town.announce("1")
    town.settle()
    town.vote(ANA, Decision.APPROVE)
    town.settle()

    assert town.dev.id.subscription != town.qa.id.subscription
    assert town.promotion(1, QA).verdict is Verdict.LIVE
    assert town.promotion(1, QA).registration.workspace == str(town.dev.id)


def test_with_a_wrong_teams_address_people_are_told_elsewhere_and_in_teams_once_it_is_mended(
    town: Town, tmp_path: Path
) -> None:
    posted: list[str] = []
    flaw = Flaw(TEAMS, "it is no address", "no card is posted", "Mend it.")
    ports = replace(town.ports, post=lambda address, card, timeout: posted.append(address))
    policy = read_policy(PIPELINE, town.variables)
    town.app = build(replace(settings(), flaws=(flaw,)), policy, ports, tmp_path)
    town.register("1")
    town.announce("1")
    town.settle()

    assert len(town.requests()) == 1
    assert posted == []

    webhook = "https://teams.example/workflow"
    town.app = build(replace(settings(), teams_webhook=webhook), policy, ports, tmp_path)
    for _ in range(20):
        town.sweep(300)

    assert posted[:1] == [webhook]
    assert "teams" in town.state(QA).requests[1].notified
