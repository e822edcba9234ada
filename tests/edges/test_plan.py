"""What another greenlight.yaml would do, over the API and the command line; nothing of it is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator import cli
from orchestrator.app import policy_of, read_policy
from orchestrator.model import SlotKey
from orchestrator.planning import Planning
from orchestrator.policy_changes import compare
from tests.edges.front import serving
from tests.edges.test_api_commands import post
from tests.edges.test_cli import run
from tests.edges.world import ANA, OUTSIDER, POLICY, TENANT, World

RULE = {"approvers": [{"name": "Ana", "id": f"{TENANT}/{ANA}"}]}


def changed(path: str, value: object) -> str:
    """The world's policy as text, with one value that is another (None: taken out)."""
    data: Any = json.loads(json.dumps(POLICY))
    at = data
    *parents, last = path.split(".")
    for part in parents:
        at = at[int(part)] if part.isdecimal() else at[part]
    if value is None:
        del at[int(last) if last.isdecimal() else last]
    else:
        at[int(last) if last.isdecimal() else last] = value
    return yaml.safe_dump(data)


def planned(world: World, text: str) -> dict[str, Any]:
    status, data = post(world, "/api/plan", {"policy": text})
    assert status == 200, data
    return data


def serves(world: World) -> World:
    """titanic@qa serves version 1, and asks about version 2, as promotion 2."""
    world.asked()
    return world


def says(found: dict[str, Any], slot: str = "titanic@qa") -> str:
    return " | ".join(line for s in found["slots"] if s["slot"] == slot for line in s["says"])


def test_the_same_file_changes_nothing():
    world = World()
    world.asked()
    found = planned(world, yaml.safe_dump(POLICY))

    assert (found["changed"], found["errors"], found["pipeline"], found["slots"]) == (False, [], [], [])
    assert found["looked_at"] == 1


def test_a_renamed_endpoint_orphans_the_old_one_and_lapses_approvals():
    world = serves(World())
    before = dict(world.store.table("slots").rows["titanic@qa"])

    found = planned(world, changed("environments.1.endpoint", "{model}-new"))

    said = says(found)
    assert "endpoint titanic-qa → titanic-new" in said
    assert "endpoint titanic-qa goes on serving version 1, orphaned" in said
    assert "until `greenlight adopt titanic@qa" in said
    (slot,) = found["slots"]
    assert (slot["change"], slot["lapses"]) == ("changed", [2])
    assert world.store.table("slots").rows["titanic@qa"] == before, "nothing was written"


def test_rollout_gates_and_instances_count_from_the_next_promotion_on():
    world = serves(World())
    data: Any = json.loads(json.dumps(POLICY))
    data["environments"][1] |= {
        "rollout": {"strategy": "canary", "steps": [10, 100]},
        "deployment": {"instance_count": 3},
    }
    data["models"][0]["gates"] = {"qa": [{"metric": "auc", "min": 0.9}]}

    said = says(planned(world, yaml.safe_dump(data)))

    assert "rollout.strategy: blue_green → canary" in said
    assert "what was approved keeps the plan that was shown" in said
    assert "deployment.instance_count: 1 → 3" in said
    assert "gates: nothing → " in said
    assert "what was checked already keeps its result" in said


def test_open_requests_keep_their_frozen_rule():
    world = serves(World())
    old = read_policy(changed("environments.1.approval", RULE), {})
    new = read_policy(changed("environments.1.approval", {**RULE, "required": 1, "expires": "1d"}), {})
    state = world.ledger.load(SlotKey("titanic", "qa"))
    assert state is not None

    (change,) = compare(old, new, [state.state]).slots

    said = " | ".join(change.says)
    assert "approval.expires: " in said
    assert "open requests keep the rule under which they were asked: #2" in said
    assert change.lapses == ()


def test_a_rule_that_goes_lets_open_ones_through_and_that_is_said():
    world = serves(World())
    old = read_policy(changed("environments.1.approval", RULE), {})
    new = read_policy(yaml.safe_dump(POLICY), {})
    state = world.ledger.load(SlotKey("titanic", "qa"))
    assert state is not None

    (there,) = compare(old, new, [state.state]).slots
    (back,) = compare(new, old, [state.state]).slots

    assert "open promotions go on without an answer: #2" in there.says
    assert "open promotions ask them, too: #2" in back.says


def test_new_and_removed_environments():
    world = serves(World())
    more = json.loads(json.dumps(POLICY))
    more["environments"].append(
        {"name": "prod", "workspace": POLICY["environments"][1]["workspace"].replace("mlw-qa", "mlw-prod")}
    )

    new = planned(world, yaml.safe_dump(more))
    gone = planned(world, changed("environments.1", None))

    assert "environments: dev, qa → dev, qa, prod" in new["pipeline"]
    assert ("titanic@prod", "new") in [(s["slot"], s["change"]) for s in new["slots"]]
    assert "what goes live here is offered to prod (before: nobody)" in says(new)
    (slot,) = [s for s in gone["slots"] if s["slot"] == "titanic@qa"]
    assert slot["change"] == "removed"
    assert "goes on serving version 1, and nobody looks after it" in says(gone)
    assert "open promotions stop where they are: #2" in says(gone)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("version: 1\nenvironments: []\nmodels: []\n", "environments"),
        (
            changed("environments.1.rollout", {"strategy": "canary", "steps": [50, 20]}),
            "environments.1.rollout",
        ),
        (changed("environments.1.surprise", 1), "environments.1.surprise"),
        (changed("environments.1.workspace", "${NOT_SET}"), "NOT_SET"),
        ("a: [", "YAML"),
        ("[" * 3000, "YAML"),
        ("a: " + "9" * 20_000, "YAML"),
        ("a: &a [*a]", "aliases"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(8)
            ),
            "aliases",
        ),
    ],
    ids=["empty", "steps", "key", "variable", "yaml", "deep", "number", "endless", "bomb"],
)
def test_what_is_wrong_is_said_with_its_place(text: str, place: str):
    found = planned(World(), text)

    assert any(place in line for line in found["errors"]), found["errors"]
    assert (found["slots"], found["changed"]) == ([], False)


def test_no_secret_and_no_variable_of_the_host_is_told():
    """Whoever plans may write what they like; only what the deployed file uses openly has a value."""
    data: Any = json.loads(json.dumps(POLICY))
    data["environments"][1]["workspace"] = "${QA}"
    data["environments"][1]["approval"] = {
        "approvers": [{"name": "Ana", "id": f"{TENANT}/{ANA}", "channel": {"webhook": "${HOOK}"}}]
    }
    values = {
        "QA": POLICY["environments"][1]["workspace"],
        "HOOK": "https://secret.example/sig=abc",
        "GREENLIGHT_JOURNAL_KEY": "hush",
    }
    old = policy_of(data, values)
    world = serves(World())
    planning = Planning(policy=old, ledger=world.ledger, read=policy_of)
    data["environments"][1]["endpoint"] = "{model}-${HOOK}"

    told = planning.plan(yaml.safe_dump(data))
    data["environments"][1]["endpoint"] = "{model}-${GREENLIGHT_JOURNAL_KEY}"
    refused = planning.plan(yaml.safe_dump(data))

    assert told.changes.any
    assert "secret" not in str(told)
    assert "abc" not in str(told)
    assert refused.errors == ("greenlight.yaml uses variables that are not set: GREENLIGHT_JOURNAL_KEY",)


def test_only_operators_plan():
    world = World()
    for oid in (ANA, OUTSIDER):
        status, data = post(world, "/api/plan", {"policy": "version: 1"}, oid)
        assert (status, data["error"]["code"]) == (403, "not_allowed")
    assert post(world, "/api/plan", {"policy": " "})[0] == 400
    assert post(world, "/api/plan", {"text": "version: 1"})[0] == 400


def test_the_exit_code_tells_whether_something_would_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    same, other, wrong = (tmp_path / f"{name}.yaml" for name in ("same", "other", "wrong"))
    same.write_text(yaml.safe_dump(POLICY))
    other.write_text(changed("environments.1.endpoint", "{model}-new"))
    wrong.write_text("version: 2\n")

    with serving(serves(World())) as front:
        assert run(front, "plan", str(same), token="token-ben") == 0
        assert "Nothing changes for 1 slots." in capsys.readouterr().out
        assert run(front, "plan", str(other), token="token-ben") == 2
        assert "titanic@qa (changed)\n  · endpoint titanic-qa → titanic-new" in capsys.readouterr().out
        assert run(front, "plan", str(wrong), token="token-ben") == 1
        assert "version: " in capsys.readouterr().out
        assert run(front, "plan", str(other), "--json", token="token-ben") == 2
        assert json.loads(capsys.readouterr().out)["slots"][0]["lapses"] == [2]
        assert run(front, "plan", str(tmp_path / "none.yaml"), token="token-ben") == cli.USAGE


def test_another_source_of_registrations_is_told():
    found = planned(World(), changed("environments.0.source", "azureml://registries/mlr-models"))

    source = POLICY["environments"][0]["name"]
    told = f"registrations come from azureml://registries/mlr-models instead of the workspace of {source}"
    assert [line for line in found["pipeline"] if line.startswith(told)]
    assert found["errors"] == []


def test_a_source_that_cannot_be_one_is_an_error_of_the_plan():
    found = planned(World(), changed("environments.0.source", "mlr-models"))

    assert "environments.0.source: 'mlr-models' is not the address of a registry" in str(found["errors"])
