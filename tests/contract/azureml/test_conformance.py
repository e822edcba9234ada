"""The published types: that they tell right from wrong, and that a tour of the SDK leaves none unchecked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.azureml import schema
from tests.contract.azureml.extract import ACTIONS, DEPLOYMENT, ENDPOINT, RESOURCES, WORKSPACE
from tests.contract.azureml.test_endpoints import put_deployment, put_endpoint
from tests.contract.azureml.test_jobs import command_job, ended, submitted
from tests.contract.azureml.wire import check

if TYPE_CHECKING:
    from pathlib import Path

    from azure.ai.ml import MLClient

    from tests.contract.azureml.wire import Wire

ONLINE = "2022-02-01-preview"
GOOD: dict[str, Any] = {
    "id": "/subscriptions/x",
    "name": "some-name",
    "location": "westeurope",
    "properties": {"authMode": "Key", "traffic": {"blue": 100}, "provisioningState": "Succeeded"},
}
# The SDK never writes these, or never as this version.
NEVER_SENT = {
    (ONLINE, DEPLOYMENT),
    ("2023-04-01-preview", ENDPOINT),
    ("2023-04-01-preview", f"{WORKSPACE}/data"),
    ("2023-04-01-preview", f"{WORKSPACE}/environments"),
    ("2024-10-01-preview", WORKSPACE),
}


def faults(body: dict[str, Any], *, request: bool = False) -> list[str]:
    return [e.message for e in schema.resource(ONLINE, ENDPOINT, request=request).iter_errors(body)]


def changed(**properties: Any) -> dict[str, Any]:
    return {**GOOD, "properties": {**GOOD["properties"], **properties}}


def test_a_response_of_the_right_shape_passes() -> None:
    assert faults(GOOD) == []
    assert faults(changed(description=None)) == []


@pytest.mark.parametrize(
    "body",
    [
        changed(traffic={"blue": "100"}),
        changed(invented=1),
        changed(keys={"primaryKey": "secret"}),  # write-only
        {**GOOD, "properties": {"provisioningState": "Succeeded"}},  # authMode is required
        {**GOOD, "tags": ["a"]},
        {k: v for k, v in GOOD.items() if k != "location"},
    ],
)
def test_a_response_of_another_shape_does_not(body: dict[str, Any]) -> None:
    assert faults(body)


def test_a_request_may_hold_nothing_read_only() -> None:
    assert faults(GOOD, request=True)
    assert faults({"location": "westeurope", "properties": {"authMode": "Key"}}, request=True) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_tour_of_the_sdk_checks_every_type_both_ways(
    ml: MLClient, wire: Wire, model: Path, tmp_path: Path, name: str
) -> None:
    began = len(wire.exchanges)
    tour(ml, model, tmp_path, name)
    checked = check(wire.exchanges[began:]).checked

    expected = {
        (version, resource, direction)
        for version, resources in RESOURCES.items()
        for resource in resources
        for direction in ("request", "response")
        if direction == "response" or (version, resource) not in NEVER_SENT
    } | {
        (version, f"{resource}/{action}", "response")
        for version, actions in ACTIONS.items()
        for resource, action in actions
    }
    assert expected - checked == set()


def tour(ml: MLClient, model: Path, folder: Path, name: str) -> None:
    """Every operation of the SDK that the local cloud has, once."""
    from azure.ai.ml.entities import AzureBlobDatastore, Data, Environment, Model, SasTokenConfiguration

    ml.workspaces.get("mlw-dev")
    store = AzureBlobDatastore(
        name=name,
        account_name="gldev",
        container_name="azureml-blobstore",
        credentials=SasTokenConfiguration(sas_token="sv=1"),
    )
    ml.datastores.create_or_update(store)
    ml.datastores.get(name, include_secrets=True)
    ml.models.create_or_update(Model(name=name, path=str(model), type="mlflow_model"))
    ml.models.archive(name)
    ml.models.restore(name)
    file = folder / "rows.csv"
    file.write_text("a,b\n1,2\n")
    ml.data.create_or_update(Data(name=name, path=str(file), type="uri_file"))
    ml.data.get(name, label="latest")
    ml.environments.create_or_update(Environment(name=name, image="scratch"))
    ml.environments.create_or_update(Environment(name=name, image="scratch"))  # the next version
    put_endpoint(ml, name).result()
    put_deployment(ml, name, "v1-1", f"azureml:{name}:1").result()
    put_endpoint(ml, name, traffic={"v1-1": 100}).result()
    ml.online_endpoints.get(name)
    list(ml.online_endpoints.list())
    ml.online_endpoints.get_keys(name)
    ml.online_deployments.get_logs("v1-1", name, lines=1)
    ended(ml, submitted(ml).name)
    ended(ml, command_job(ml, "true").name)
