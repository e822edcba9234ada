"""The four steps as Azure ML runs them: their command lines, as processes, against a tracking store."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient

from ml.quick import log_and_register
from ml.src.titanic.register import register
from ml.src.titanic.schema import version_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:mlflow")

COMPONENTS = Path("ml/components")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> MlflowClient:
    uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@pytest.fixture(scope="module")
def experiment(client: MlflowClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    return client.create_experiment(
        "titanic", artifact_location=tmp_path_factory.mktemp("artifacts").as_uri()
    )


def test_a_pipeline_job_leaves_model_numbers_and_origin_on_its_own_run(
    client: MlflowClient, experiment: str, tmp_path: Path
) -> None:
    job = client.create_run(experiment).info.run_id
    given = {
        "data": str(Path("ml/data/titanic.csv").resolve()),
        "kind": "tree",
        "depth": "3",
        "model_name": "titanic",
        "git_commit": COMMIT,
        "author": "Ada Author",
    }
    steps = {}
    for step in ("prep", "train", "evaluate", "register"):
        steps[step] = client.create_run(experiment, tags={"mlflow.parentRunId": job}).info.run_id
        _run(step, given, tmp_path, client.tracking_uri, steps[step])

    run = client.get_run(job)
    evaluation = json.loads((tmp_path / "evaluation" / "evaluation.json").read_text())
    assert run.data.metrics == evaluation["metrics"]
    assert client.get_run(steps["evaluate"]).data.metrics == evaluation["metrics"]
    assert run.data.params["kind"] == "tree"
    version = client.get_model_version("titanic", "1")
    assert version.run_id == job
    assert version.source == f"{run.info.artifact_uri}/model"
    assert version.tags == {
        "run_id": job,
        "git_commit": COMMIT,
        "data_version": version_of(Path("ml/data/titanic.csv")),
        "author": "Ada Author",
        **{k: f"{evaluation['metrics'][k]:.4f}" for k in version.tags if k.startswith("test_")},
    }
    assert {f.path for f in client.list_artifacts(job)} == {"evaluation.json", "model"}
    registered = json.loads((tmp_path / "registered" / "registered.json").read_text())
    assert registered == {"name": "titanic", "version": "1", "run_id": job}

    again = register(
        client,
        job,
        "titanic",
        model=tmp_path / "model",
        evaluation=tmp_path / "evaluation",
        git_commit=COMMIT,
    )
    assert again.version == "1", "a repeated step registers nothing new"


def test_bad_data_ends_the_step_with_its_reasons(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("survived,age\n1,old\n")

    done = _run("prep", {"data": str(tmp_path / "bad.csv")}, tmp_path, "", "", check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("data rejected:\n- column pclass is missing\n")
    assert "Traceback" not in done.stderr


def test_without_a_run_the_step_says_what_it_needs(tmp_path: Path) -> None:
    given = {"model_name": "titanic", "git_commit": COMMIT}

    done = _run("register", given, tmp_path, f"sqlite:///{tmp_path}/none.db", "", check=False)

    assert (done.returncode, done.stderr.strip()) == (
        1,
        "no run to log to: this is a step of a job, or needs MLFLOW_RUN_ID and MLFLOW_TRACKING_URI",
    )


def test_a_model_registered_without_a_job_carries_the_same(client: MlflowClient, experiment: str) -> None:
    done = log_and_register(
        client.tracking_uri, "titanic-quick", "modest", commit=COMMIT, author="Ada Author"
    )

    version = client.get_model_version(done.name, done.version)
    run = client.get_run(done.run_id)
    assert (version.tags["run_id"], run.info.experiment_id) == (done.run_id, experiment)
    assert (run.info.status, run.data.metrics) == ("FINISHED", done.metrics)
    assert version.tags["git_commit"] == run.data.tags["git_commit"] == COMMIT
    assert run.data.metrics["test_auc"] == pytest.approx(float(version.tags["test_auc"]), abs=1e-4)


def _run(
    step: str, given: dict[str, str], out: Path, tracking: str, run_id: str, *, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a component's own command line where Azure ML would: in its code folder."""
    folder = COMPONENTS / step
    component: dict[str, Any] = yaml.safe_load((folder / "component.yml").read_text())
    defaults = {name: rule.get("default") for name, rule in component["inputs"].items()}

    def value(match: re.Match[str]) -> str:
        name = match["name"]
        known = None if match["side"] == "outputs" else given.get(name, defaults.get(name))
        return str(out / name if known is None else known)

    line = re.sub(r"\$\{\{(?P<side>inputs|outputs)\.(?P<name>\w+)\}\}", value, component["command"])
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    environment |= {"MLFLOW_TRACKING_URI": tracking, "PYTHONDONTWRITEBYTECODE": "1"}
    if run_id:
        environment["MLFLOW_RUN_ID"] = run_id
    return subprocess.run(
        [sys.executable, *shlex.split(line)[1:]],
        cwd=folder / component["code"],
        env=environment,
        capture_output=True,
        text=True,
        check=check,
    )
