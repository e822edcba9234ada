"""Step 4: put the model, its numbers and where it came from on one run, and register it from there.

It is the only step that writes to the job's run, because a pipeline may take the other steps' results from an
earlier job. `log_model` is not used: Azure ML's tracking server lacks MLflow 3's logged models. Taking files
and making a version of them is what every MLflow server can do.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

NOBODY = "unknown"  # an input of a job cannot be empty
FOLDER = "model"  # below the run's artifacts
TOLD = ("test_auc", "test_accuracy", "test_log_loss", "test_brier")  # shown beside the model, in its tags


@dataclass(frozen=True)
class Registered:
    name: str
    version: str
    run_id: str


def register(
    client: MlflowClient,
    run_id: str,
    name: str,
    *,
    model: Path,
    evaluation: Path,
    git_commit: str,
    author: str = NOBODY,
) -> Registered:
    """Register `model` as a new version of `name`, once per run: a repeated step finds what the first did."""
    from mlflow.models import Model

    from .runs import log

    told: dict[str, Any] = Model.load(str(model)).metadata or {}
    measured: dict[str, Any] = json.loads((evaluation / "evaluation.json").read_text())
    if told["data_version"] != measured["data_version"]:
        raise ValueError(
            f"trained on data {told['data_version']}, but measured on {measured['data_version']}"
        )
    origin = {"git_commit": git_commit, "data_version": told["data_version"]}
    log(client, run_id, measured["metrics"], {k: str(v) for k, v in told["recipe"].items()} | origin)
    for key, value in origin.items():
        client.set_tag(run_id, key, value)
    tags = {"run_id": run_id} | origin | {key: f"{measured['metrics'][key]:.4f}" for key in TOLD}
    if author != NOBODY:
        tags["author"] = author
    if (version := _version_of_run(client, name, run_id)) is None:
        client.log_artifact(run_id, str(evaluation / "evaluation.json"))
        client.log_artifacts(run_id, str(model), FOLDER)
        source = f"{client.get_run(run_id).info.artifact_uri}/{FOLDER}"
        version = str(client.create_model_version(name, source, run_id, tags=tags).version)
    return Registered(name, version, run_id)


def _version_of_run(client: MlflowClient, name: str, run_id: str) -> str | None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"):
            raise
    versions = client.search_model_versions(f"name = '{name}'")
    return next((str(v.version) for v in versions if v.run_id == run_id), None)


def main() -> int:
    from .runs import given_run, home_run

    parser = argparse.ArgumentParser(description="register the model")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--git-commit", required=True)
    parser.add_argument("--author", default=NOBODY)
    parser.add_argument("--registered", type=Path, required=True)
    args = parser.parse_args()
    step = given_run()
    from mlflow import MlflowClient

    client = MlflowClient()
    done = register(
        client,
        home_run(client, step),
        args.name,
        model=args.model,
        evaluation=args.evaluation,
        git_commit=args.git_commit,
        author=args.author,
    )
    args.registered.mkdir(parents=True, exist_ok=True)
    (args.registered / "registered.json").write_text(json.dumps(asdict(done)))
    print(f"registered {done.name} version {done.version} from run {done.run_id}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
