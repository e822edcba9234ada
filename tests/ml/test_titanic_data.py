"""The data file is what it says, and what is not is refused with every reason."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from ml.src.titanic.prep import DataRejected, held_out, missing_rate, prepare, problems_of
from ml.src.titanic.schema import Schema, read, read_text, version_of

DATA = Path("ml/data/titanic.csv")


@pytest.fixture
def table() -> pd.DataFrame:
    return read_text(DATA)


def test_the_shipped_file_has_the_known_passengers_and_no_names(table: pd.DataFrame) -> None:
    assert (len(table), (table["survived"] == "1").sum(), table["age"].isna().sum()) == (891, 342, 177)
    assert list(table) == ["survived", "pclass", "sex", "age", "sibsp", "parch", "fare", "embarked", "deck"]
    assert problems_of(table, Schema.load()) == []


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("age", "old", "age: 1 bad, the first 'old' on line 7; expected number 0 to 100"),
        ("age", "140", "age: 1 bad, the first '140' on line 7; expected number 0 to 100"),
        ("age", "nan", "age: 1 bad, the first 'nan' on line 7; expected number 0 to 100"),
        ("pclass", "2.5", "pclass: 1 bad, the first '2.5' on line 7; expected integer 1 to 3"),
        ("fare", "-1", "fare: 1 bad, the first '-1' on line 7; expected number 0 to 600"),
        ("sex", "Male", "sex: 1 bad, the first 'Male' on line 7; expected female, male"),
        ("embarked", "S", "embarked: 1 bad, the first 'S' on line 7; expected Cherbourg, "),
        ("survived", "2", "survived: 1 bad, the first '2' on line 7; expected integer 0 to 1"),
    ],
)
def test_a_wrong_cell_is_named_with_its_line(table: pd.DataFrame, column: str, cell: str, said: str) -> None:
    table.loc[5, column] = cell

    assert [p[: len(said)] for p in problems_of(table, Schema.load())] == [said]


def test_too_much_missing_is_refused_whether_empty_or_unknown(table: pd.DataFrame) -> None:
    table.loc[:400, "age"] = None
    table.loc[:50, "embarked"] = "Unknown"

    found = problems_of(table, Schema.load())

    assert [p.split(",")[0] for p in found] == ["age: 56.2% missing", "embarked: 5.8% missing"]
    assert missing_rate(table["age"]) > 0.5


def test_all_problems_are_told_at_once(table: pd.DataFrame) -> None:
    broken = table.drop(columns="deck").rename(columns={"sex": "Sex"}).head(700)

    assert problems_of(broken, Schema.load()) == [
        "column sex is missing",
        "column deck is missing",
        "column Sex is not in the schema",
        "700 rows, at least 800 expected",
    ]


def test_another_survival_rate_is_refused(table: pd.DataFrame) -> None:
    table["survived"] = "1"

    assert problems_of(table, Schema.load()) == ["survived is 1 in 100%, 0.25 to 0.55 expected"]


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x81\x82", b'a,b\n1,"'], ids=["empty", "not text", "open quote"]
)
def test_something_else_than_a_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "titanic.csv").write_bytes(content)

    with pytest.raises(DataRejected, match=r"titanic\.csv is not a CSV file"):
        prepare(tmp_path / "titanic.csv", tmp_path / "prepared")


def test_prepared_rows_are_all_rows_once_with_equal_ones_on_one_side(tmp_path: Path) -> None:
    report = prepare(DATA, tmp_path)
    train, test = (read(tmp_path / f"{side}.csv", Schema.load()) for side in ("train", "test"))

    features = [c.name for c in Schema.load().features]
    both = train[features].drop_duplicates().merge(test[features].drop_duplicates())

    assert (report["rows"], report["train_rows"], report["test_rows"]) == (891, len(train), len(test))
    assert len(train) + len(test) == 891
    assert both.empty
    assert report["data_version"] == version_of(DATA)
    assert json.loads((tmp_path / "report.json").read_text()) == report


def test_a_row_keeps_its_side_when_others_come_or_go(table: pd.DataFrame) -> None:
    features = table.drop(columns="survived")

    assert held_out(features, "holdout", 0.3)[100:200].equals(held_out(features[100:200], "holdout", 0.3))


def test_another_salt_or_share_gives_another_division(table: pd.DataFrame) -> None:
    features = table.drop(columns="survived")
    side = held_out(features, "holdout", 0.3)

    assert 0.25 < side.mean() < 0.35
    assert not side.equals(held_out(features, "other", 0.3))
    assert side[side].index.isin(held_out(features, "holdout", 0.5)[lambda s: s].index).all()
