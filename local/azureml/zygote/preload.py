"""What every child needs anyway, done once before the first fork: imports, and the caches behind them."""

from __future__ import annotations

import gc
import importlib
import os
import tempfile
import warnings
from pathlib import Path

from local.azureml.zygote.child import THREADS

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
    "skops.io",  # the sample keeps its models in this format
    "uvicorn",  # before MLflow's server, which looks whether it runs under one
    "mlflow.pyfunc.scoring_server",
    "mlflow.sklearn",
    "mlflow.server.fastapi_app",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "azure.storage.blob",
)


def preload() -> None:
    # Read at import, by BLAS and by MLflow's usage reporting; both would start threads.
    os.environ.update(THREADS | {"MLFLOW_DISABLE_TELEMETRY": "true"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the libraries themselves
        for name in HEAVY:
            importlib.import_module(name)
        _load_a_model()
    # Python only counts threads: what is left is the allocator's, which knows how to live through a fork.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    gc.collect()
    gc.freeze()  # children share these pages for as long as nobody touches them


def _load_a_model() -> None:
    """The first model takes MLflow half a second more than the next: it lists every installed package."""
    import mlflow.pyfunc
    import mlflow.sklearn as flavor
    import pandas as pd
    from mlflow.models import infer_signature
    from sklearn.linear_model import LogisticRegression

    table = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})
    fitted = LogisticRegression().fit(table, [0, 0, 1, 1])
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLFLOW_TRACKING_URI"] = (Path(folder) / "tracking").as_uri()
        where = str(Path(folder) / "model")
        signature = infer_signature(table, fitted.predict(table))
        flavor.save_model(
            fitted, where, signature=signature, pip_requirements=["mlflow", "pandas", "scikit-learn"]
        )
        mlflow.pyfunc.load_model(where).predict(table)
    del os.environ["MLFLOW_TRACKING_URI"]
