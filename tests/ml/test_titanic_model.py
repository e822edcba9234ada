"""What is trained is what serves: the saved model, its signature, its numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from ml.src.titanic.evaluate import auc_error, evaluate, metrics_of
from ml.src.titanic.prep import prepare
from ml.src.titanic.schema import Schema
from ml.src.titanic.train import Recipe, build, train
from ml.variants import VARIANTS

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:mlflow")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    prepare(Path("ml/data/titanic.csv"), folder)
    return folder


@pytest.fixture(scope="module")
def trained(
    prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Every variant: its model folder and its evaluation."""
    folder = tmp_path_factory.mktemp("models")
    made = {}
    for name, recipe in VARIANTS.items():
        train(prepared, folder / name, recipe)
        made[name] = folder / name, evaluate(prepared, folder / name, folder / f"{name}-evaluation")
    return made


def test_the_variants_are_as_good_as_they_claim(trained: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    auc = {name: evaluation["metrics"]["test_auc"] for name, (_, evaluation) in trained.items()}

    assert 0.80 < auc["modest"] < 0.83
    assert auc["modest"] < auc["better"] < auc["good"] < auc["best"]
    assert auc["forgetful"] < 0.75
    assert min(np.diff([auc[n] for n in ("modest", "better", "good", "best")])) > 0.005


def test_a_request_without_a_column_is_refused(trained: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    request = _frame(json.loads(Path("ml/sample-request.json").read_text())).drop(columns="sex")

    with pytest.raises(mlflow.MlflowException, match="missing inputs"):
        mlflow.pyfunc.load_model(str(trained["best"][0])).predict(request)


def test_the_model_folder_says_what_it_takes_and_where_it_comes_from(
    trained: dict[str, tuple[Path, dict[str, Any]]],
) -> None:
    folder, evaluation = trained["good"]
    model = mlflow.models.Model.load(str(folder))

    assert model.signature.inputs.input_names() == [c.name for c in Schema.load().features]
    assert model.metadata == {
        "recipe": {**VARIANTS["good"].__dict__},
        "data_version": evaluation["data_version"],
    }
    assert model.flavors["sklearn"]["serialization_format"] == "skops"
    assert model.load_input_example(str(folder))["age"].isna().sum() == 1
    assert all("==" in line for line in (folder / "requirements.txt").read_text().split())


def test_the_same_recipe_gives_the_same_model(prepared: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        train(prepared, tmp_path / name, Recipe(kind="forest", trees=10))
    first, second = (mlflow.pyfunc.load_model(str(tmp_path / n)) for n in ("first", "second"))
    request = _frame(json.loads(Path("ml/sample-request.json").read_text()))

    assert (first.predict(request) == second.predict(request)).all()


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (Recipe(features="sex,loc"), "no such feature: loc; there are pclass, sex"),
        (Recipe(kind="oracle"), "no such kind of model: oracle; there are tree, logistic"),
    ],
)
def test_an_impossible_recipe_is_refused(recipe: Recipe, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build(recipe, Schema.load())


def test_metrics_of_a_perfect_and_of_a_guessing_model() -> None:
    survived = np.array([0, 0, 1, 1] * 50)

    perfect = metrics_of(survived, survived * 0.98 + 0.01)
    guessing = metrics_of(survived, np.full(200, 0.5))

    assert (perfect["test_auc"], perfect["test_auc_low"], perfect["test_accuracy"]) == (1.0, 1.0, 1.0)
    assert (guessing["test_auc"], guessing["test_brier"]) == (0.5, 0.25)


def test_the_interval_covers_what_resampling_shows() -> None:
    random = np.random.default_rng(1)
    survived = random.integers(0, 2, 300)
    probability = np.clip(survived * 0.2 + random.random(300) * 0.8, 0, 1)
    drawn = [random.integers(0, 300, 300) for _ in range(300)]
    resampled = [metrics_of(survived[d], probability[d])["test_auc"] for d in drawn]

    assert auc_error(survived, probability) == pytest.approx(np.std(resampled), rel=0.2)


def test_small_slices_have_no_auc_and_still_an_accuracy(
    trained: dict[str, tuple[Path, dict[str, Any]]],
) -> None:
    evaluation = trained["best"][1]
    names = [part["slice"] for part in evaluation["slices"]]

    assert names == ["sex_female", "sex_male", "pclass_1", "pclass_2", "pclass_3"]
    for part in evaluation["slices"]:
        assert evaluation["metrics"][f"test_accuracy_{part['slice']}"] == round(part["accuracy"], 6)
        assert (part["auc"] is None) == (f"test_auc_{part['slice']}" not in evaluation["metrics"])


def _frame(request: dict[str, Any]) -> pd.DataFrame:
    told = request["input_data"]
    kinds = {"integer": "int64", "number": "float64", "text": "object"}
    frame = pd.DataFrame(told["data"], columns=told["columns"], index=told["index"])
    return frame.astype({c.name: kinds[c.type] for c in Schema.load().features})
