"""Train and register without a pipeline job, as from a notebook: the same four steps in one process.

python -m ml.quick --variant good --tracking-uri http://127.0.0.1:5000
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ml.submit import git_commit
from ml.variants import VARIANTS

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATA = Path(__file__).parent / "data" / "titanic.csv"


@dataclass(frozen=True)
class Quick:
    name: str
    version: str
    run_id: str
    metrics: dict[str, float]


def log_and_register(
    tracking_uri: str,
    name: str,
    variant: str,
    *,
    commit: str = "",
    author: str = "",
    experiment: str = "titanic",
    data: Path = DATA,
) -> Quick:
    """Train `variant`, log it as one MLflow run and register it as a new version of `name`."""
    from mlflow import MlflowClient

    from ml.src.titanic import evaluate, prep, register, train

    client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
    with tempfile.TemporaryDirectory(prefix="titanic-") as folder:
        prepared, model, evaluation = (Path(folder) / part for part in ("prepared", "model", "evaluation"))
        prep.prepare(data, prepared)
        train.train(prepared, model, VARIANTS[variant])
        measured = evaluate.evaluate(prepared, model, evaluation)
        run_id = client.create_run(_experiment(client, experiment), run_name=f"titanic {variant}").info.run_id
        done = register.register(
            client,
            run_id,
            name,
            model=model,
            evaluation=evaluation,
            git_commit=commit or git_commit(),
            author=author or register.NOBODY,
        )
        client.set_terminated(run_id)
    return Quick(done.name, done.version, done.run_id, measured["metrics"])


def _experiment(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--variant", choices=VARIANTS, required=True)
    parser.add_argument("--name", default="titanic")
    parser.add_argument("--tracking-uri", required=True)
    args = parser.parse_args()
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # what is printed is JSON
    done = log_and_register(args.tracking_uri, args.name, args.variant)
    print(
        json.dumps(
            {"name": done.name, "version": done.version, "run_id": done.run_id, **done.metrics}, indent=1
        )
    )


if __name__ == "__main__":
    main()
