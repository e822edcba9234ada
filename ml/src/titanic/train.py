"""Step 2: fit one scikit-learn pipeline and save it as an MLflow model that takes requests as they come.

Whatever a request's columns need (filling, encoding) is inside the model. The signature is made from the data
schema, not guessed from the training rows.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .schema import Schema, read

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature
    from sklearn.base import ClassifierMixin
    from sklearn.pipeline import Pipeline

KINDS = ("tree", "logistic", "boosting", "forest")
REQUIREMENTS = ("mlflow", "scikit-learn", "skops", "pandas", "numpy")
# The model is stored as data, not as a pickle: a scorer loads scikit-learn's own types and these, and runs no
# code that came with the file.
TRUSTED = (
    "numpy.dtype",
    "sklearn.tree._tree.Tree",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.Interval",
)


@dataclass(frozen=True)
class Recipe:
    """What is trained: the inputs of the pipeline job that decide how good the model becomes."""

    kind: str = "boosting"
    features: str = "pclass,sex,age,sibsp,parch,fare,embarked,deck"
    depth: int = 2
    trees: int = 100
    learning_rate: float = 0.1
    seed: int = 1912


def build(recipe: Recipe, schema: Schema) -> Pipeline:
    """An unfitted pipeline. Columns that the recipe leaves out are accepted in requests and ignored."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    wanted = [name.strip() for name in recipe.features.split(",")]
    columns = {c.name: c for c in schema.features}
    if unknown := [name for name in wanted if name not in columns]:
        raise ValueError(f"no such feature: {', '.join(unknown)}; there are {', '.join(columns)}")
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    prepare = ColumnTransformer(
        [
            ("numbers", numbers, [n for n in wanted if columns[n].type != "text"]),
            ("words", words, [n for n in wanted if columns[n].type == "text"]),
        ]
    )
    return Pipeline([("prepare", prepare), ("classify", _classifier(recipe))])


def signature(schema: Schema) -> ModelSignature:
    """Every feature by name and type in; the probabilities of dying and surviving out."""
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, TensorSpec
    from mlflow.types import Schema as Columns

    kinds = {"integer": "long", "number": "double", "text": "string"}
    inputs = Columns([ColSpec(kinds[c.type], c.name) for c in schema.features])
    return ModelSignature(inputs, Columns([TensorSpec(np.dtype("float64"), (-1, 2))]))


def train(prepared: Path, model: Path, recipe: Recipe) -> None:
    """Fit on train.csv and write the MLflow model into the folder `model`."""
    from mlflow import tracing
    from mlflow.sklearn import SERIALIZATION_FORMAT_SKOPS, save_model

    tracing.disable()  # tables, not conversations: and enabling it opens a tracking store
    schema = Schema.load()
    rows = read(prepared / "train.csv", schema)
    features = rows.drop(columns=schema.target)
    fitted = build(recipe, schema).fit(features, rows[schema.target])
    report: dict[str, Any] = json.loads((prepared / "report.json").read_text())
    save_model(
        fitted,
        str(model),
        serialization_format=SERIALIZATION_FORMAT_SKOPS,
        skops_trusted_types=list(TRUSTED),
        signature=signature(schema),
        input_example=_example(features),
        pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS],
        pyfunc_predict_fn="predict_proba",
        metadata={"recipe": asdict(recipe), "data_version": report["data_version"]},
    )


def _classifier(recipe: Recipe) -> ClassifierMixin:
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    match recipe.kind:
        case "tree":
            return DecisionTreeClassifier(max_depth=recipe.depth, random_state=recipe.seed)
        case "logistic":
            return LogisticRegression(max_iter=1000, random_state=recipe.seed)
        case "boosting":
            return GradientBoostingClassifier(
                n_estimators=recipe.trees,
                max_depth=recipe.depth,
                learning_rate=recipe.learning_rate,
                random_state=recipe.seed,
            )
        case "forest":
            return RandomForestClassifier(recipe.trees, max_depth=recipe.depth, random_state=recipe.seed)
        case other:
            raise ValueError(f"no such kind of model: {other}; there are {', '.join(KINDS)}")


def _example(features: pd.DataFrame) -> pd.DataFrame:
    """Two rows: one of them without an age, as requests may come."""
    return features.loc[[features["age"].first_valid_index(), features["age"].isna().idxmax()]]


def main() -> int:
    parser = argparse.ArgumentParser(description="fit the model")
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    for name, default in asdict(Recipe()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    args = vars(parser.parse_args())
    prepared, model = args.pop("prepared"), args.pop("model")
    train(prepared, model, Recipe(**args))
    return 0


if __name__ == "__main__":
    sys.exit(main())
