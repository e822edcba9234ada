"""What doctor finds in a system topic and its subscriptions: each thing that can be wrong, by itself."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.doctor import events
from orchestrator.doctor.events import EventsSeen, Subscription, Topic
from orchestrator.doctor.finding import Code, Names, Unseen
from shared.rights import Granted

WORKSPACE = (
    "/subscriptions/s/resourceGroups/rg-dev/providers/Microsoft.MachineLearningServices/workspaces/mlw"
)
TOPICS = "/subscriptions/s/resourceGroups/rg-dev/providers/Microsoft.EventGrid/systemTopics"
SITE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/greenlight-1"
ACCOUNT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/glstate"
TOPIC = Topic(
    f"{TOPICS}/greenlight-mlw", "greenlight-mlw", WORKSPACE, "Succeeded", "SystemAssigned", "topic-oid"
)
WRITER = (Granted((), (), (events.WRITE_BLOB,)),)
WELL: dict[str, Any] = {
    "provisioningState": "Succeeded",
    "destination": {
        "endpointType": "AzureFunction",
        "properties": {"resourceId": f"{SITE}/functions/on_model_event"},
    },
    "eventDeliverySchema": "EventGridSchema",
    "filter": {"includedEventTypes": list(events.TYPES)},
    "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
    "deadLetterWithResourceIdentity": {
        "identity": {"type": "SystemAssigned"},
        "deadLetterDestination": {
            "endpointType": "StorageBlob",
            "properties": {"resourceId": ACCOUNT, "blobContainerName": "eventgrid-deadletter"},
        },
    },
}


def with_(path: str, value: object) -> dict[str, Any]:
    """The well one with one thing otherwise; None: left out."""
    told = copy.deepcopy(WELL)
    *parents, last = path.split(".")
    at = told
    for name in parents:
        at = at[name]
    at[last] = value
    if value is None:
        del at[last]
    return told


def seen(properties: dict[str, Any] = WELL, name: str = "greenlight", **more: Any) -> EventsSeen:
    given: dict[str, Any] = {
        "workspace": WORKSPACE,
        "topics": (TOPIC,),
        "subscriptions": (Subscription(name, TOPIC, properties),),
        "deadletter_rights": WRITER,
        "site": "greenlight-1",
        "account": "glstate",
    }
    return EventsSeen(**given | more)


def found(facts: EventsSeen) -> list[Code]:
    return [f.code for f in events.judge(facts, Names())]


def test_what_infra_sets_up_is_well() -> None:
    assert found(seen()) == []
    assert found(seen(name="somebody-named-it", site="", account="")) == []


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("provisioningState", "AwaitingManualAction", Code.SUBSCRIPTION_STATE),
        ("provisioningState", None, Code.SUBSCRIPTION_STATE),
        ("eventDeliverySchema", "CloudEventSchemaV1_0", Code.SUBSCRIPTION_SCHEMA),
        ("eventDeliverySchema", "CustomInputSchema", Code.SUBSCRIPTION_SCHEMA),
        ("filter.includedEventTypes", [events.TYPES[0]], Code.SUBSCRIPTION_FILTER),
        ("filter.includedEventTypes", [], Code.SUBSCRIPTION_FILTER),
        ("filter.subjectBeginsWith", "models/titanic", Code.SUBSCRIPTION_FILTER),
        ("filter.subjectEndsWith", ":1", Code.SUBSCRIPTION_FILTER),
        ("filter.advancedFilters", [{"key": "data.x"}], Code.SUBSCRIPTION_FILTER),
        ("retryPolicy.maxDeliveryAttempts", 3, Code.SUBSCRIPTION_RETRY),
        ("retryPolicy.eventTimeToLiveInMinutes", 10, Code.SUBSCRIPTION_RETRY),
        ("destination.properties.resourceId", f"{SITE}/functions/other", Code.SUBSCRIPTION_ENDPOINT),
        (
            "destination.properties.resourceId",
            f"{SITE.replace('greenlight-1', 'greenlight-2')}/functions/on_model_event",
            Code.SUBSCRIPTION_ENDPOINT,
        ),
        ("deadLetterWithResourceIdentity", None, Code.DEAD_LETTERS),
        (
            "deadLetterWithResourceIdentity.deadLetterDestination.properties.blobContainerName",
            "elsewhere",
            Code.DEAD_LETTERS,
        ),
        (
            "deadLetterWithResourceIdentity.deadLetterDestination.properties.resourceId",
            ACCOUNT.replace("glstate", "other"),
            Code.DEAD_LETTERS,
        ),
    ],
)
def test_each_thing_that_is_otherwise_is_named(path: str, value: object, code: Code) -> None:
    assert found(seen(with_(path, value))) == [code]


@pytest.mark.parametrize("path", ["filter.includedEventTypes", "retryPolicy", "eventDeliverySchema"])
def test_what_is_left_out_has_azures_own_default(path: str) -> None:
    assert found(seen(with_(path, None))) == []


def test_ids_and_types_are_compared_as_azure_compares_them() -> None:
    types = with_("filter.includedEventTypes", [t.upper() for t in events.TYPES])
    upper = SITE.replace("greenlight-1", "Greenlight-1")
    site = with_("destination.properties.resourceId", f"{upper}/functions/on_model_event")

    assert found(seen(types)) == []
    assert found(seen(site)) == []


def test_dead_letters_without_an_identity_are_lost() -> None:
    plain = with_("deadLetterWithResourceIdentity", None)
    target = WELL["deadLetterWithResourceIdentity"]["deadLetterDestination"]

    assert found(seen(plain | {"deadLetterDestination": target})) == [Code.DEAD_LETTER_IDENTITY]


def test_no_topic_no_subscription() -> None:
    assert found(seen(topics=(), subscriptions=())) == [Code.TOPIC_MISSING]
    assert found(seen(subscriptions=())) == [Code.SUBSCRIPTION_MISSING]
    elsewhere = with_("destination.properties.resourceId", f"{SITE}/functions/other")
    assert found(seen(elsewhere, name="theirs")) == [Code.SUBSCRIPTION_MISSING]


def test_of_two_topics_the_one_without_our_subscription_goes() -> None:
    other = replace(TOPIC, id=f"{TOPICS}/another", name="another", identity="None")
    (finding,) = events.judge(seen(topics=(other, TOPIC)), Names())

    assert finding.code is Code.TOPIC_SECOND
    assert "another (without ours), greenlight-mlw (holds ours)" in finding.wrong
    assert finding.mend == (
        "az eventgrid system-topic delete --name another --subscription s --resource-group rg-dev --yes"
    )


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        (replace(TOPIC, state="Failed"), Code.TOPIC_STATE),
        (replace(TOPIC, identity="None"), Code.TOPIC_IDENTITY),
        (replace(TOPIC, identity="UserAssigned"), Code.TOPIC_IDENTITY),
        (replace(TOPIC, identity="SystemAssigned, UserAssigned"), None),
    ],
)
def test_the_topic_itself(topic: Topic, code: Code | None) -> None:
    facts = seen(topics=(topic,), subscriptions=(Subscription("greenlight", topic, WELL),))

    assert found(facts) == ([code] if code else [])


def test_rights_on_the_dead_letters_are_missing_or_not_known() -> None:
    (missing,) = events.judge(seen(deadletter_rights=()), Names())
    (unknown,) = events.judge(seen(deadletter_rights=Unseen("you may not ask")), Names())

    assert missing.code is Code.DEAD_LETTER_RIGHTS
    assert "topic-oid" in missing.mend
    assert f"{ACCOUNT}/blobServices/default/containers/eventgrid-deadletter" in missing.mend
    assert (unknown.code, unknown.wrong) == (Code.NOT_KNOWN, "you may not ask")


def test_a_webhook_is_told_without_its_secret() -> None:
    hook = {"endpointType": "WebHook", "properties": {"endpointUrl": "https://x.test/?code=SECRET"}}
    said = list(events.judge(seen(with_("destination", hook)), Names()))

    assert [f.code for f in said] == [Code.SUBSCRIPTION_ENDPOINT]
    assert "SECRET" not in repr(said)


def test_commands_name_what_they_change() -> None:
    facts = seen(with_("filter.includedEventTypes", []))
    (finding,) = events.judge(facts, Names())

    assert re.fullmatch(
        r"az eventgrid system-topic event-subscription update --name greenlight "
        r"--system-topic-name greenlight-mlw --subscription s --resource-group rg-dev "
        r"--included-event-types \S+\.ModelRegistered \S+\.RunCompleted",
        finding.mend,
    )


@pytest.mark.parametrize("name", [events.NAME, "of-somebody"])
def test_what_no_command_changes_is_written_anew(name: str) -> None:
    (finding,) = events.judge(seen(with_("retryPolicy.maxDeliveryAttempts", 3), name=name), Names())

    first, _, last = finding.mend.rpartition(" && ")
    assert last == events.EVENTS_AGAIN
    assert bool(first) is (name != events.NAME)
