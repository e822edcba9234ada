"""Writes golden.json: what every version that serves must answer, from what the sample's models do answer.

python -m ml.golden

Each usable recipe of variants.py is trained and asked. What is expected is the middle of their answers; the
tolerance is how far they lie apart, and a margin for whatever is trained next. A model that has its labels or
columns mixed up, or that guesses, lies outside.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from ml.variants import VARIANTS

HERE = Path(__file__).parent
USABLE = tuple(name for name in VARIANTS if name != "forgetful")
MARGIN = 0.1
COLUMNS: list[str] = ["pclass", "sex", "age", "sibsp", "parch", "fare", "embarked", "deck"]
PASSENGERS: dict[str, list[Any]] = {
    "a woman travelling first class survives": [1, "female", 38.0, 1, 0, 71.28, "Cherbourg", "C"],
    "a young man travelling third class does not": [3, "male", 22.0, 1, 0, 7.25, "Southampton", "Unknown"],
    "a woman travelling second class with her children survives": [
        *(2, "female", 29.0, 0, 2, 23.0, "Southampton", "Unknown")
    ],
    "a man of unknown age travelling third class does not": [
        *(3, "male", None, 0, 0, 8.05, "Queenstown", "Unknown")
    ],
    "an elderly woman travelling first class survives": [1, "female", 50.0, 0, 0, 120.0, "Cherbourg", "B"],
    "a man of middle age travelling second class does not": [
        *(2, "male", 45.0, 0, 0, 13.0, "Southampton", "Unknown")
    ],
}
SAMPLE = 4
"""The first passengers are the sample request."""


def request_of(passengers: list[list[Any]]) -> dict[str, Any]:
    """As Azure ML takes it."""
    index = list(range(len(passengers)))
    return {"input_data": {"columns": COLUMNS, "index": index, "data": passengers}}


def answers(models: list[Path]) -> list[list[list[float]]]:
    """Of each model, a row [probability of dying, of surviving] for each passenger."""
    import mlflow
    import pandas as pd

    from ml.src.titanic.schema import Schema

    kinds = {"integer": "int64", "number": "float64", "text": "object"}
    frame = pd.DataFrame(list(PASSENGERS.values()), columns=pd.Index(COLUMNS))
    frame = frame.astype({c.name: kinds[c.type] for c in Schema.load().features})
    return [mlflow.pyfunc.load_model(str(model)).predict(frame).tolist() for model in models]


def cases_of(told: list[list[list[float]]]) -> list[dict[str, Any]]:
    """One case for each passenger, and one for the sample request as a whole."""
    expect, spans = [], []
    for n in range(len(PASSENGERS)):
        survives = [rows[n][1] for rows in told]
        middle = round((min(survives) + max(survives)) / 2, 2)
        expect.append([round(1 - middle, 2), middle])
        spans.append(round(max(abs(s - middle) for s in survives) + MARGIN, 2))
    one = [
        {"name": name, "request": request_of([row]), "expect": [expect[n]], "tolerance": spans[n]}
        for n, (name, row) in enumerate(PASSENGERS.items())
    ]
    whole = {
        "name": "the sample request",
        "request": request_of(list(PASSENGERS.values())[:SAMPLE]),
        "expect": expect[:SAMPLE],
        "tolerance": max(spans[:SAMPLE]),
    }
    return [*one, whole]


def main() -> None:
    """Train, ask, write."""
    from ml.src.titanic.prep import prepare
    from ml.src.titanic.train import train

    with tempfile.TemporaryDirectory(prefix="titanic-") as folder:
        prepared = Path(folder) / "prepared"
        prepare(HERE / "data" / "titanic.csv", prepared)
        for name in USABLE:
            train(prepared, Path(folder) / name, VARIANTS[name])
        told = answers([Path(folder) / name for name in USABLE])
    head = {
        "version": 1,
        "origin": f"python -m ml.golden: the middle of what {', '.join(USABLE)} of ml/variants.py answer",
        "about": "Each row is [probability of dying, of surviving].",
    }
    rows = ",\n".join(f"  {json.dumps(case, ensure_ascii=False)}" for case in cases_of(told))
    text = f'{json.dumps(head, indent=1)[:-2]},\n "cases": [\n{rows}\n ]\n}}\n'
    (HERE / "golden.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
