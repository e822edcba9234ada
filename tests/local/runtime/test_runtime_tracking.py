"""The workspace's MLflow server: models land in its container, and a run can be named after its job."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import pytest

from local.azureml.runtime import ScorerSpec
from local.azureml.tracking import artifact_prefix
from local.azureml.zygote.protocol import Task
from tests.local.runtime.conftest import ACCOUNT, CONTAINER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.local.runtime.conftest import Bench

    OnBench = Callable[[Callable[[Bench], Awaitable[None]]], None]

LOGS_A_MODEL = """
import mlflow, numpy, pandas, sys
from mlflow.models import infer_signature
from sklearn.dummy import DummyRegressor

rows = pandas.DataFrame({"x": [0.0, 1.0]})
model = DummyRegressor().fit(rows, [3.0, 3.0])
with mlflow.start_run():
    info = mlflow.sklearn.log_model(
        model, name="model", signature=infer_signature(rows, model.predict(rows)),
        pip_requirements=["scikit-learn"],
    )
print(mlflow.get_logged_model(info.model_id).artifact_location)
"""


def test_a_logged_model_is_a_folder_that_can_be_deployed(on_bench: OnBench, tmp_path: Path) -> None:
    (tmp_path / "log_it.py").write_text(LOGS_A_MODEL)

    async def story(bench: Bench) -> None:
        server = f"http://127.0.0.1:{bench.config.port('mlflow_dev')}"
        env = bench.runtime.child_env() | {"MLFLOW_TRACKING_URI": server}
        log = tmp_path / "log"
        task = Task("log a model", env, str(tmp_path), str(log), command="python log_it.py")
        child = await bench.runtime.zygote.start(task)
        assert await asyncio.wait_for(child.ended(), 60) == 0, log.read_text()
        location = log.read_text().split()[-1]

        spec = ScorerSpec("dev", "logged", "blue", ACCOUNT, CONTAINER, artifact_prefix(location))
        port = await bench.runtime.start_scorer(spec)
        scored = await bench.http.post(f"http://127.0.0.1:{port}/score", json={"input_data": [{"x": 5}]})
        assert scored.json() == [3.0]
        await bench.runtime.stop_scorer("dev", "logged", "blue")

    on_bench(story)


def test_a_run_is_named_by_its_job_once(on_bench: OnBench) -> None:
    async def story(bench: Bench) -> None:
        server = f"http://127.0.0.1:{bench.config.port('mlflow_dev')}"
        name = f"brave_sun_{secrets.token_hex(4)}"
        body = {"experiment_id": "0", "name": "hello", "user": "someone", "tags": {"a": "b"}}
        assert (await bench.http.put(f"{server}/-/runs/{name}", json=body)).status_code == 201
        assert (await bench.http.put(f"{server}/-/runs/{name}", json=body)).status_code == 409
        odd = await bench.http.put(f"{server}/-/runs/with%20space", json=body)
        assert odd.status_code == 400
        found = await bench.http.get(f"{server}/api/2.0/mlflow/runs/get", params={"run_id": name})
        assert found.json()["run"]["info"]["artifact_uri"].endswith(f"/0/{name}/artifacts")

    on_bench(story)


@pytest.mark.parametrize(
    ("uri", "prefix"),
    [
        ("mlflow-artifacts:/3/models/m-1/artifacts", "mlflow/3/models/m-1/artifacts"),
        ("mlflow-artifacts:/3/r/artifacts/model/", "mlflow/3/r/artifacts/model"),
        ("mlflow-artifacts://127.0.0.1:7082/3/r/artifacts", "mlflow/3/r/artifacts"),
        ("mlflow-artifacts:///3/r/artifacts", "mlflow/3/r/artifacts"),
    ],
)
def test_where_an_artifact_is(uri: str, prefix: str) -> None:
    assert artifact_prefix(uri) == prefix


def test_other_stores_are_not_ours() -> None:
    with pytest.raises(ValueError, match="not an artifact"):
        artifact_prefix("s3://bucket/x")
