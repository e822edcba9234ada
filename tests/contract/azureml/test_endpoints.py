"""Online endpoints and deployments through the SDK: operations, states, and what is refused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from local import faults
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azure.ai.ml import MLClient

    from local.config import LocalConfig
    from tests.contract.azureml.arm import Arm
    from tests.contract.azureml.wire import Wire

ROWS = {"input_data": {"columns": ["a"], "index": [0], "data": [[0.5]]}}


@pytest.fixture
def registered(ml: MLClient, model: Path, name: str) -> str:
    from azure.ai.ml.entities import Model

    ml.models.create_or_update(Model(name=name, path=str(model), type="mlflow_model"))
    return f"azureml:{name}:1"


def put_endpoint(ml: MLClient, name: str, **values: Any) -> Any:
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    endpoint = ManagedOnlineEndpoint(name=name, auth_mode=values.pop("auth_mode", "key"), **values)
    return ml.online_endpoints.begin_create_or_update(endpoint)


def put_deployment(ml: MLClient, endpoint: str, name: str, model: str, **values: Any) -> Any:
    from azure.ai.ml.entities import ManagedOnlineDeployment

    size = {"instance_type": "Standard_DS3_v2", "instance_count": 1}
    deployment = ManagedOnlineDeployment(name=name, endpoint_name=endpoint, model=model, **{**size, **values})
    return ml.online_deployments.begin_create_or_update(deployment)


def reason(caught: pytest.ExceptionInfo[HttpResponseError]) -> str:
    return str(caught.value)


def test_a_model_serves_by_weight_and_by_name_and_goes_away(
    ml: MLClient, config: LocalConfig, registered: str, name: str, wire: Wire
) -> None:
    began = len(wire.exchanges)
    made = put_endpoint(ml, name, tags={"owner": "test"}).result()
    candidate = put_deployment(ml, name, "v1-1", registered).result()
    key = ml.online_endpoints.get_keys(name).primary_key

    def score(**headers: str) -> int:
        url = f"http://127.0.0.1:{config.port('router_http')}/{name}/score"
        authorized = {"Authorization": f"Bearer {key}", **headers}
        return httpx.post(url, json=ROWS, headers=authorized, trust_env=False).status_code

    assert made.provisioning_state == candidate.provisioning_state == "Succeeded"
    assert score() == 404  # no weight yet
    assert score(**{"azureml-model-deployment": "v1-1"}) == 200

    after = put_endpoint(ml, name, tags={"prod": "v1-1"}, traffic={"v1-1": 100}).result()
    assert (after.traffic, after.tags) == ({"v1-1": 100}, {"prod": "v1-1"})
    assert score() == 200

    put_endpoint(ml, name, tags={}, traffic={}).result()
    ml.online_deployments.begin_delete("v1-1", name).result()
    assert list(ml.online_deployments.list(name)) == []
    ml.online_endpoints.begin_delete(name).result()
    with pytest.raises(ResourceNotFoundError):
        ml.online_endpoints.get(name)

    answers = [
        (e.method, e.status, e.headers) for e in wire.exchanges[began:] if e.method in ("PUT", "DELETE")
    ]
    assert [(m, s) for m, s, _ in answers if m == "PUT"][:2] == [("PUT", 201), ("PUT", 201)]
    assert all("azure-asyncoperation" in h for m, _, h in answers if m == "PUT")
    assert all(s == 202 and "location" in h for m, s, h in answers if m == "DELETE")


def test_keys_can_be_replaced_one_at_a_time(ml: MLClient, name: str) -> None:
    put_endpoint(ml, name).result()
    before = ml.online_endpoints.get_keys(name)
    ml.online_endpoints.begin_regenerate_keys(name, key_type="secondary").result()
    after = ml.online_endpoints.get_keys(name)

    assert after.primary_key == before.primary_key
    assert after.secondary_key != before.secondary_key


def test_the_container_says_what_it_did(ml: MLClient, registered: str, name: str) -> None:
    put_endpoint(ml, name).result()
    put_deployment(ml, name, "v1-1", registered).result()

    assert "serving" in ml.online_deployments.get_logs("v1-1", name, lines=20)


def test_a_deployment_in_the_making_shows_and_blocks_the_endpoint(
    ml: MLClient, config: LocalConfig, registered: str, name: str
) -> None:
    put_endpoint(ml, name).result()
    faults.add(config, {"on": "operation", "verb": "deployment_put", "endpoint": name, "seconds": 1})
    operation = put_deployment(ml, name, "v1-1", registered)

    assert ml.online_endpoints.get(name).provisioning_state == "Updating"
    assert ml.online_deployments.get("v1-1", name).provisioning_state == "Creating"
    with pytest.raises(ResourceExistsError, match="in progress"):
        put_endpoint(ml, name)
    with pytest.raises(ResourceExistsError, match="Updating provisioning state"):
        put_deployment(ml, name, "v2-1", registered)
    with pytest.raises(ResourceExistsError):
        ml.online_endpoints.begin_delete(name)
    assert operation.result().provisioning_state == "Succeeded"
    assert ml.online_endpoints.get(name).provisioning_state == "Succeeded"


@pytest.mark.parametrize(
    ("traffic", "mirror", "why"),
    [
        ({"v1-1": 99}, {}, "sum of traffic"),
        ({"other": 100}, {}, "does not exist"),
        ({"v1-1": 100}, {"v2-1": 51}, "At most 50"),
        ({"v1-1": 100}, {"v1-1": 10}, "live traffic"),
        ({"v1-1": 100}, {"other": 10}, "does not exist"),
        ({"v1-1": 100}, {"v2-1": 10, "v3-1": 10}, "one deployment"),
        ({"v1-1": 101}, {}, "0 to 100"),
    ],
)
def test_weights_that_break_a_rule_are_refused(
    traffic: dict[str, int], mirror: dict[str, int], why: str
) -> None:
    from local.azureml.refusals import Refusal
    from local.azureml.traffic import check

    with pytest.raises(Refusal) as caught:
        check(traffic, mirror, {"v1-1", "v2-1", "v3-1"})

    assert why in caught.value.details[0]["message"]


def test_refused_weights_change_nothing(ml: MLClient, registered: str, name: str) -> None:
    put_endpoint(ml, name).result()
    put_deployment(ml, name, "v1-1", registered).result()
    put_endpoint(ml, name, traffic={"v1-1": 100}).result()

    with pytest.raises(HttpResponseError) as caught:
        put_endpoint(ml, name, traffic={"v1-1": 50})
    assert caught.value.status_code == 400
    assert "sum of traffic" in reason(caught)
    with pytest.raises(HttpResponseError) as caught:
        ml.online_deployments.begin_delete("v1-1", name)
    assert "100 %" in reason(caught)
    mirrored = put_endpoint(ml, name, traffic={"v1-1": 100}, mirror_traffic={}).result()
    assert mirrored.traffic == {"v1-1": 100}


def test_a_name_belongs_to_one_workspace_of_the_region(client: Callable[..., MLClient], name: str) -> None:
    put_endpoint(client("dev"), name).result()

    with pytest.raises(HttpResponseError, match="unique within the region"):
        put_endpoint(client("qa"), name)


@pytest.mark.parametrize("endpoint", ["ab", "1abc", "a" * 33, "a--b", "ab-", "a_b"])
def test_an_endpoint_name_that_cannot_be_a_host_is_refused(
    arm: Arm, config: LocalConfig, endpoint: str
) -> None:
    body = {"location": "westeurope", "properties": {"authMode": "Key"}}

    answer = arm.ask("PUT", config.workspaces[0], f"/onlineEndpoints/{endpoint}", body)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BadRequest"


def test_a_model_that_is_not_there_fails_the_operation_and_the_deployment_stays(
    ml: MLClient, registered: str, name: str
) -> None:
    put_endpoint(ml, name).result()
    with pytest.raises(HttpResponseError) as caught:
        put_deployment(ml, name, "v1-1", f"azureml:{name}:99").result()

    assert caught.value.error is not None
    assert caught.value.error.code == "ResourceNotFound"
    assert ml.online_deployments.get("v1-1", name).provisioning_state == "Failed"
    with pytest.raises(HttpResponseError, match="unrecoverable state"):
        put_deployment(ml, name, "v1-1", registered)
    ml.online_deployments.begin_delete("v1-1", name).result()
    assert put_deployment(ml, name, "v1-1", registered).result().provisioning_state == "Succeeded"


def test_a_model_without_mlmodel_fails_the_operation(ml: MLClient, tmp_path: Path, name: str) -> None:
    from azure.ai.ml.entities import Model

    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "readme.txt").write_text(name)
    ml.models.create_or_update(Model(name=name, path=str(folder), type="mlflow_model"))
    put_endpoint(ml, name).result()

    with pytest.raises(HttpResponseError, match="MLmodel"):
        put_deployment(ml, name, "v1-1", f"azureml:{name}:1").result()


def test_quota_counts_a_fifth_more_than_the_instances(
    ml: MLClient, config: LocalConfig, registered: str, name: str
) -> None:
    put_endpoint(ml, name).result()
    faults.add(config, {"on": "quota", "workspace": "dev", "cores": 4})

    with pytest.raises(HttpResponseError) as caught:
        put_deployment(ml, name, "v1-1", registered).result()

    assert caught.value.error is not None
    assert caught.value.error.code == "OutOfQuota"


def test_an_operation_may_fail_as_told(ml: MLClient, config: LocalConfig, registered: str, name: str) -> None:
    put_endpoint(ml, name).result()
    rule = {"on": "operation", "verb": "deployment_put", "endpoint": name, "times": 1}
    faults.add(config, {**rule, "code": "ImageBuildFailure", "message": "conda could not be solved"})

    with pytest.raises(HttpResponseError) as caught:
        put_deployment(ml, name, "v1-1", registered).result()

    assert caught.value.error is not None
    assert caught.value.error.code == "ImageBuildFailure"


def test_an_endpoint_may_look_busy_after_success(ml: MLClient, config: LocalConfig, name: str) -> None:
    faults.add(config, {"on": "operation", "verb": "endpoint_put", "endpoint": name, "updating_after": 0.5})
    made = put_endpoint(ml, name).result()

    assert made.provisioning_state == "Updating"
    with pytest.raises(ResourceExistsError):
        put_endpoint(ml, name)
    eventually(lambda: ml.online_endpoints.get(name).provisioning_state == "Succeeded", 5, "endpoint settles")


def test_weights_may_be_read_stale(ml: MLClient, config: LocalConfig, registered: str, name: str) -> None:
    put_endpoint(ml, name).result()
    put_deployment(ml, name, "v1-1", registered).result()
    faults.add(config, {"on": "traffic_read", "endpoint": name, "stale": 0.5})
    written = time.monotonic()
    after = put_endpoint(ml, name, traffic={"v1-1": 100}).result()

    assert after.traffic == {}
    eventually(lambda: ml.online_endpoints.get(name).traffic == {"v1-1": 100}, 5, "the new weights show")
    assert time.monotonic() - written >= 0.5
