"""A registry as the source: one role more, there, and nothing where none is named."""

from __future__ import annotations

from local.appsettings import ROOT
from local.config import REGISTRY
from orchestrator.app import read_policy
from shared import rights
from tests.infra.test_evaluated import Made, installed

PIPELINE = ROOT / "greenlight.yaml"


def roles(made: Made) -> set[tuple[str, str]]:
    return made.rights(made.outputs["identityPrincipalId"])


def test_without_a_registry_nothing_is_made_for_one() -> None:
    assert not [r for r in installed().all if "registr" in r.id.lower()]


def test_the_app_reads_the_registry_and_nothing_else_changes() -> None:
    made = installed(env={"GREENLIGHT_REGISTRY_ID": REGISTRY.id})

    assert roles(made) - roles(installed()) == {("Greenlight registry", REGISTRY.name)}
    (assigned,) = [
        r
        for r in made.of("Microsoft.Authorization/roleAssignments")
        if r.id.startswith(f"{REGISTRY.id}/providers/Microsoft.Authorization/")
    ]
    (role,) = [
        r
        for r in made.of("Microsoft.Authorization/roleDefinitions")
        if r.id.rpartition("/")[2] == assigned.body["properties"]["roleDefinitionId"].rpartition("/")[2]
    ]
    (permission,) = role.body["properties"]["permissions"]
    assert tuple(permission["actions"]) == rights.REGISTRY
    assert permission["dataActions"] == []
    assert role.body["properties"]["assignableScopes"] == [REGISTRY.id.partition("/providers/")[0]]


def test_the_pipeline_is_told_of_it() -> None:
    made = installed(env={"GREENLIGHT_REGISTRY_ID": REGISTRY.id})

    assert made.settings["GREENLIGHT_REGISTRY"] == REGISTRY.uri
    assert "GREENLIGHT_REGISTRY" not in installed().settings
    assert read_policy(PIPELINE.read_text(), given(made)).registry == REGISTRY.uri
    assert read_policy(PIPELINE.read_text(), given(installed())).registry == ""


def given(made: Made) -> dict[str, str]:
    """The settings of the app, with people in place of those that stand for them here."""
    person = "11111111-1111-4111-8111-111111111111"
    people = {f"GREENLIGHT_APPROVER_{n}": f"{person}/{person[:-1]}{n}" for n in (1, 2)}
    return made.settings | people | {"GREENLIGHT_OPERATORS_GROUP": person}
