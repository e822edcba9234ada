"""Carried out on parameters, without Azure: what there is afterwards, where, by which name and right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from local import storage
from local.config import LocalConfig
from local.eventgrid import service as local_events
from orchestrator.app import ANCHORS
from tests.infra import shapes
from tests.infra.check import INFRA
from tests.infra.evaluate import Known, Place, Resource, Run, parameters
from tests.infra.meaning import load
from tests.infra.published import all_types

ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
HOME = Place(ONE, "rg-greenlight")
SUBSCRIPTIONS = {"dev": ONE, "qa": TWO, "prod": TWO}
BUILT_IN = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "8a0f0c08-91a1-4084-bc3d-661d67233fed": "Storage Queue Data Message Processor",
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "d5a91429-5739-47e2-a06b-3470a27159e7": "EventGrid Data Sender",
}
NAMES = {  # what Azure takes
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.KeyVault/vaults": r"(?=.{3,24}$)[a-zA-Z][a-zA-Z0-9]*(-[a-zA-Z0-9]+)*",
    "Microsoft.Web/sites": r"(?=.{2,60}$)[a-z0-9]([a-z0-9-]*[a-z0-9])",
    "Microsoft.MachineLearningServices/workspaces": r"[a-zA-Z0-9][\w-]{2,32}",
    "Microsoft.EventGrid/systemTopics": r"[a-zA-Z0-9-]{3,128}",
    "Microsoft.EventGrid/topics": r"[a-zA-Z0-9-]{3,50}",
    "Microsoft.OperationalInsights/workspaces": r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]",
    "Microsoft.ManagedIdentity/userAssignedIdentities": r"[a-zA-Z0-9][\w-]{2,127}",
}


def workspace(env: str) -> str:
    place = Place(SUBSCRIPTIONS[env], f"rg-{env}")
    return f"{place.id}/providers/Microsoft.MachineLearningServices/workspaces/mlw-{env}"


def account(env: str) -> str:
    return f"{Place(SUBSCRIPTIONS[env], f'rg-{env}').id}/providers/Microsoft.Storage/storageAccounts/st{env}"


def variables() -> dict[str, str]:
    given = {f"GREENLIGHT_{e.upper()}_WORKSPACE": workspace(e) for e in SUBSCRIPTIONS}
    given |= {f"GREENLIGHT_{e.upper()}_STORAGE": account(e) for e in SUBSCRIPTIONS}
    people = {
        "GREENLIGHT_APPROVER_1": "t/1",
        "GREENLIGHT_APPROVER_2": "t/2",
        "GREENLIGHT_OPERATORS_GROUP": "g",
    }
    return given | people


class Made:
    """An installation: its resources by type, and what the app is told."""

    def __init__(self, run: Run) -> None:
        self.outputs = run.deploy()
        self.run = run
        self.all = run.made

    def of(self, kind: str) -> list[Resource]:
        return [r for r in self.all if r.type == kind]

    def names(self, kind: str, below: str = "") -> set[str]:
        return {r.name.rpartition("/")[2] for r in self.of(kind) if below in r.id}

    def rights(self, who: str) -> set[tuple[str, str]]:
        """(role, the end of its scope's id) of one identity."""
        custom = {
            r.id.rpartition("/")[2]: r.body["properties"]["roleName"]
            for r in self.of("Microsoft.Authorization/roleDefinitions")
        }
        found = set()
        for each in self.of("Microsoft.Authorization/roleAssignments"):
            role = each.body["properties"]["roleDefinitionId"].rpartition("/")[2]
            name = BUILT_IN.get(role) or " ".join(custom[role].split()[:2])
            scope = each.id.partition("/providers/Microsoft.Authorization/")[0].rpartition("/")[2]
            if each.body["properties"]["principalId"] == who:
                found.add((name, scope))
        return found

    @property
    def settings(self) -> dict[str, str]:
        (site,) = self.of("Microsoft.Web/sites")
        return {s["name"]: s["value"] for s in site.body["properties"]["siteConfig"]["appSettings"]}


def installed(name: str = "dev-qa", env: Mapping[str, str] | None = None, **params: Any) -> Made:
    file, given = parameters(INFRA / f"{name}.bicepparam", variables() | dict(env or {}))
    return Made(Run(file, given | params, HOME))


def subscribed(made: Made, **params: Any) -> Made:
    given = {
        "workspace": made.outputs["sourceWorkspace"],
        "workspaceLocation": "northeurope",
        "functionAppId": made.outputs["functionAppId"],
        "storageName": made.outputs["stateAccount"],
    }
    return Made(Run(load(INFRA / "events.bicep"), given | params, HOME))


@pytest.mark.parametrize(
    ("name", "environments"), [("dev-qa", ("dev", "qa")), ("dev-qa-prod", tuple(SUBSCRIPTIONS))]
)
def test_the_app_has_the_rights_it_needs_and_no_others(name: str, environments: tuple[str, ...]) -> None:
    made = installed(name)
    state, app = made.outputs["stateAccount"], made.outputs["functionApp"]

    later = environments[1:]
    expected = {
        ("Storage Blob Data Owner", state),
        ("Storage Queue Data Contributor", state),
        ("Storage Table Data Contributor", state),
        ("Key Vault Secrets User", made.outputs["keyVault"]),
        ("Monitoring Metrics Publisher", app),
        ("Greenlight source", "mlw-dev"),
        *(("Storage Blob Data Reader", f"st{env}") for env in environments[:-1]),
        *(("Greenlight target", f"mlw-{env}") for env in later),
        *(("Storage Blob Data Contributor", "greenlight-frozen") for _ in later),
        *(("Greenlight quota", SUBSCRIPTIONS[env]) for env in environments),
    }
    assert made.rights(made.outputs["identityPrincipalId"]) == expected


def test_even_the_app_only_makes_and_reads_anchors() -> None:
    given = installed().of("Microsoft.Authorization/roleAssignments")
    (condition,) = (r.body["properties"]["condition"] for r in given if "condition" in r.body["properties"])

    kept_from = set(re.findall(r"!\(ActionMatches\{'[\w./]*/containers/blobs/([\w/]+)'\}\)", condition))
    assert f"containers:name] StringNotEquals '{ANCHORS}'" in condition
    assert {"delete", "deleteBlobVersion/action", "permanentDelete/action", "move/action"} <= kept_from
    assert kept_from & {"read", "write", "add/action"} == set()
    assert condition.count("(") == condition.count(")")


def test_a_role_is_given_where_its_actions_are_used_and_nowhere_wider() -> None:
    for each in installed("dev-qa-prod").of("Microsoft.Authorization/roleDefinitions"):
        (scope,) = each.body["properties"]["assignableScopes"]
        assert each.id.startswith(f"{scope}/providers/")


def test_channels_send_decisions_and_take_requests_and_nothing_else() -> None:
    assert installed(channels=["bridge-id"]).rights("bridge-id") == {
        ("Storage Queue Data Message Sender", "approval-decisions"),
        ("Storage Queue Data Message Processor", "approval-requests"),
    }


def test_whoever_deploys_may_write_secrets_if_named() -> None:
    made = installed(env={"AZURE_PRINCIPAL_ID": "me"})

    assert made.rights("me") == {("Key Vault Secrets Officer", made.outputs["keyVault"])}
    assert installed().rights("") == set()


def test_every_environment_is_where_it_says() -> None:
    made = installed("dev-qa-prod")

    stores = {
        r.id: r.body["properties"] for r in made.of("Microsoft.MachineLearningServices/workspaces/datastores")
    }
    assert set(stores) == {f"{workspace(env)}/datastores/greenlight_frozen" for env in ("qa", "prod")}
    for env in ("qa", "prod"):
        store = stores[f"{workspace(env)}/datastores/greenlight_frozen"]
        assert (store["accountName"], store["containerName"]) == (f"st{env}", storage.FROZEN)
        assert made.settings[f"GREENLIGHT_{env.upper()}_WORKSPACE"] == workspace(env)


def test_where_events_are_wanted_the_app_knows_the_topic_and_may_send_there() -> None:
    made = installed(env={"GREENLIGHT_EVENTS": "yes"})
    (topic,) = made.of("Microsoft.EventGrid/topics")

    assert made.settings["GREENLIGHT_EVENTS_TOPIC"] == Known("properties.endpoint")
    assert ("EventGrid Data Sender", topic.name) in made.rights(made.outputs["identityPrincipalId"])
    assert topic.body["properties"]["inputSchema"] == "CloudEventSchemaV1_0"
    assert installed().settings["GREENLIGHT_EVENTS_TOPIC"] == ""
    assert installed().of("Microsoft.EventGrid/topics") == []


@pytest.mark.parametrize("name", ["dev-qa", "dev-qa-prod"])
@pytest.mark.parametrize("title", ["greenlight", "gl", "a-name-of-20-letters"])
def test_names_are_such_as_azure_takes(name: str, title: str) -> None:
    made = installed(name, {"GREENLIGHT_NAME": title}, eventsTopic=True)

    wrong = [r.id for r in made.all if r.type in NAMES and not re.fullmatch(NAMES[r.type], r.name)]
    assert wrong == []
    assert [d for d, _ in made.run.deployments if len(d) > 64] == []


@pytest.mark.parametrize("title", ["gl", "a-name-of-20-letters"])
def test_what_is_computed_fits_the_published_types_too(title: str) -> None:
    made = installed(
        "dev-qa-prod", {"GREENLIGHT_NAME": title}, eventsTopic=True, alertEmails=["a@example.com"]
    )
    kinds = {name.partition("@")[0]: kind for name, kind in all_types().items()}
    both = [*made.all, *subscribed(made).all]

    assert [str(f) for each in both for f in shapes.computed(kinds[each.type.lower()], each.body)] == []


def test_nothing_is_made_twice_in_two_ways_and_no_two_deployments_collide() -> None:
    made = installed("dev-qa-prod")

    assert [a.id for a, b in combinations(made.all, 2) if a.id == b.id and a.body != b.body] == []
    assert len(made.run.deployments) == len(set(made.run.deployments))


def test_a_second_installation_shares_nothing_with_the_first_but_roles() -> None:
    first, second = installed(), installed(env={"GREENLIGHT_NAME": "staging"})

    common = {r.id for r in first.all} & {r.id for r in second.all}
    kinds = {r.type for r in first.all if r.id in common}
    assert kinds == {
        "Microsoft.Authorization/roleDefinitions",
        "Microsoft.Storage/storageAccounts/blobServices/containers",  # greenlight-frozen, of the workspace
        "Microsoft.MachineLearningServices/workspaces/datastores",
    }


def test_the_same_tables_queues_and_containers_as_in_the_local_cloud() -> None:
    made = installed()
    kind, state = "Microsoft.Storage/storageAccounts", made.outputs["stateAccount"]

    assert made.names(f"{kind}/tableServices/tables") == set(storage.TABLES)
    assert made.names(f"{kind}/queueServices/queues") == {*storage.QUEUES, *storage.POISON}
    assert made.names(f"{kind}/blobServices/containers", state) >= set(storage.CONTAINERS)


def test_private_networking_closes_storage_and_vault() -> None:
    kinds = ("blob", "queue", "table", "vault")
    zones = {kind: f"/zones/{kind}" for kind in kinds}
    closed = installed(endpointSubnetId="/subnets/a", appSubnetId="/subnets/b", dnsZones=zones)

    def default(made: Made) -> set[str]:
        guarded = made.of("Microsoft.KeyVault/vaults") + made.of("Microsoft.Storage/storageAccounts")
        return {each.body["properties"]["networkAcls"]["defaultAction"] for each in guarded}

    assert (default(closed), default(installed())) == ({"Deny"}, {"Allow"})
    assert len(closed.of("Microsoft.Network/privateEndpoints")) == len(kinds)
    assert not installed().of("Microsoft.Network/privateEndpoints")


@pytest.mark.parametrize(("client", "on"), [("", False), ("44444444-4444-4444-8444-444444444444", True)])
def test_sign_in_is_on_where_there_is_a_registration(client: str, on: bool) -> None:
    (auth,) = installed(authClientId=client).of("Microsoft.Web/sites/config")

    assert auth.body["properties"]["platform"]["enabled"] is on
    assert auth.body["properties"]["globalValidation"]["requireAuthentication"] is on


def test_no_value_of_a_secret_is_in_the_settings() -> None:
    settings = installed(teams=True).settings
    secret = ("GREENLIGHT_LINK_KEYS", "GREENLIGHT_JOURNAL_KEY", "GREENLIGHT_TEAMS_WEBHOOK")

    assert all(settings[name].startswith("@Microsoft.KeyVault(SecretUri=") for name in secret)
    assert installed().settings["GREENLIGHT_TEAMS_WEBHOOK"] == ""


# ---- events


def test_a_workspace_without_a_topic_gets_one_beside_it() -> None:
    made = subscribed(installed())
    (topic,) = made.of("Microsoft.EventGrid/systemTopics")

    assert topic.id.startswith(f"{Place(ONE, 'rg-dev').id}/providers/")
    assert topic.body["location"] == "northeurope"
    assert topic.body["properties"]["source"] == workspace("dev")


def test_a_topic_that_is_there_is_left_as_it_is() -> None:
    there = f"{Place(ONE, 'rg-elsewhere').id}/providers/Microsoft.EventGrid/systemTopics/of-somebody"
    made = subscribed(installed(), systemTopic=there)

    assert not made.of("Microsoft.EventGrid/systemTopics")
    assert [r.id for r in made.of("Microsoft.EventGrid/systemTopics/eventSubscriptions")] == [
        f"{there}/eventSubscriptions/greenlight"
    ]


def test_the_topic_writes_dead_letters_and_may_do_nothing_else() -> None:
    made = subscribed(installed())
    (assignment,) = made.of("Microsoft.Authorization/roleAssignments")

    who = assignment.body["properties"]["principalId"]
    assert "systemTopics" in who
    assert made.rights(who) == {("Storage Blob Data Contributor", "eventgrid-deadletter")}


def test_the_subscription_is_that_of_the_local_cloud(tmp_path: Path) -> None:
    home = installed()
    (each,) = subscribed(home).of("Microsoft.EventGrid/systemTopics/eventSubscriptions")
    local = local_events.default_subscription(LocalConfig(home=tmp_path)).properties
    given = each.body["properties"]

    def dead_letters(properties: Any) -> tuple[object, str]:
        by_identity = properties["deadLetterWithResourceIdentity"]
        target = by_identity["deadLetterDestination"]["properties"]
        return by_identity["identity"], target["blobContainerName"]

    function = given["destination"]["properties"]["resourceId"]
    assert function.startswith(f"{home.outputs['functionAppId']}/functions/")
    assert function.rpartition("/")[2] == local["destination"]["properties"]["resourceId"].rpartition("/")[2]
    for name in ("filter", "retryPolicy", "eventDeliverySchema"):
        assert given[name] == local[name]
    assert dead_letters(given) == dead_letters(local)
