"""How titanic.csv was made, kept so that it can be made again from the package that ships the data.

pip download --no-deps explainerdashboard==0.5.8 && unzip -d source explainerdashboard-*.whl
python ml/data/prepare.py source/explainerdashboard/datasets ml/data/titanic.csv
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

NAMES = {
    "Survival": "survived",
    "PassengerClass": "pclass",
    "Age": "age",
    "No_of_siblings_plus_spouses_on_board": "sibsp",
    "No_of_parents_plus_children_on_board": "parch",
    "Fare": "fare",
}
COLUMNS = ["survived", "pclass", "sex", "age", "sibsp", "parch", "fare", "embarked", "deck"]
NO_AGE = -999


def prepare(folder: Path) -> pd.DataFrame:
    source = pd.concat([pd.read_csv(folder / f"titanic_{part}.csv") for part in ("train", "test")])
    table = source.rename(columns=NAMES)
    table["age"] = table["age"].where(table["age"] != NO_AGE)
    table["embarked"] = _one_column(source, "Embarked_")
    table["deck"] = _one_column(source, "Deck_").replace("Unkown", "Unknown")
    sex = _one_column(source, "Sex_")
    # One row has none of its Sex_ columns set; the title in its name says which it is.
    table["sex"] = sex.mask(sex.isna() & source["Name"].str.contains(", Mrs. ", regex=False), "female")
    return table.filter(items=COLUMNS)


def _one_column(table: pd.DataFrame, prefix: str) -> pd.Series:
    """One-hot columns back into one readable column; empty where none of them is set."""
    hot = table.filter(regex=f"^{prefix}")
    return hot.idxmax(axis=1).where(hot.any(axis=1)).str.removeprefix(prefix)


if __name__ == "__main__":
    prepare(Path(sys.argv[1])).to_csv(sys.argv[2], index=False, lineterminator="\n")
