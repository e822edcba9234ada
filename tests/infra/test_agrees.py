"""What infra/ sets up is what the product asks for: names, settings, functions, paths, alarms, roles."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from docs import reference
from function_app import app
from local import front, storage
from orchestrator.alarms import Alarm
from orchestrator.app import ANCHORS, EVIDENCE, UNDELIVERED
from orchestrator.events import Ignored, Refused, parse
from shared.settings import TABLE
from tests.infra import values
from tests.infra.check import INFRA

ROOT = Path(__file__).parents[2]
HOST = json.loads((ROOT / "host.json").read_text())
PARAMETERS = ("dev-qa.bicepparam", "dev-qa-prod.bicepparam")
OF_THE_HOST = {"deployment"}
"""Containers that the product never opens."""


@pytest.fixture(scope="module")
def functions() -> dict[str, dict[str, str]]:
    """Each function's trigger, as the host is told of it."""
    return {f.get_function_name(): f.get_trigger().get_dict_repr() for f in app.get_functions()}


# ---- storage


def test_tables_queues_and_containers_are_those_of_the_product() -> None:
    module = values.template("modules/storage.bicep")
    anchors = values.template("modules/anchors.bicep").of("resource")["container"]

    assert set(values.texts(module, "tableNames")) == set(storage.TABLES)
    assert set(values.texts(module, "queueNames")) == {*storage.QUEUES, *storage.POISON}
    made = {*values.texts(module, "containerNames"), anchors.body.get("name").parts[-1].rpartition("/")[2]}
    assert made - OF_THE_HOST == set(storage.CONTAINERS)


def test_each_queue_that_wakes_a_function_is_there_with_its_poison_queue(functions) -> None:
    queues = {t["queueName"] for t in functions.values() if t["type"] == "queueTrigger"}
    made = set(values.texts(values.template("modules/storage.bicep"), "queueNames"))

    assert queues <= made
    assert {f"{q}-poison" for q in queues if not q.endswith("-poison")} <= made


def test_the_frozen_container_and_its_datastore_are_those_of_the_product() -> None:
    container = values.template("modules/target-storage.bicep").of("resource")["frozen"]
    datastore = values.template("modules/target.bicep").of("resource")["frozen"]
    source = "\n".join(p.read_text() for p in (ROOT / "orchestrator").glob("*.py"))

    assert container.body.get("name").parts[-1] == f"/default/{storage.FROZEN}"
    assert f'"{values.setting(datastore, "name")}"' in source


def test_the_containers_that_the_product_opens_are_there() -> None:
    assert {ANCHORS, EVIDENCE, UNDELIVERED} <= set(storage.CONTAINERS)


def test_anchors_are_missed_for_as_long_as_nobody_can_delete_them() -> None:
    days = values.template("main.bicep").of("param")["anchorDays"].value

    assert str(getattr(days, "value", days)) == next(
        s.default for s in TABLE if s.name == "GREENLIGHT_ANCHOR_DAYS"
    )


# ---- settings


def test_every_setting_is_set_with_its_default() -> None:
    given = values.pairs(values.template("modules/app.bicep"), "productSettings")
    plain = {name: value for name, value in given.items() if "*" not in value}

    assert list(given) == [setting.name for setting in TABLE]
    defaults = {s.name: s.default for s in TABLE if s.name in plain}
    assert plain == defaults


def test_the_example_for_core_tools_has_every_setting() -> None:
    """python -m docs.reference write"""
    text = (ROOT / "local.settings.json.example").read_text()
    bicep = values.template("modules/app.bicep")
    given = values.pairs(bicep, "productSettings") | values.pairs(bicep, "platformSettings")
    only_in_azure = ("clientId", "APPLICATIONINSIGHTS", "AZURE_CLIENT_ID", "OVERRIDE")

    assert text == reference.example()
    missed = given.keys() - json.loads(text)["Values"].keys()
    assert {n for n in missed if not any(word in n for word in only_in_azure)} == set()


def test_secrets_come_from_key_vault_and_nothing_else_does() -> None:
    given = values.pairs(values.template("modules/app.bicep"), "productSettings")
    text = (INFRA / "modules" / "app.bicep").read_text()
    kept = set(re.findall(r"secrets/([a-z-]+)\)", text))
    written = set(
        re.findall(r"^ensure ([a-z-]+)", (INFRA / "hooks" / "secrets.sh").read_text(), re.MULTILINE)
    )

    secret = {s.name for s in TABLE if s.secret}
    assert {n for n in given if re.search(rf"'{n}'.*KeyVault", text)} == secret
    assert kept == written | {"teams-webhook"}


def test_the_connection_of_the_triggers_is_by_identity(functions) -> None:
    given = values.pairs(values.template("modules/app.bicep"), "platformSettings")
    given |= values.pairs(values.template("modules/app.bicep"), "productSettings")

    for prefix in {t["connection"] for t in functions.values() if "connection" in t} | {
        "AzureWebJobsStorage"
    }:
        assert given[f"{prefix}__credential"] == "managedidentity"
        assert {f"{prefix}__{s}ServiceUri" for s in ("table", "queue", "blob")} <= set(given)
        assert prefix not in given


def test_the_timer_takes_its_schedule_from_a_setting_that_is_set(functions) -> None:
    given = values.pairs(values.template("modules/app.bicep"), "productSettings")

    assert functions["on_sweep"]["schedule"].strip("%") in given


@pytest.mark.parametrize("name", PARAMETERS)
def test_what_the_pipeline_names_is_given(name: str) -> None:
    named = set(re.findall(r"\$\{(\w+)(?::-)?\}", (ROOT / "greenlight.yaml").read_text())) - {"NAME"}
    file = values.template(name)
    environments = next(d.value for d in file.declarations if d.name == "environments")
    workspaces = {f"GREENLIGHT_{e.get('name').literal.upper()}_WORKSPACE" for e in environments.items}
    workspaces |= {"GREENLIGHT_REGISTRY"}  # main.bicep takes it from registryId

    assert named - workspaces == set(values.parameter_pairs(file, "pipelineSettings"))
    assert {n for n in named if n.endswith("_WORKSPACE")} <= workspaces


# ---- events, functions, host


def test_the_subscription_leads_to_the_function_that_takes_events(functions) -> None:
    called = re.findall(r"/functions/(\w+)'", (INFRA / "events.bicep").read_text())

    assert [functions[name]["type"] for name in called] == ["eventGridTrigger"]


def test_the_filter_lets_through_what_the_product_reads_and_nothing_else() -> None:
    (_, each), *_ = values.resources("Microsoft.EventGrid/systemTopics/eventSubscriptions")
    types = values.setting(each, "properties", "filter", "includedEventTypes")
    prefix = "Microsoft.MachineLearningServices."

    kinds = ("ModelRegistered", "ModelDeployed", "RunCompleted", "RunStatusChanged", "DatasetDriftDetected")
    read = [
        k for k in kinds if not isinstance(answer := parse({"eventType": prefix + k}), Ignored) and answer
    ]
    assert types == [prefix + kind for kind in read]
    assert isinstance(parse({"eventType": f"{prefix}NewKind"}), Refused)


def test_events_that_cannot_be_delivered_land_where_the_product_looks() -> None:
    container = values.template("modules/dead-letter-role.bicep").of("resource")["container"]
    (_, each), *_ = values.resources("Microsoft.EventGrid/systemTopics/eventSubscriptions")

    assert container.body.get("name").parts[-1].rpartition("/")[2] in storage.CONTAINERS
    assert values.setting(each, "properties", "eventDeliverySchema") == "EventGridSchema"
    assert values.setting(each, "properties", "deadLetterDestination") is None  # by identity instead


def test_the_same_paths_stay_open_as_in_the_local_cloud() -> None:
    auth = values.template("modules/app.bicep").of("resource")["auth"]

    opened = values.setting(auth, "properties", "globalValidation", "excludedPaths")
    assert set(opened) == set(front.EXCLUDED_PATHS)


def test_the_python_of_the_app_is_one_that_the_product_supports() -> None:
    site = values.template("modules/app.bicep").of("resource")["app"]
    version = values.setting(site, "properties", "functionAppConfig", "runtime", "version")
    supported = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (ROOT / "pyproject.toml").read_text())

    assert int(supported[1]) <= int(str(version).partition(".")[2]) < int(supported[2])


# ---- alerts


def test_each_alarm_has_its_alert() -> None:
    text = (INFRA / "modules" / "alerts.bicep").read_text()

    assert re.findall(r'message startswith "alarm, ([^"]+)"', text) == [alarm.value for alarm in Alarm]


def test_each_alarm_has_its_row_for_operators() -> None:
    page = (ROOT / "docs" / "operators.md").read_text()

    assert {alarm.value for alarm in Alarm if f"\n| `{alarm.value}` |" not in page} == set()


def test_the_silence_of_a_function_that_exists_is_noticed(functions) -> None:
    (name,) = re.findall(
        r'requests \| where name == "(\w+)"', (INFRA / "modules" / "alerts.bicep").read_text()
    )

    assert functions[name]["type"] == "timerTrigger"


def test_what_alerts_look_for_is_not_sampled_away() -> None:
    sampling = HOST["logging"]["applicationInsights"]["samplingSettings"]

    assert {"Request", "Trace"} <= set(sampling["excludedTypes"].split(";"))


# ---- rights


def test_roles_are_made_from_the_list_beside_the_calls() -> None:
    """python -m docs.reference write"""
    made = {path.stem: path.read_text() for path in (INFRA / "roles").glob("*.json")}

    assert made == reference.roles()


@pytest.mark.parametrize("path", sorted((INFRA / "roles").glob("*.json")), ids=lambda p: p.stem)
def test_a_role_lists_actions_one_by_one(path: Path) -> None:
    role = json.loads(path.read_text())

    assert role["actions"] == sorted(set(role["actions"]))
    assert [a for a in [*role["actions"], *role["dataActions"]] if "*" in a] == []


def test_nobody_uses_a_key() -> None:
    accounts = dict(values.resources("Microsoft.Storage/storageAccounts"))
    allowed = {name: values.setting(a, "properties", "allowSharedKeyAccess") for name, a in accounts.items()}

    assert set(allowed.values()) == {False}
    assert {
        n: values.setting(t, "properties", "disableLocalAuth")
        for n, t in values.resources("Microsoft.EventGrid/topics")
    } == {"own-topic.bicep": True}
    assert "listKeys" not in "".join(p.read_text() for p in INFRA.rglob("*.bicep"))
