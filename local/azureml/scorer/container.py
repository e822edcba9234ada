"""From a folder of blobs to an answering server, or to the reason why not."""

from __future__ import annotations

import os
import shutil
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.azureml.scorer.model import ScoringModel
from local.azureml.scorer.server import ScoringServer
from local.azureml.zygote import child
from local.config import LocalConfig

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

MLMODEL = "MLmodel"


class CannotStart(Exception):
    """`code` is the one under which Azure ML reports such a deployment as failed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def serve(spec: dict[str, Any]) -> int:
    """Runs until told to end. Reports {"port", "spec"}, or {"error": {"code", "message"}}."""
    try:
        server = _start(spec)
    except CannotStart as error:
        print(f"{error.code}: {error}", flush=True)
        child.report({"error": {"code": error.code, "message": str(error)}})
        return 1
    child.report({"port": server.port, "spec": spec})
    server.run()
    return 0


def _start(spec: dict[str, Any]) -> ScoringServer:
    began = time.monotonic()
    config = LocalConfig.load()
    folder = config.home / "scorers" / spec["workspace"] / spec["endpoint"] / spec["deployment"]
    shutil.rmtree(folder, ignore_errors=True)
    # MLflow asks its tracking store about the model's origin while loading; a folder answers at once,
    # the default would build a database here first.
    os.environ["MLFLOW_TRACKING_URI"] = (folder / "tracking").as_uri()
    fault = spec["fault"] or {}
    count = _download(config, spec, folder / "model")
    fetched = time.monotonic()
    if fault.get("crash") and "after" not in fault:
        raise CannotStart("ResourceNotReady", "User container has crashed or terminated (told to).")
    model = _load(folder / "model")
    server = ScoringServer(f"{spec['endpoint']}/{spec['deployment']}", model, fault)
    print(
        f"serving {spec['endpoint']}/{spec['deployment']} on port {server.port}: {count} files in"
        f" {fetched - began:.2f} s, model loaded in {time.monotonic() - fetched:.2f} s",
        flush=True,
    )
    return server


def _download(config: LocalConfig, spec: dict[str, Any], folder: Path) -> int:
    from azure.core.exceptions import AzureError
    from azure.storage.blob import ContainerClient

    connection = config.connection_string(spec["account"])
    prefix = spec["prefix"].strip("/") + "/"
    try:
        with ContainerClient.from_connection_string(
            connection, spec["container"], connection_verify=str(config.ca_bundle)
        ) as container:
            names = list(container.list_blob_names(name_starts_with=prefix))
            for name in names:  # one connection: another costs more than a small model's files
                _fetch(container, name, folder / name[len(prefix) :])
    except AzureError as error:
        raise CannotStart("BadArgument", f"Model download failed: {error}") from error
    if not names:
        where = f"{spec['account']}/{spec['container']}/{prefix}"
        raise CannotStart("BadArgument", f"Model download failed: there is nothing at {where}")
    return len(names)


def _fetch(container: ContainerClient, name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as sink:
        container.download_blob(name).readinto(sink)


def _load(folder: Path) -> ScoringModel:
    """The model lies in the folder itself, or in the one folder inside it that has an MLmodel."""
    found = sorted(folder.glob(MLMODEL)) or sorted(folder.glob(f"*/{MLMODEL}"))
    if len(found) != 1:
        count = "no" if not found else "more than one"
        raise CannotStart(
            "BadArgument", f"The model's folder has {count} {MLMODEL} file: not an MLflow model"
        )
    try:
        return ScoringModel.load(found[0].parent)
    except Exception as error:
        traceback.print_exc()
        message = f"User container has crashed or terminated: {type(error).__name__}: {error}"
        raise CannotStart("ResourceNotReady", message) from error
