"""The golden requests let through what was honestly trained, and nothing that is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest

from ml.golden import COLUMNS, SAMPLE, USABLE
from ml.src.titanic.prep import prepare
from ml.src.titanic.schema import Schema
from ml.src.titanic.train import Recipe, train
from ml.variants import VARIANTS
from orchestrator.golden import judge_answer, read_golden

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:mlflow")
CASES = read_golden(Path("ml"), "golden.json")
KINDS = {"integer": "int64", "number": "float64", "text": "object"}
HONEST = {
    **{name: VARIANTS[name] for name in USABLE},
    "other seed": Recipe(kind="forest", depth=6, trees=40, seed=7),
    "deeper": Recipe(kind="boosting", depth=3, trees=60),
    "a tree": Recipe(kind="tree", depth=4),
    "without deck": Recipe(kind="boosting", features="pclass,sex,age,sibsp,parch,fare,embarked"),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Recipe], list[Any]]:
    """What a recipe's model answers to each case."""
    folder = tmp_path_factory.mktemp("golden")
    prepare(Path("ml/data/titanic.csv"), folder / "prepared")

    @cache
    def asked(recipe: Recipe) -> list[Any]:
        place = folder / str(abs(hash(recipe)))
        train(folder / "prepared", place, recipe)
        model = mlflow.pyfunc.load_model(str(place))
        return [model.predict(_frame(json.loads(case.body))).tolist() for case in CASES]

    return asked


@pytest.mark.parametrize("name", HONEST)
def test_honest_models_answer_as_expected(answers: Callable[[Recipe], list[Any]], name: str) -> None:
    assert _wrong(answers(HONEST[name])) == []


def test_a_model_that_forgot_a_column_does_not(answers: Callable[[Recipe], list[Any]]) -> None:
    assert _wrong(answers(VARIANTS["forgetful"]))


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda row: row[::-1], id="labels mixed up"),
        pytest.param(lambda row: [0.5, 0.5], id="a guess"),
        pytest.param(lambda row: [0.62, 0.38], id="always the mean"),
        pytest.param(lambda row: [row[1]], id="another shape"),
        pytest.param(lambda row: [float(row[1] > 0.5)] * 2, id="labels for probabilities"),
        pytest.param(lambda row: [float("nan")] * 2, id="no numbers"),
    ],
)
def test_broken_models_do_not(
    answers: Callable[[Recipe], list[Any]], broken: Callable[[list[float]], list[float]]
) -> None:
    told = answers(VARIANTS["best"])
    assert len(_wrong([[broken(row) for row in rows] for rows in told])) == len(CASES)


def test_the_sample_request_is_golden() -> None:
    sample = json.loads(Path("ml/sample-request.json").read_text())

    assert sample == json.loads(CASES[-1].body)
    assert len(sample["input_data"]["data"]) == SAMPLE
    assert sample["input_data"]["columns"] == COLUMNS == [c.name for c in Schema.load().features]


def _wrong(told: list[Any]) -> list[str]:
    judged = [judge_answer(c, json.dumps(rows).encode()) for c, rows in zip(CASES, told, strict=True)]
    return [sentence for sentence in judged if sentence]


def _frame(request: dict[str, Any]) -> pd.DataFrame:
    told = request["input_data"]
    frame = pd.DataFrame(told["data"], columns=told["columns"], index=told["index"])
    return frame.astype({c.name: KINDS[c.type] for c in Schema.load().features})
