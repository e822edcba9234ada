"""Which MLflow run is ours.

A pipeline job is a run of its own and each step a child of it. What belongs to the model is kept on the job's
run: it carries the job's name, Azure ML tells the world about it, and it is still open while the steps work.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

STEP_RUN = "MLFLOW_RUN_ID"  # Azure ML sets it in every job
PARENT = "mlflow.parentRunId"


def given_run() -> str:
    """The run that this process was started for."""
    run_id = os.environ.get(STEP_RUN)
    if not run_id:
        raise SystemExit(
            f"no run to log to: this is a step of a job, or needs {STEP_RUN} and MLFLOW_TRACKING_URI"
        )
    return run_id


def home_run(client: MlflowClient, run_id: str) -> str:
    """The pipeline job's run when `run_id` is one of its steps, else `run_id` itself."""
    return client.get_run(run_id).data.tags.get(PARENT, run_id)


def log(client: MlflowClient, run_id: str, metrics: dict[str, float], params: dict[str, str]) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, now, 0) for name, value in metrics.items()],
        params=[Param(name, value) for name, value in params.items()],
    )
