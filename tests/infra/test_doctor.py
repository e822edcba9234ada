"""What doctor demands is what infra/ sets up, and what the local cloud shows it is what Azure would."""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from local import storage
from local.azureml.grid import OWN_TOPIC, Grid
from local.azureml.roles import assignments
from local.config import APP_IDENTITY, REGISTRY, LocalConfig
from local.eventgrid import service as local_events
from local.eventgrid.subscriptions import SUCCEEDED, Subscriptions
from orchestrator.doctor import events, storing
from orchestrator.doctor.events import EventsSeen, Subscription, Topic
from orchestrator.doctor.finding import Names
from orchestrator.doctor.storing import Kind
from orchestrator.outside import FROZEN_STORE
from shared.rights import Granted
from tests.infra import shapes, values
from tests.infra.published import all_types
from tests.infra.test_evaluated import Made, installed, subscribed, workspace

CONTAINER = "Microsoft.Storage/storageAccounts/blobServices/containers"
READ_ONLY = {"provisioningState", "topic", "metricResourceId", "endpoint"}


def seen(made: Made, topic: dict[str, Any], properties: dict[str, Any]) -> EventsSeen:
    it = Topic.of(topic)
    return EventsSeen(
        workspace=it.source,
        topics=(it,),
        subscriptions=(Subscription("greenlight", it, properties),),
        deadletter_rights=(Granted((), (), (events.WRITE_BLOB,)),),
        site=made.outputs["functionApp"],
        account=made.outputs["stateAccount"],
    )


def test_the_subscription_that_infra_makes_is_well() -> None:
    home = installed()
    made = subscribed(home)
    (topic,) = made.of("Microsoft.EventGrid/systemTopics")
    (each,) = made.of("Microsoft.EventGrid/systemTopics/eventSubscriptions")
    body = copy.deepcopy(topic.body)
    body["properties"]["provisioningState"] = "Succeeded"
    properties = {**each.body["properties"], "provisioningState": "Succeeded"}

    facts = seen(home, {"id": topic.id, "name": topic.name, **body}, properties)
    assert list(events.judge(facts, Names())) == []
    assert facts.topics[0].source == workspace("dev")
    assert body["properties"]["topicType"] == events.TOPIC_TYPE
    filters = properties["filter"]["includedEventTypes"]
    retry = properties["retryPolicy"]
    assert (tuple(filters), properties["eventDeliverySchema"]) == (events.TYPES, events.SCHEMA)
    assert (retry["maxDeliveryAttempts"], retry["eventTimeToLiveInMinutes"]) == (
        events.ATTEMPTS,
        events.MINUTES,
    )
    assert each.name.rpartition("/")[2] == events.NAME


def test_tables_queues_and_containers_are_those_of_infra() -> None:
    module = values.template("modules/storage.bicep")

    def wanted(kind: Kind) -> set[str]:
        return {name for each, name in storing.WANTED if each is kind}

    assert wanted(Kind.TABLE) == set(values.texts(module, "tableNames"))
    assert wanted(Kind.QUEUE) == set(values.texts(module, "queueNames"))
    made = {r.name.rpartition("/")[2] for r in installed().of(CONTAINER) if "/anchors" in r.name}
    of_the_host = {"deployment"}
    assert wanted(Kind.CONTAINER) == {*values.texts(module, "containerNames"), *made} - of_the_host
    assert wanted(Kind.CONTAINER) == set(storage.CONTAINERS)


def test_frozen_copies_go_where_infra_says() -> None:
    (store,) = installed().of("Microsoft.MachineLearningServices/workspaces/datastores")

    assert store.name.rpartition("/")[2] == FROZEN_STORE
    assert store.body["properties"]["containerName"] == storing.FROZEN_CONTAINER == storage.FROZEN


@pytest.mark.parametrize("environments", [("dev", "qa"), ("dev", "qa", "prod")])
def test_the_local_cloud_shows_the_roles_that_infra_assigns(
    tmp_path: Path, environments: tuple[str, ...]
) -> None:
    config = LocalConfig(home=tmp_path, environments=environments)
    made = installed("-".join(environments), registryId=REGISTRY.id, eventsTopic=True)
    elsewhere = {"Key Vault Secrets User", "Monitoring Metrics Publisher"}
    given = {r for r, _ in made.rights(made.outputs["identityPrincipalId"])} - elsewhere
    accounts = {made.outputs["stateAccount"]: "glapp", made.outputs["functionApp"]: OWN_TOPIC} | {
        f"st{env}": f"gl{env}" for env in environments
    }
    expected = {
        (role, accounts.get(scope, scope))
        for role, scope in made.rights(made.outputs["identityPrincipalId"])
        if role not in elsewhere and role != "Greenlight quota"
    }

    local = [a for a in assignments(config) if a.principal == APP_IDENTITY]
    shown = {(a.role.name, a.scope.rpartition("/")[2]) for a in local if a.role.name != "Greenlight quota"}
    assert {a.role.name for a in local} == given
    assert shown == expected


def shown(config: LocalConfig, path: str) -> Any:
    async def ask() -> Any:
        transport = httpx.ASGITransport(app=Starlette(routes=Grid(config).routes()))
        async with httpx.AsyncClient(transport=transport, base_url="https://arm") as client:
            return (await client.get(path)).json()

    return asyncio.run(ask())


def test_the_local_cloud_shows_event_grid_in_azures_shape(tmp_path: Path) -> None:
    config = LocalConfig(home=tmp_path)
    known = Subscriptions(tmp_path / "eventgrid" / "subscriptions.json")
    known.put(local_events.default_subscription(config), SUCCEEDED)
    subscription = config.workspaces[0].id.split("/")[2]

    (topic,) = shown(config, f"/subscriptions/{subscription}/providers/Microsoft.EventGrid/systemTopics")[
        "value"
    ]
    (each,) = shown(config, f"{topic['id']}/eventSubscriptions")["value"]
    (mine,) = shown(config, f"/subscriptions/{subscription}/providers/Microsoft.EventGrid/topics")["value"]

    kinds = {name.partition("@")[0]: kind for name, kind in all_types().items()}
    for body in (topic, each, mine):
        written = {k: v for k, v in body.items() if k not in ("id", "type")}
        written["properties"] = {k: v for k, v in body["properties"].items() if k not in READ_ONLY}
        assert [str(f) for f in shapes.computed(kinds[body["type"].lower()], written)] == []
    facts = EventsSeen(
        workspace=config.workspaces[0].id,
        topics=(Topic.of(topic),),
        subscriptions=(Subscription(each["name"], Topic.of(topic), each["properties"]),),
        deadletter_rights=(Granted((), (), (events.WRITE_BLOB,)),),
        account="glapp",
    )
    assert list(events.judge(facts, Names())) == []


def test_the_secret_of_a_webhook_is_not_shown(tmp_path: Path) -> None:
    config = LocalConfig(home=tmp_path)
    hook = {"endpointType": "WebHook", "properties": {"endpointUrl": "https://x.test/hook?code=SECRET"}}
    known = {"other": {"topic": config.workspaces[0].name, "destination": hook}}
    (tmp_path / "eventgrid").mkdir()
    (tmp_path / "eventgrid" / "subscriptions.json").write_text(json.dumps(known))
    subscription = config.workspaces[0].id.split("/")[2]
    (topic,) = shown(config, f"/subscriptions/{subscription}/providers/Microsoft.EventGrid/systemTopics")[
        "value"
    ]

    assert "SECRET" not in json.dumps(shown(config, f"{topic['id']}/eventSubscriptions"))
