"""Pipeline and command jobs through the SDK, with run history behind them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.contract.azureml.conftest import AUTHOR
from tests.running import eventually

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Job

    from local.config import LocalConfig
    from tests.contract.azureml.arm import Arm

PIPELINE = Path(__file__).parent / "pipeline" / "pipeline.yml"
ENDED = ("Completed", "Failed", "Canceled")
# The SDK's job schemas and its downloads use what their libraries deprecate.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def submitted(ml: MLClient) -> Job:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from azure.ai.ml import load_job

        return ml.jobs.create_or_update(load_job(PIPELINE))


def ended(ml: MLClient, name: str) -> Any:
    eventually(lambda: ml.jobs.get(name).status in ENDED, 90, f"job {name} ends")
    return ml.jobs.get(name)


def command_job(ml: MLClient, line: str) -> Any:
    from azure.ai.ml import command
    from azure.ai.ml.entities import Environment

    job = command(command=line, environment=Environment(image="scratch"), compute="cpu-cluster")
    return ml.jobs.create_or_update(job)


def test_a_pipeline_trains_a_model_that_can_be_registered(
    ml: MLClient, arm: Arm, config: LocalConfig, tmp_path: Path, name: str
) -> None:
    from azure.ai.ml.entities import Model

    job = ended(ml, submitted(ml).name)
    ml.jobs.download(job.name, output_name="final", download_path=str(tmp_path))
    model = ml.models.create_or_update(
        Model(name=name, path=f"azureml://jobs/{job.name}/outputs/final", type="mlflow_model")
    )
    children = {child.display_name: child for child in ml.jobs.list(parent_job_name=job.name)}

    assert job.status == "Completed"
    assert job.creation_context.created_by == AUTHOR
    assert job.outputs["final"].path.endswith(f"/paths/azureml/{job.name}/final/")
    assert list(tmp_path.rglob("MLmodel"))
    assert (model.job_name, model.path) == (job.name, job.outputs["final"].path.rstrip("/"))
    assert {node: child.status for node, child in children.items()} == {
        "prepare": "Completed",
        "train": "Completed",
    }
    events = [e for e in arm.get("/-/events").json() if e["eventType"].endswith(".RunCompleted")]
    told = {e["data"]["runId"]: e for e in events}
    assert {job.name, *(c.name for c in children.values())} <= set(told)
    assert told[job.name]["subject"].endswith(f"/runs/{job.name}")
    assert told[job.name]["data"]["experimentName"] == "contract"
    assert told[job.name]["data"]["runType"] is None


def test_the_second_submission_reuses_the_uploaded_code(ml: MLClient, arm: Arm) -> None:
    ended(ml, submitted(ml).name)
    before = len([c for c in arm.get("/-/calls").json() if c["path"].endswith("startPendingUpload")])
    ended(ml, submitted(ml).name)

    after = len([c for c in arm.get("/-/calls").json() if c["path"].endswith("startPendingUpload")])
    assert after == before


def test_a_failure_is_streamed_with_its_reason_and_raises_no_event(
    ml: MLClient, arm: Arm, capsys: pytest.CaptureFixture[str]
) -> None:
    from azure.ai.ml.exceptions import JobException

    job = command_job(ml, "echo before the end; exit 3")
    with pytest.raises(JobException, match="exit code 3"):
        ml.jobs.stream(job.name)

    assert "before the end" in capsys.readouterr().out
    assert ml.jobs.get(job.name).status == "Failed"
    assert not [e for e in arm.get("/-/events").json() if e["data"].get("runId") == job.name]


def test_a_job_can_be_cancelled_hidden_and_retagged(ml: MLClient) -> None:
    job = command_job(ml, "sleep 60")
    eventually(lambda: ml.jobs.get(job.name).status == "Running", 30, "the job runs")
    ml.jobs.begin_cancel(job.name).result()
    ml.jobs.archive(job.name)
    fetched = ml.jobs.get(job.name)
    fetched.tags = {"seen": "yes"}
    after = ml.jobs.create_or_update(fetched)

    assert after.status == "Canceled"
    assert after.tags == {"seen": "yes"}
    assert job.name not in [j.name for j in ml.jobs.list()]


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({"jobType": "Sweep"}, "do not run"),
        ({"jobType": "Pipeline", "jobs": {}}, "at least one node"),
        ({"jobType": "Pipeline", "jobs": {"a": {"type": "command", "componentId": "nowhere"}}}, "not the id"),
    ],
)
def test_a_job_that_cannot_run_is_refused(
    arm: Arm, config: LocalConfig, name: str, properties: dict[str, Any], why: str
) -> None:
    workspace = config.workspaces[0]
    answer = arm.ask("PUT", workspace, f"/jobs/{name}", {"properties": properties})

    assert answer.status_code == 400
    assert why in answer.json()["error"]["message"]
    assert arm.ask("GET", workspace, f"/jobs/{name}").status_code == 404


def test_nobody_may_register_the_output_of_no_job(ml: MLClient, name: str) -> None:
    from azure.ai.ml.entities import Model

    with pytest.raises(HttpResponseError, match="does not exist"):
        ml.models.create_or_update(Model(name=name, path="azureml://jobs/none/outputs/final"))
