"""Step 1: refuse data that is not what it should be, then divide it into training and held-out rows.

A row's side depends on what it says and nothing else. So equal rows are never on both sides, a row keeps its
side when others are added, and every model ever trained on this data can be compared on the same rows.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from .schema import UNKNOWN, Column, Schema, read_text, typed, version_of


class DataRejected(Exception):
    """The data breaks the schema. `problems` says how, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("data rejected:\n" + "\n".join(f"- {p}" for p in problems))
        self.problems = problems


def problems_of(table: pd.DataFrame, schema: Schema) -> list[str]:
    """Everything that is wrong with a table of text, not just the first thing."""
    expected = [c.name for c in schema.columns]
    found = [f"column {name} is missing" for name in expected if name not in table]
    found += [f"column {name} is not in the schema" for name in table if name not in expected]
    if len(table) < schema.min_rows:
        found.append(f"{len(table)} rows, at least {schema.min_rows} expected")
    for column in schema.columns:
        if column.name in table:
            found += _column_problems(pd.Series(table[column.name]), column)
    if not found:
        rate = table[schema.target].astype(float).mean()
        if not schema.min_rate <= rate <= schema.max_rate:
            found.append(
                f"{schema.target} is 1 in {rate:.0%}, {_between(schema.min_rate, schema.max_rate)} expected"
            )
    return found


def missing_rate(values: pd.Series) -> float:
    return float((values.isna() | (values == UNKNOWN)).mean())


def held_out(features: pd.DataFrame, salt: str, share: float) -> pd.Series:
    """True for the rows that training must not see."""
    lines = [",".join(row) for row in features.fillna("").itertuples(index=False)]
    return pd.Series([_unit_interval(f"{salt}|{line}") < share for line in lines], index=features.index)


def prepare(data: Path, out: Path, *, salt: str = "holdout", share: float = 0.3) -> dict[str, Any]:
    """Write train.csv, test.csv and report.json to `out`, or raise DataRejected."""
    schema = Schema.load()
    try:
        table = read_text(data)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataRejected([f"{data.name} is not a CSV file: {error}"]) from error
    if found := problems_of(table, schema):
        raise DataRejected(found)
    test = held_out(table.filter(items=[c.name for c in schema.features]), salt, share)
    out.mkdir(parents=True, exist_ok=True)
    for name, side in (("train", ~test), ("test", test)):
        typed(table.loc[side], schema).to_csv(out / f"{name}.csv", index=False)
    report = {
        "data_version": version_of(data),
        "rows": len(table),
        "train_rows": int((~test).sum()),
        "test_rows": int(test.sum()),
        "split": {"salt": salt, "share": share},
        "missing": {c.name: round(missing_rate(pd.Series(table[c.name])), 4) for c in schema.columns},
    }
    (out / "report.json").write_text(json.dumps(report, indent=1))
    return report


def _column_problems(values: pd.Series, column: Column) -> list[str]:
    rate = missing_rate(values)
    found = []
    if rate > column.max_missing:
        found.append(f"{column.name}: {rate:.1%} missing, at most {column.max_missing:.1%} expected")
    known = values.dropna()
    wrong = pd.Series(known[~_allowed(known, column)])
    if len(wrong):
        line, cell = int(str(wrong.index[0])) + 2, wrong.iloc[0]  # line 1 is the header
        expected = ", ".join(column.values) or f"{column.type} {_between(column.min, column.max)}"
        found.append(
            f"{column.name}: {len(wrong)} bad, the first {cell!r} on line {line}; expected {expected}"
        )
    return found


def _allowed(values: pd.Series, column: Column) -> pd.Series:
    if column.type == "text":
        return values.isin(column.values)
    numbers = pd.Series(pd.to_numeric(values, errors="coerce"))
    whole = (numbers % 1 == 0) if column.type == "integer" else True
    return numbers.between(column.min, column.max) & whole


def _between(low: float, high: float) -> str:
    return f"{low:g} to {high:g}"


def _unit_interval(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def main() -> int:
    parser = argparse.ArgumentParser(description="check the data and divide it")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--salt", required=True)
    parser.add_argument("--share", type=float, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    args = parser.parse_args()
    try:
        report = prepare(args.data, args.prepared, salt=args.salt, share=args.share)
    except DataRejected as rejected:
        print(rejected, file=sys.stderr)
        return 1
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
