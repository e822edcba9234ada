"""Addresses of registries: what is one, what is said of what is none, and whose a model is."""

from __future__ import annotations

import pytest

from shared.arm_id import WorkspaceId
from shared.errors import Invalid
from shared.registry_id import RegistryId

ARM = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers"
WORKSPACE = f"{ARM}/Microsoft.MachineLearningServices/workspaces/mlw-dev"


@pytest.mark.parametrize("text", ["azureml://registries/mlr-models", "azureml://registries/mlr-models/"])
def test_an_address_is_read(text: str) -> None:
    found = RegistryId.parse(text)

    assert (found.name, str(found)) == ("mlr-models", "azureml://registries/mlr-models")


def test_azure_ignores_case_in_names() -> None:
    here, there = RegistryId("MLR-models"), RegistryId("mlr-MODELS")

    assert here == there
    assert len({here, there, RegistryId("another")}) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin with azureml://"),
        ("mlr-models", "does not begin with azureml://"),
        ("https://ml.azure.com/registries/mlr", "does not begin with azureml://"),
        ("azureml://registry/mlr-models", "after azureml:// comes 'registry', not 'registries'"),
        ("azureml://datastores/x/paths/y", "comes 'datastores', not 'registries'"),
        ("azureml://registries", "names no registry"),
        ("azureml://registries/", "names no registry"),
        ("azureml://registries/a b", "the name 'a b' must be"),
        ("azureml://registries/xy", "the name 'xy' must be 3 to 33"),
        ("azureml://registries/-mlr", "the name '-mlr' must be"),
        ("azureml://registries/mlr/models/titanic", "only the registry is named, azureml://registries/mlr"),
        ("azureml://registries/mlr/models/titanic/versions/3", "only the registry is named"),
        (
            f"{ARM}/Microsoft.MachineLearningServices/registries/mlr-models",
            "that is an ARM id; write azureml://registries/mlr-models",
        ),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    with pytest.raises(Invalid, match="not the address of a registry") as refused:
        RegistryId.parse(text)

    assert said in str(refused.value)


def test_a_registry_in_place_of_a_workspace_is_told_where_it_belongs() -> None:
    with pytest.raises(Invalid, match="write it as `source:` of the first environment"):
        WorkspaceId.parse("azureml://registries/mlr-models")


def test_whose_a_model_is() -> None:
    registry, workspace = RegistryId("mlr-models"), WorkspaceId.parse(WORKSPACE)
    shared, own = registry.model_id("titanic", "1.2.0"), workspace.model_id("titanic", "1.2.0")

    assert shared == "azureml://registries/mlr-models/models/titanic/versions/1.2.0"
    assert registry.version_of(shared.replace("mlr", "MLR")) == ("titanic", "1.2.0")
    assert workspace.version_of(own) == workspace.version_of(f"azureml:{own}") == ("titanic", "1.2.0")
    assert (workspace.version_of(shared), registry.version_of(own)) == (None, None)
    assert registry.version_of("azureml://registries/another/models/titanic/versions/1") is None
    assert registry.version_of(f"{registry}/environments/titanic/versions/1") is None
    assert workspace.version_of(own.replace("mlw-dev", "mlw-qa")) is None
