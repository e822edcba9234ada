"""Registered paths: what is read, and what is refused with a reason."""

from __future__ import annotations

import pytest

from shared.arm_id import WorkspaceId
from shared.errors import Invalid
from shared.model_uri import ModelUri, checked_path

SUB = "00000000-0000-4000-8000-000000000001"
PLACE = (
    f"/subscriptions/{SUB}/resourceGroups/rg-qa/providers/Microsoft.MachineLearningServices/workspaces/mlw-qa"
)
WORKSPACE = WorkspaceId.parse(PLACE)
LONG = f"azureml://subscriptions/{SUB}/resourcegroups/rg-qa/workspaces/mlw-qa"


@pytest.mark.parametrize(
    ("text", "datastore", "path"),
    [
        ("azureml://datastores/workspaceblobstore/paths/a/b", "workspaceblobstore", "a/b"),
        ("azureml://datastores/greenlight_frozen/paths/a/b/", "greenlight_frozen", "a/b"),
        (
            f"{LONG}/datastores/workspaceblobstore/paths/LocalUpload/x y",
            "workspaceblobstore",
            "LocalUpload/x y",
        ),
        (f"{LONG.upper().replace('AZUREML', 'azureml')}/datastores/d/paths/p", "d", "p"),
        (f"azureml:/{PLACE}/datastores/d/paths/p", "d", "p"),
        ("azureml://jobs/brave_fox_1/outputs/model", "workspaceblobstore", "azureml/brave_fox_1/model"),
        ("azureml://jobs/j/outputs/model/paths/sub/", "workspaceblobstore", "azureml/j/model/sub"),
        (
            "azureml://jobs/j/outputs/artifacts/paths/model",
            "workspaceartifactstore",
            "ExperimentRun/dcid.j/model",
        ),
        (f"{LONG}/jobs/j/outputs/o", "workspaceblobstore", "azureml/j/o"),
    ],
)
def test_reads(text: str, datastore: str, path: str) -> None:
    assert ModelUri.parse(text, WORKSPACE) == ModelUri(datastore, path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "only azureml"),
        ("https://evil.example/model", "only azureml"),
        ("runs:/abc/model", "only azureml"),
        ("azureml://registries/r/models/m/versions/1", "only azureml"),
        (f"{LONG.replace('mlw-qa', 'mlw-prod')}/datastores/d/paths/p", "another workspace"),
        (f"{LONG.replace('rg-qa', 'rg-dev')}/jobs/j/outputs/o", "another workspace"),
        ("azureml://datastores/d/paths/", "1 to 1024"),
        ("azureml://datastores/d/paths/a/../../b", r"no '\.\.'"),
        ("azureml://datastores/d/paths/a/./b", r"no '\.\.'"),
        ("azureml://datastores/d/paths/a//b", "no empty part"),
        ("azureml://datastores/d/paths/a\\b", "no backslash"),
        ("azureml://datastores/d/paths/a\nb", "no control character"),
        (f"azureml://datastores/d/paths/{'x' * 1025}", "1 to 1024"),
        ("azureml://datastores/../paths/x", "not a legal name"),
        ("azureml://jobs/a?b/outputs/o", "not a legal name"),
        ("azureml://jobs/j/outputs/..", "not a legal name"),
    ],
)
def test_refuses_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        ModelUri.parse(text, WORKSPACE)


def test_the_long_form_is_read_back() -> None:
    there = ModelUri("greenlight_frozen", "titanic.qa.4.1/1")
    assert ModelUri.parse(there.uri(WORKSPACE), WORKSPACE) == there


def test_a_path_loses_the_slashes_at_its_ends() -> None:
    assert checked_path("/a/b/") == "a/b"


def test_workspaces_are_compared_as_azure_compares_them() -> None:
    shouted = WorkspaceId.parse(PLACE.upper().replace("SUBSCRIPTIONS", "subscriptions"))
    assert shouted == WORKSPACE
    assert len({shouted, WORKSPACE}) == 1
    assert str(WORKSPACE) == PLACE
