"""A registry as the source: found by listing, deployed in place, copied by its own signature."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator import triggers
from orchestrator.app import build, read_policy
from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.healing import EVERY_REGISTRY
from orchestrator.model import Phase, Reason, Verdict
from orchestrator.rebuild_cli import over
from shared.errors import Forbidden, Unavailable
from shared.ports import ModelVersion, Run, WorkspacePort
from shared.queues import WAKES
from tests.engine.test_operators import tell
from tests.engine.town import ANA, AUTHOR, DEV, PIPELINE, QA, Town

REGISTRY = "azureml://registries/mlr-models"
PIPELINE_OF_REGISTRY = PIPELINE.replace('"{model}-dev"}', f'"{{model}}-dev", source: "{REGISTRY}"}}')

OPERATED = PIPELINE_OF_REGISTRY.replace('models"}', 'models", operators: [{name: Ben, id: "${BEN}"}]}', 1)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path, PIPELINE_OF_REGISTRY)
    triggers.sweep(made.app)
    return made


def share(town: Town, version: str, *, auc: float = 0.85, content: str = "") -> ModelVersion:
    """A run in dev logged its metric; its model was shared to the registry, and nobody tells of it."""
    run = Run(f"run-{version}", {"test_auc": auc}, {}, {}, "FINISHED", town.clock.now(), town.clock.now())
    town.runs.add(town.dev.tracking_uri(), run)
    files = {
        "MLmodel": b"flavors: {python_function: {loader_module: sample}}",
        "model.pkl": (content or f"bytes of {version}").encode(),
    }
    return town.registry.publish("titanic", version, files, created_by=AUTHOR, tags={"run_id": run.id})


def listed(town: Town, times: int = 1) -> None:
    for _ in range(times * int(EVERY_REGISTRY.total_seconds() // 60) + 1):
        town.sweep()


def dead_letters(town: Town) -> int:
    return len(town.app.dead.listed(None, 50, now=town.clock.now()))


def until_live(town: Town) -> None:
    """Handle wakes one by one until the first promotion is live in dev, and nothing was offered on."""
    triggers.sweep(town.app)
    for _ in range(300):
        for text in town.queues.take(WAKES):
            triggers.wake(town.app, text)
            known = town.app.ledger.promotion(DEV, 1)
            if known and known.verdict is Verdict.LIVE:
                return
        following = town.queues.next_visible(WAKES)
        assert following is not None
        town.clock.advance(max(0.0, (following - town.clock.now()).total_seconds()))
    raise AssertionError("it never went live")


def by_hand(town: Town, workspace: WorkspacePort) -> None:
    """Somebody has version 1 serve at the endpoint of dev: `workspace` says whose."""
    workspace.create_endpoint("titanic-dev", tags={})
    town.clock.advance(30)
    size = {"instance_type": "x", "instance_count": 1}
    workspace.create_deployment("titanic-dev", "byhand", model=("titanic", "1"), tags={}, **size)  # type: ignore[arg-type]
    town.clock.advance(60)
    workspace.write_traffic("titanic-dev", {"byhand": 100}, {})
    town.clock.advance(60)


def test_a_shared_version_goes_live_in_both_environments_with_the_same_digest(town: Town) -> None:
    share(town, "1")

    listed(town)
    assert town.promotion(1, DEV).verdict is Verdict.LIVE
    town.vote(ANA, Decision.APPROVE)
    town.settle()

    first, second = town.promotion(1, DEV), town.promotion(1, QA)
    assert second.verdict is Verdict.LIVE
    assert first.digest == second.digest
    assert first.registration.uri == f"{REGISTRY}/models/titanic/versions/1"
    assert first.registration.workspace == str(town.dev.id)
    assert town.traffic(DEV) == {first.candidate: 100}
    assert town.dev.models == {}, "the workspace is given no copy"
    (copied,) = town.qa.models.values()
    assert "/datastores/greenlight_frozen/paths/titanic.qa.1.1/1" in copied.uri
    here = town.dev.online.get("titanic-dev").deployments[first.candidate]
    assert (here.home, here.model) == (REGISTRY, ("titanic", "1"))


def test_it_is_found_within_minutes_and_not_left_to_an_event(town: Town) -> None:
    town.clock.advance(EVERY_REGISTRY.total_seconds() - 30)
    share(town, "1")

    town.sweep()

    assert town.promotion(1, DEV).registration.version == "1"


def test_an_old_registry_is_not_promoted_on_day_one(tmp_path: Path) -> None:
    town = Town(tmp_path, PIPELINE_OF_REGISTRY)
    for n in range(100):
        share(town, str(n))
    town.clock.advance(3600)

    listed(town, times=5)
    assert town.app.ledger.load(DEV) is None

    share(town, "100")
    listed(town)
    assert town.promotion(1, DEV).registration.version == "100"
    assert town.state(DEV).slot.next_n == 2


def test_a_registry_that_becomes_the_source_later_begins_on_its_own_day_one(tmp_path: Path) -> None:
    old = Town(tmp_path)
    triggers.sweep(old.app)
    old.clock.advance(3600)
    share(old, "1")
    policy = read_policy(PIPELINE_OF_REGISTRY, old.variables)
    new = build(old.app.settings, policy, old.ports, tmp_path)
    old.app = new

    listed(old, times=3)
    assert new.ledger.load(DEV) is None
    assert (mark := new.healing._sources.watermark("dev")) is not None
    assert mark.origin == REGISTRY

    share(old, "2")
    listed(old)
    assert old.promotion(1, DEV).registration.version == "2"


def test_what_the_workspace_registers_for_itself_is_ignored(town: Town) -> None:
    town.register("7")

    accepted = town.app.intake.event(town.event("7"))
    listed(town, times=2)

    assert (accepted.kind, accepted.why) == ("ignored", f"registrations come from {REGISTRY}, not from dev")
    assert town.app.ledger.load(DEV) is None
    assert dead_letters(town) == 0


def test_whoever_shares_may_say_so_and_need_not_wait(town: Town) -> None:
    share(town, "1")

    accepted = town.app.intake.event(town.event("1") | {"topic": REGISTRY.replace("mlr", "MLR")})
    town.settle()
    listed(town)

    assert accepted.kind == "accepted"
    assert town.promotion(1, DEV).verdict is Verdict.LIVE
    assert town.state(DEV).slot.next_n == 2, "the listing finds it once more, and that changes nothing"


def test_another_registry_is_a_dead_letter(town: Town) -> None:
    accepted = town.app.intake.event(town.event("1") | {"topic": "azureml://registries/another"})

    assert (accepted.kind, dead_letters(town)) == ("dead", 1)
    assert "azureml://registries/another is not in greenlight.yaml" in accepted.why


def test_a_run_still_brings_its_metrics(town: Town) -> None:
    share(town, "1", auc=0.5)
    event = town.event("1") | {
        "eventType": "Microsoft.MachineLearningServices.RunCompleted",
        "data": {"runId": "run-1"},
    }

    triggers.model_event(town.app, event)
    town.settle()

    ended = town.promotion(1, DEV)
    assert (ended.verdict, ended.reason) == (Verdict.FAILED, Reason.GATE)
    assert ended.registration.run_id == "run-1"


def test_other_bytes_under_the_same_version_are_not_copied(town: Town) -> None:
    share(town, "1")
    town.clock.advance(EVERY_REGISTRY.total_seconds())
    until_live(town)
    town.blobs.container("glregistry", "models-titanic").write("1/model.pkl", b"others")
    town.settle()

    ended = town.promotion(1)
    assert (ended.verdict, ended.reason) == (Verdict.ERRORED, Reason.BYTES_CHANGED)
    assert town.qa.accepted == []


def test_a_signature_is_asked_anew_and_never_kept(town: Town) -> None:
    """Steps hours apart: what opened the files has expired long since."""
    share(town, "1")
    town.qa.faults.fail("model", Forbidden("403: a role is still spreading"), times=1)
    listed(town)

    assert town.promotion(1, QA).phase is Phase.AWAITING_APPROVAL
    town.clock.advance(timedelta(hours=30).total_seconds())
    share(town, "2")
    listed(town)

    assert town.promotion(2, QA).phase is Phase.AWAITING_APPROVAL
    kept = [
        str(row.values)
        for t in town.store.tables.values()
        for rows in t.rows.values()
        for row in rows.values()
    ]
    stored = [str(blob.data) for key, blob in town.blobs.stored.items() if key[0] == "glapp"]
    assert [text for text in (*kept, *stored) if "sig=" in text] == []


def test_a_registry_that_does_not_answer_is_said_and_tried_again(town: Town) -> None:
    share(town, "1")
    town.registry.faults.fail("models_since", Unavailable("503 from the registry"), times=1)

    listed(town)
    (flaw,) = [f for f in town.app.condition.flaws() if "503" in f.wrong]
    assert flaw.where == REGISTRY

    listed(town)
    assert town.promotion(1, DEV).verdict is Verdict.LIVE


def test_what_serves_from_the_registry_is_adopted(tmp_path: Path) -> None:
    town = Town(tmp_path, OPERATED)
    share(town, "1")
    source = town.ports.workspaces(town.dev.id, town.registry.id)
    by_hand(town, source)

    assert tell(town, Command.ADOPT, DEV, reason="it has served for years").kind == "accepted"

    ended = town.promotion(1, DEV)
    assert (ended.verdict, ended.reason, ended.registration.version) == (Verdict.LIVE, Reason.ADOPTED, "1")
    assert ended.registration.uri == f"{REGISTRY}/models/titanic/versions/1"
    assert ended.digest


def test_a_model_of_the_workspace_is_none_of_the_registry_by_the_same_name(tmp_path: Path) -> None:
    town = Town(tmp_path, OPERATED)
    share(town, "1")
    town.register("1")
    by_hand(town, town.dev)

    tell(town, Command.ADOPT, DEV, reason="it has served for years")

    assert "serves no registered model" in town.state(DEV).slot.told
    assert town.app.ledger.promotion(DEV, 1) is None


def test_lost_tables_are_rebuilt_from_what_the_registry_still_says(town: Town, tmp_path: Path) -> None:
    share(town, "1")
    listed(town)
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    before = {key: town.state(key).slot.serving for key in (DEV, QA)}
    new = Town(tmp_path, PIPELINE_OF_REGISTRY, world=town)
    rebuild = over(new.app.settings, new.app.policy, new.ports)

    written = rebuild.write(rebuild.plan("Olga"))

    assert written.slots == ("titanic@dev", "titanic@qa")
    for key, known in before.items():
        found = new.state(key).slot.serving
        assert found is not None
        assert known is not None
        assert (found.version, found.digest, found.deployment) == (
            known.version,
            known.digest,
            known.deployment,
        )
    share(new, "2")
    listed(new)
    assert [p.registration.version for p in new.state(QA).promotions.values()] == ["2"]
