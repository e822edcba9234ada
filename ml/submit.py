"""Submit the training pipeline to a workspace.

GREENLIGHT_DEV_WORKSPACE=/subscriptions/…/workspaces/NAME python -m ml.submit --variant better
"""

from __future__ import annotations

import argparse
import getpass
import os
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ml.src.titanic.schema import version_of
from ml.src.titanic.train import Recipe
from ml.variants import VARIANTS

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

HERE = Path(__file__).parent
DATA = HERE / "data" / "titanic.csv"
WORKSPACE = "GREENLIGHT_DEV_WORKSPACE"


def submit(
    ml_client: MLClient,
    recipe: Recipe,
    *,
    model_name: str = "titanic",
    commit: str = "",
    author: str = "",
    compute: str = "cpu-cluster",
    experiment: str = "titanic",
    data: Path = DATA,
    force: bool = False,
) -> str:
    """Start one pipeline job and return its name without waiting. `force` repeats unchanged steps too."""
    from azure.ai.ml import load_job

    inputs = asdict(recipe) | {
        "model_name": model_name,
        "git_commit": commit or git_commit(),
        "author": author or getpass.getuser(),
    }
    given = {
        "experiment_name": experiment,
        "settings.default_compute": f"azureml:{compute}",
        "settings.force_rerun": force,
        "inputs.data.path": f"azureml:{ensure_data(ml_client, data)}",
        **{f"inputs.{name}": value for name, value in inputs.items()},
    }
    job = load_job(HERE / "pipeline.yml", params_override=[{name: value} for name, value in given.items()])
    return str(ml_client.jobs.create_or_update(job).name)


def ensure_data(ml_client: MLClient, data: Path, *, name: str = "titanic") -> str:
    """`name:version` of the data asset. The version is the content's, so the same file is uploaded once."""
    from azure.ai.ml.entities import Data
    from azure.core.exceptions import ResourceNotFoundError

    version = version_of(data)
    try:
        ml_client.data.get(name, version)
    except ResourceNotFoundError:
        ml_client.data.create_or_update(Data(name=name, version=version, type="uri_file", path=str(data)))
    return f"{name}:{version}"


def git_commit() -> str:
    """The commit these files are from, marked if they were changed since; `unknown` outside a repository."""

    def git(*args: str) -> str:
        answer = subprocess.run(["git", *args], cwd=HERE, capture_output=True, text=True, check=True)  # noqa: S603, S607 - fixed arguments
        return answer.stdout.strip()

    try:
        commit, changed = git("rev-parse", "HEAD"), git("status", "--porcelain", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}-dirty" if changed else commit


def connect(workspace: str) -> MLClient:
    """A client for a workspace given by its ARM id, in the cloud that the product's settings name."""
    from azure.ai.ml import MLClient

    from shared.azure import AzureCloud, credential
    from shared.ports import WorkspaceId

    cloud = AzureCloud(
        arm=os.environ.get("GREENLIGHT_ARM_ENDPOINT", AzureCloud.arm),
        storage_suffix=os.environ.get("GREENLIGHT_STORAGE_SUFFIX", AzureCloud.storage_suffix),
    )
    where = WorkspaceId.parse(workspace)
    return MLClient(
        credential(cloud),
        where.subscription,
        where.resource_group,
        where.name,
        cloud=cloud.name,
        cloud_metadata=cloud.sdk_metadata(),
        enable_telemetry=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--variant", choices=VARIANTS, default="good")
    parser.add_argument("--name", default="titanic", help="name of the model that is registered")
    parser.add_argument("--compute", default="cpu-cluster")
    parser.add_argument("--author", default="")
    parser.add_argument("--force", action="store_true", help="repeat steps whose inputs did not change")
    args = parser.parse_args()
    workspace = os.environ.get(WORKSPACE)
    if not workspace:
        raise SystemExit(f"{WORKSPACE} is not set: give the ARM id of the workspace to train in")
    print(
        submit(
            connect(workspace),
            VARIANTS[args.variant],
            model_name=args.name,
            compute=args.compute,
            author=args.author,
            force=args.force,
        )
    )


if __name__ == "__main__":
    main()
