"""Which action a request to ARM is, and that one without it is refused as Azure refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.azureml import allowed
from local.azureml.callers import Caller
from local.azureml.refusals import Refusal
from local.config import APP_IDENTITY, JOB_IDENTITY, REGISTRY, LocalConfig
from shared import rights

ML = "Microsoft.MachineLearningServices"
APP, JOB = Caller(APP_IDENTITY, "app", "ManagedIdentity"), Caller(JOB_IDENTITY, "job", "ManagedIdentity")


@pytest.fixture
def config(tmp_path: Path) -> LocalConfig:
    return LocalConfig(home=tmp_path, enforce_roles=True)


@pytest.mark.parametrize(
    ("method", "below", "action"),
    [
        ("GET", "", "workspaces/read"),
        ("GET", "/models/titanic/versions/3", "workspaces/models/versions/read"),
        ("GET", "/models/titanic/versions", "workspaces/models/versions/read"),
        ("PUT", "/models/titanic/versions/3", "workspaces/models/versions/write"),
        ("PUT", "/onlineEndpoints/e/deployments/d", "workspaces/onlineEndpoints/deployments/write"),
        ("PATCH", "/onlineEndpoints/e", "workspaces/onlineEndpoints/write"),
        ("DELETE", "/onlineEndpoints/e/deployments/d/", "workspaces/onlineEndpoints/deployments/delete"),
        ("POST", "/onlineEndpoints/e/listKeys", "workspaces/onlineEndpoints/listKeys/action"),
        ("POST", "/datastores/d/listSecrets", "workspaces/datastores/listSecrets/action"),
    ],
)
def test_a_request_below_a_workspace(config: LocalConfig, method: str, below: str, action: str) -> None:
    assert allowed.action_of(method, config.workspaces[0].id + below) == f"{ML}/{action}"


def test_requests_elsewhere(config: LocalConfig) -> None:
    place = config.workspaces[0].id
    region = f"/subscriptions/x/providers/{ML}/locations/westeurope"

    def action(method: str, path: str) -> str:
        return allowed.action_of(method, path)

    assert action("GET", f"{region}/usages") == f"{ML}/locations/usages/read"
    assert action("GET", f"{region}/mfeOperationsStatus/7") == f"{ML}/locations/mfeOperationsStatus/read"
    rights_there = f"{place}/providers/Microsoft.Authorization/permissions"
    assert action("GET", rights_there) == "Microsoft.Authorization/permissions/read"
    assert action("GET", f"/mlflow/v1.0{place}/api/2.0/mlflow/runs/get") == f"{allowed.RUNS}/read"
    assert action("POST", f"/mlflow/v1.0{place}/api/2.0/mlflow/runs/search") == f"{allowed.RUNS}/read"
    assert action("POST", f"/mlflow/v1.0{place}/api/2.0/mlflow/runs/log-metric") == f"{allowed.RUNS}/write"


def test_requests_to_the_registry(config: LocalConfig) -> None:
    plane = f"/mferp/managementfrontend{REGISTRY.id}"

    def action(method: str, path: str) -> str:
        return allowed.action_of(method, path).removeprefix(f"{ML}/registries/")

    assert action("GET", f"/registrymanagement/v1.0/registries/{REGISTRY.name}/discovery") == "read"
    assert action("GET", f"{plane}/models/titanic/versions") == "assets/read"
    assert action("POST", f"{plane}/datarefs/titanic/versions/1") == "assets/read"
    assert (
        action("POST", f"{plane}/import") == action("PUT", f"{plane}/models/t/versions/1") == "assets/write"
    )
    allowed.check(config, APP, "POST", f"{plane}/datarefs/titanic/versions/1")
    with pytest.raises(Refusal):
        allowed.check(config, APP, "POST", f"{plane}/import")


def test_the_app_registers_in_later_workspaces_only(config: LocalConfig) -> None:
    dev, qa = (w.id for w in config.workspaces)

    allowed.check(config, APP, "PUT", f"{qa}/models/titanic/versions/1")
    with pytest.raises(Refusal) as refused:
        allowed.check(config, APP, "PUT", f"{dev}/models/titanic/versions/1")

    assert (refused.value.status, refused.value.code) == (403, "AuthorizationFailed")
    assert f"perform action '{ML}/workspaces/models/versions/write'" in refused.value.message


def test_nobody_else_is_held_to_the_apps_roles(config: LocalConfig) -> None:
    path = f"{config.workspaces[0].id}/models/titanic/versions/1"

    allowed.check(config, JOB, "PUT", path)
    allowed.check(LocalConfig(home=config.home), APP, "PUT", path)
    assert allowed.told(config, JOB, path) == ["*"]
    assert allowed.told(config, APP, path) == list(rights.SOURCE)


@pytest.mark.parametrize("action", ["write", "delete", "computes/write", "jobs/write", "listKeys/action"])
def test_what_no_role_has(action: str) -> None:
    granted = (rights.Granted(rights.TARGET),)

    assert rights.missing(granted, [f"{ML}/workspaces/{action}"])
