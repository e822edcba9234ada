"""The workspace's MLflow address with the real MLflow client: runs, artifacts, and one registry with ARM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from local import identity
from tests.contract.azureml.conftest import AUTHOR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from azure.ai.ml import MLClient
    from mlflow import MlflowClient

    from local.config import LocalConfig
    from tests.contract.azureml.arm import Arm

# MLflow deprecates its own stages, and scikit-learn's format that it uses by default.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


@pytest.fixture
def mlflow(ml: MLClient, config: LocalConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """MLflow pointed at the dev workspace, as the author."""
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", identity.issue_token(config, AUTHOR, config.arm_url))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(ml.workspaces.get("mlw-dev").mlflow_tracking_uri)
    mlflow.set_experiment("contract")
    yield mlflow
    mlflow.set_tracking_uri(before)


@pytest.fixture
def tracking(mlflow: Any) -> MlflowClient:
    return mlflow.MlflowClient()


def logged(mlflow: Any, folder: Path) -> tuple[str, str]:
    """(run, address) of the model, logged as a run's artifact."""
    with mlflow.start_run() as run:
        mlflow.log_metric("auc", 0.9)
        mlflow.log_artifacts(str(folder), "model")
    return run.info.run_id, f"runs:/{run.info.run_id}/model"


def test_a_run_knows_its_author_and_its_good_end_is_told(
    mlflow: Any, tracking: MlflowClient, arm: Arm, model: Path
) -> None:
    run_id, _ = logged(mlflow, model)
    with pytest.raises(RuntimeError, match="on purpose"), mlflow.start_run() as failed:
        raise RuntimeError("on purpose")

    run = tracking.get_run(run_id)
    assert (run.info.user_id, run.data.metrics) == (AUTHOR, {"auc": 0.9})
    told = [e["data"].get("runId") for e in arm.get("/-/events").json()]
    assert told.count(run_id) == 1
    assert failed.info.run_id not in told


def test_what_mlflow_registers_is_an_arm_model_and_an_event(
    mlflow: Any, ml: MLClient, arm: Arm, config: LocalConfig, model: Path, name: str
) -> None:
    run_id, address = logged(mlflow, model)
    made = mlflow.register_model(address, name, tags={"auc": "0.9"})
    seen = ml.models.get(name, made.version)

    assert (made.version, seen.job_name, seen.type) == ("1", run_id, "mlflow_model")
    assert seen.tags == {"auc": "0.9"}
    assert seen.creation_context.created_by == AUTHOR
    assert "/datastores/workspaceblobstore/paths/mlflow/" in seen.path
    (event,) = [e for e in arm.get("/-/events").json() if e["subject"] == f"models/{name}:1"]
    assert event["topic"] == config.workspaces[0].id
    assert event["data"] == {
        "ModelName": name,
        "ModelVersion": "1",
        "ModelTags": {"auc": "0.9"},
        "ModelProperties": {"mlflow.modelSourceUri": made.source},
    }


def test_a_model_logged_the_new_way_keeps_its_run(mlflow: Any, ml: MLClient, name: str) -> None:
    import pandas as pd
    from sklearn.dummy import DummyClassifier

    rows = pd.DataFrame({"a": [0.0, 1.0]})
    with mlflow.start_run() as run:
        fitted = DummyClassifier(strategy="most_frequent").fit(rows, [1, 1])
        info = mlflow.sklearn.log_model(
            fitted, name="model", registered_model_name=name, pip_requirements=["scikit-learn"]
        )
    seen = ml.models.get(name, str(info.registered_model_version))

    assert seen.job_name == run.info.run_id
    assert mlflow.sklearn.load_model(f"models:/{name}/1").predict(rows).tolist() == [1, 1]


def test_both_registries_are_one(
    mlflow: Any, tracking: MlflowClient, ml: MLClient, model: Path, name: str
) -> None:
    from azure.ai.ml.entities import Model

    _, address = logged(mlflow, model)
    ml.models.create_or_update(Model(name=name, path=str(model), type="mlflow_model", tags={"from": "arm"}))
    second = mlflow.register_model(address, name)
    tracking.set_model_version_tag(name, "1", "seen", "yes")
    tracking.set_registered_model_alias(name, "champion", "2")
    tracking.transition_model_version_stage(name, "1", "Production")

    assert second.version == "2"
    assert [v.version for v in tracking.search_model_versions(f"name='{name}'")] == ["2", "1"]
    assert tracking.get_model_version_by_alias(name, "champion").version == "2"
    assert name in [m.name for m in tracking.search_registered_models()]
    assert ml.models.get(name, "1").tags == {"from": "arm", "seen": "yes"}
    assert ml.models.get(name, "1").stage == "Production"

    tracking.delete_model_version(name, "2")
    with pytest.raises(ResourceNotFoundError):
        ml.models.get(name, "2")
    assert mlflow.register_model(address, name).version == "3"  # a number is used once


def test_what_does_not_exist_is_refused_in_mlflows_words(
    mlflow: Any, tracking: MlflowClient, name: str
) -> None:
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException) as caught:
        tracking.get_model_version(name, "1")
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    tracking.create_registered_model(name)
    with pytest.raises(MlflowException, match="not supported"):
        tracking.create_model_version(name, "s3://elsewhere/model")


def test_a_run_is_a_path_for_arm_too(mlflow: Any, ml: MLClient, model: Path, name: str) -> None:
    from azure.ai.ml.entities import Model

    run_id, address = logged(mlflow, model)
    made = ml.models.create_or_update(Model(name=name, path=address, type="mlflow_model"))

    assert made.job_name == run_id
    assert made.path.endswith(f"{run_id}/artifacts/model")
