"""Step 3: measure the saved model on the held-out rows, through the same interface that will serve it.

It only measures. Whether the numbers are good enough, and better than what serves today, is for Greenlight's
gates: they know what serves, which a training job does not.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .schema import Schema, read

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

VERSION = 1  # of evaluation.json
SLICES = ("sex", "pclass")
SMALL = 20  # a slice with fewer rows of either outcome says nothing


def metrics_of(survived: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """AUC with its 95 % interval, accuracy at one half, and two measures of honest probabilities."""
    from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

    auc = float(roc_auc_score(survived, probability))
    margin = 1.96 * auc_error(survived, probability)
    return {
        "test_auc": auc,
        "test_auc_low": max(0.0, auc - margin),
        "test_auc_high": min(1.0, auc + margin),
        "test_accuracy": float(accuracy_score(survived, probability > 0.5)),
        "test_log_loss": float(log_loss(survived, probability)),
        "test_brier": float(brier_score_loss(survived, probability)),
        "test_rows": float(len(survived)),
    }


def auc_error(survived: np.ndarray, probability: np.ndarray) -> float:
    """Standard error of the AUC after DeLong: how much it would move with other held-out rows."""
    yes, no = probability[survived == 1], probability[survived == 0]
    wins = (yes[:, None] > no[None, :]) + 0.5 * (yes[:, None] == no[None, :])
    return math.sqrt(wins.mean(axis=1).var(ddof=1) / len(yes) + wins.mean(axis=0).var(ddof=1) / len(no))


def slices_of(rows: pd.DataFrame, target: str, probability: np.ndarray) -> list[dict[str, Any]]:
    """The same measures for parts of the rows: an average can hide a group that is served badly."""
    from sklearn.metrics import accuracy_score, roc_auc_score

    found = []
    for column in SLICES:
        for value in sorted(rows[column].unique()):
            part = (rows[column] == value).to_numpy()
            survived, guess = rows[target].to_numpy()[part], probability[part]
            enough = min(int(survived.sum()), int((1 - survived).sum())) >= SMALL
            found.append(
                {
                    "slice": f"{column}_{value}",
                    "rows": int(part.sum()),
                    "accuracy": float(accuracy_score(survived, guess > 0.5)),
                    "auc": float(roc_auc_score(survived, guess)) if enough else None,
                }
            )
    return found


def evaluate(prepared: Path, model: Path, out: Path) -> dict[str, Any]:
    """Write evaluation.json to `out` and return what it says."""
    from mlflow import pyfunc, tracing

    tracing.disable()  # tables, not conversations: and enabling it opens a tracking store
    schema = Schema.load()
    scorer = pyfunc.load_model(str(model))
    names = [c.name for c in schema.features]
    test, train = (read(prepared / f"{side}.csv", schema) for side in ("test", "train"))
    probability = scorer.predict(test[names])[:, 1]
    parts = slices_of(test, schema.target, probability)
    metrics = metrics_of(test[schema.target].to_numpy(), probability)
    seen = metrics_of(train[schema.target].to_numpy(), scorer.predict(train[names])[:, 1])
    metrics["train_auc"] = seen["test_auc"]
    for part in parts:
        metrics[f"test_accuracy_{part['slice']}"] = part["accuracy"]
        if part["auc"] is not None:
            metrics[f"test_auc_{part['slice']}"] = part["auc"]
    report: dict[str, Any] = json.loads((prepared / "report.json").read_text())
    evaluation = {
        "version": VERSION,
        "data_version": report["data_version"],
        "metrics": {name: round(value, 6) for name, value in metrics.items()},
        "slices": parts,
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "evaluation.json").write_text(json.dumps(evaluation, indent=1))
    return evaluation


def main() -> int:
    from mlflow import MlflowClient

    from .runs import given_run, log

    parser = argparse.ArgumentParser(description="measure the model on held-out rows")
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True)
    args = parser.parse_args()
    step = given_run()
    evaluation = evaluate(args.prepared, args.model, args.evaluation)
    log(
        MlflowClient(), step, evaluation["metrics"], {}
    )  # for whoever opens this step; `register` has the job's run
    print(json.dumps(evaluation["metrics"], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
