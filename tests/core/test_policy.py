"""greenlight.yaml: what is accepted, and what is said about what is not."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.app import read_policy
from orchestrator.freezing import check
from orchestrator.policy import Policy, PolicyError, load, schema
from shared.errors import Invalid
from shared.names import is_legal_name, legal_name

TENANT = "11111111-1111-4111-8111-111111111111"
PERSON = f"{TENANT}/33333333-0000-4000-8000-000000000002"
GOOD: dict[str, Any] = {
    "version": 1,
    "environments": [
        {"name": "dev", "workspace": "/subscriptions/DEV"},
        {
            "name": "qa",
            "workspace": "/subscriptions/QA",
            "approval": {"approvers": [{"name": "Ana", "id": PERSON}], "required": 1, "expires": "36h"},
        },
        {"name": "prod", "workspace": "/subscriptions/PROD", "endpoint": "{model}-live"},
    ],
    "models": [
        {"match": "titanic-legacy", "probe": {"request": "old.json"}},
        {
            "match": "titanic*",
            "probe": {"request": "ml/sample-request.json"},
            "gates": {"dev": [{"metric": "test_auc", "min": 0.8}]},
        },
    ],
}


def policy(data: dict[str, Any] = GOOD, **variables: str) -> Policy:
    return load(data, variables, legal_name)


def changed(path: str, value: object) -> dict[str, Any]:
    """GOOD with one place replaced; numbers in `path` are list indexes."""
    data: Any = copy.deepcopy(GOOD)
    at = data
    *parents, last = [int(p) if p.isdecimal() else p for p in path.split(".")]
    for part in parents:
        at = at[part]
    at[last] = value
    return data


def test_environments_follow_one_another() -> None:
    dev, qa, prod = (policy().slot("titanic", env) for env in ("dev", "qa", "prod"))

    assert dev is not None
    assert qa is not None
    assert prod is not None
    assert (dev.first, dev.next_env, qa.first, qa.next_env, prod.next_env) == (True, "qa", False, "prod", "")
    assert (dev.endpoint, prod.endpoint) == ("titanic-dev", "titanic-live")


def test_the_first_match_wins_and_nothing_else_is_covered() -> None:
    legacy = policy().slot("titanic-legacy", "dev")

    assert legacy is not None
    assert legacy.probe.request == "old.json"
    assert policy().slot("churn", "dev") is None
    assert policy().slot("titanic", "nowhere") is None


def test_a_model_has_what_it_says_differently_and_the_rest_as_the_environment_says() -> None:
    mine = {
        "qa": {"deployment": {"instance_count": 3}, "endpoint": "{model}-own"},
        "prod": {"approval": None},
    }
    ours = changed("models.1.environments", mine)
    ours["environments"][2]["approval"] = GOOD["environments"][1]["approval"]

    qa, prod = policy(ours).slot("titanic", "qa"), policy(ours).slot("titanic", "prod")
    other = policy(ours).slot("titanic-legacy", "qa")

    assert qa is not None
    assert prod is not None
    assert other is not None
    assert (qa.env.deployment.instance_count, qa.endpoint) == (3, "titanic-own")
    assert qa.env.approval is not None
    assert prod.env.approval is None
    assert (other.env.deployment.instance_count, other.endpoint) == (1, "titanic-legacy-qa")


def test_a_model_s_own_freeze_is_read_and_its_mistakes_have_their_place() -> None:
    window = {
        "name": "x",
        "start": "2026-12-23T18:00",
        "duration": "1d",
        "timezone": "UTC",
        "rrule": "FREQ=NO",
    }
    ours = policy(changed("models.1.environments", {"qa": {"freeze": [window]}}))

    with pytest.raises(PolicyError, match=r"models\.1\.environments\.qa\.freeze\.0\.rrule"):
        check(ours)


def test_a_workspace_is_found_whatever_its_case() -> None:
    assert policy().environment_of("/SUBSCRIPTIONS/qa/") == "qa"
    assert policy().environment_of("/subscriptions/other") == ""


@pytest.mark.parametrize("model", ["my_model", "x" * 60, "模型", "9lives", "-", "a b", "UPPER.case"])
def test_any_model_name_gets_a_legal_endpoint_name_of_its_own(model: str) -> None:
    data = changed("models.1.match", "*")
    slot, other = policy(data).slot(model, "dev"), policy(data).slot(model + "_", "dev")

    assert slot is not None
    assert other is not None
    assert is_legal_name(slot.endpoint)
    assert slot.endpoint != other.endpoint


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("version", 2, "version"),
        ("colour", "green", "colour: Extra inputs"),
        ("environments.1.aproval", {}, "environments.1.aproval: Extra inputs"),
        ("environments.0.name", "Dev 1", "environment name 'Dev 1'"),
        ("environments.1.name", "dev", "environment names repeat"),
        ("environments.1.workspace", "/subscriptions/dev", "same workspace"),
        ("environments.0.endpoint", "fixed", "must contain {model}"),
        ("environments.1.approval.required", 2, "only 1 approvers are named"),
        ("environments.1.approval.required", 0, "greater than or equal to 1"),
        ("environments.1.approval.expires", "soon", "write a duration"),
        ("environments.1.approval.expires", "-7d", "write a duration"),
        ("environments.1.approval.expires", "0d", "give people a minute"),
        ("environments.1.approval.expires", "99999999999d", "write a duration"),
        ("environments.1.approval.expires", "9999d", "more than ten years"),
        ("environments.1.approval.remind", "36h", "must be shorter than expires"),
        ("environments.1.approval.remind", "5s", "once a minute at most"),
        ("environments.1.approval.must", ["Bo"], "'Bo' is not the name of one approver; there are Ana"),
        ("environments.1.approval.approvers", [], "at least 1 item"),
        ("environments.1.approval.approvers.0.id", "ana@example.org", "write TENANT/OBJECT-ID"),
        ("environments.1.approval.approvers.0.group", "g", "either id"),
        ("environments.0.rollout", {"strategy": "yolo"}, "strategy"),
        ("models.1.gates.dev.0", {"metric": "test_auc"}, "needs min, max or compare"),
        ("models.1.gates.stage", [], "says something for 'stage', which is no environment"),
        ("models.1.environments", {"stage": {}}, "says something for 'stage', which is no environment"),
        ("models.1.environments", {"qa": {"workspace": "w"}}, "environments.qa.workspace: Extra inputs"),
        ("models.1.environments", {"qa": {"operators": []}}, "environments.qa.operators: Extra inputs"),
        ("models.1.environments", {"qa": {"endpoint": "fixed"}}, "endpoint must contain {model}"),
        ("models.1.gates.dev.0.minimum", 0.8, "minimum: Extra inputs"),
        ("models", [], "at least 1 item"),
        ("environments.0.workspace", "${DEV_WORKSPACE}", "not set: DEV_WORKSPACE"),
    ],
)
def test_every_mistake_is_named_with_its_place(path: str, value: object, said: str) -> None:
    with pytest.raises(PolicyError) as error:
        policy(changed(path, value))

    assert said in str(error.value)


def test_variables_are_filled_in_everywhere() -> None:
    filled = policy(changed("environments.0.workspace", "/subscriptions/${SUB}/x"), SUB="abc")

    assert filled.source.workspace == "/subscriptions/abc/x"


def test_a_variable_that_may_be_missing_is_empty_then() -> None:
    """Azure hands an app no setting that is empty, or so an older .NET below the host has it."""
    path, name = "environments.0.workspace", "/subscriptions/x${SUFFIX:-}"

    assert policy(changed(path, name)).source.workspace == "/subscriptions/x"
    assert policy(changed(path, name), SUFFIX="y").source.workspace == "/subscriptions/xy"


def test_text_that_is_not_yaml_is_refused() -> None:
    with pytest.raises(Invalid, match="is not YAML"):
        read_policy("version: [1", {})


def test_our_own_pipeline_is_good() -> None:
    text = (Path(__file__).parents[2] / "greenlight.yaml").read_text()
    variables = {
        "GREENLIGHT_DEV_WORKSPACE": "/subscriptions/DEV",
        "GREENLIGHT_QA_WORKSPACE": "/subscriptions/QA",
        "GREENLIGHT_APPROVER_1": PERSON,
        "GREENLIGHT_APPROVER_2": PERSON.replace("002", "003"),
        "GREENLIGHT_OPERATORS_GROUP": TENANT,
    }

    read = read_policy(text, variables)

    assert read.environments == ("dev", "qa")
    assert read.covers("titanic")
    for model in read.file.models:
        assert (Path(__file__).parents[2] / model.probe.request).exists()
    assert yaml.safe_load(text)["version"] == 1


def test_editors_get_a_schema() -> None:
    assert set(schema()["properties"]) == {
        *("version", "environments", "models", "channels", "prices", "currency")
    }


# ---- a registry as the source


def sourced_by(n: int, source: str) -> str:
    data = changed(f"environments.{n}.source", source)
    return yaml.safe_dump(data)


def test_a_registry_is_the_source_of_the_first_environment() -> None:
    found = read_policy(sourced_by(0, "azureml://registries/mlr-models/"), {})

    assert found.registry == "azureml://registries/mlr-models"
    assert found.source.workspace == "/subscriptions/DEV"
    assert policy().registry == ""


@pytest.mark.parametrize(
    ("n", "source", "said"),
    [
        (
            1,
            "azureml://registries/mlr",
            "environments.1.source: only the first environment, dev, has a source",
        ),
        (0, "mlr-models", "environments.0.source: 'mlr-models' is not the address of a registry"),
        (
            0,
            "azureml://registries/mlr/models/titanic",
            "only the registry is named, azureml://registries/mlr",
        ),
    ],
)
def test_what_cannot_be_a_source_is_refused_with_its_place(n: int, source: str, said: str) -> None:
    with pytest.raises(Invalid, match="is wrong") as refused:
        read_policy(sourced_by(n, source), {})

    assert said in str(refused.value)
