"""`python -m local.azureml.zygote`: import everything heavy, then fork on request."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import time
import warnings

from local import lifeline
from local.azureml.zygote import child
from local.azureml.zygote.protocol import socket_path
from local.azureml.zygote.server import Server
from local.config import LocalConfig

FORK = sys.platform == "linux"  # elsewhere native libraries may have threads that a fork would cut off
HEAVY = (
    "numpy",
    "pandas",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.impute",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "skops.io",
    "mlflow.pyfunc.scoring_server",
    "mlflow.sklearn",
    "mlflow.server.fastapi_app",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "azure.storage.blob",
    "uvicorn",
)


def main() -> int:
    config = LocalConfig.load()
    if FORK:
        began = time.monotonic()
        _preload()
        print(f"preloaded {len(sys.modules)} modules in {time.monotonic() - began:.1f} s", flush=True)
    server = Server(socket_path(config), next(iter(lifeline.fds()), None))
    errand = server.serve()
    if errand is None:
        return 0
    if not FORK:
        child.replace_process(errand)
    return child.run(errand)


def _preload() -> None:
    # Read at import, by BLAS and by MLflow's usage reporting; both would start threads.
    os.environ.update(child.THREADS | {"MLFLOW_DISABLE_TELEMETRY": "true"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the libraries themselves
        for name in HEAVY:
            importlib.import_module(name)
    # Python only counts threads: what is left is the allocator's, which knows how to live through a fork.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    gc.collect()
    gc.freeze()  # children share these pages for as long as nobody touches them


if __name__ == "__main__":
    sys.exit(main())
