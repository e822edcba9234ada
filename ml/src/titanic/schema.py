"""What the data must look like: one description for the checks, the features and the model's signature.

Training and serving take their columns from here, so that a model cannot be trained on something else than
what requests will send.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

UNKNOWN = "Unknown"  # how a text column says that it does not know; numbers are left empty


@dataclass(frozen=True)
class Column:
    """What one column may hold. Missing means empty, or UNKNOWN in a text column."""

    name: str
    type: Literal["integer", "number", "text"]
    min: float = float("-inf")
    max: float = float("inf")
    values: tuple[str, ...] = ()
    max_missing: float = 0.0


@dataclass(frozen=True)
class Schema:
    min_rows: int
    target: str
    min_rate: float
    max_rate: float
    columns: tuple[Column, ...]

    @property
    def features(self) -> tuple[Column, ...]:
        return tuple(c for c in self.columns if c.name != self.target)

    @staticmethod
    def load() -> Schema:
        told = json.loads(Path(__file__).with_name("schema.json").read_text())
        columns = tuple(
            Column(name, **rule | {"values": tuple(rule.get("values", ()))})
            for name, rule in told["columns"].items()
        )
        target = told["target"]
        return Schema(told["rows"]["min"], target["name"], target["min_rate"], target["max_rate"], columns)


def read_text(path: Path) -> pd.DataFrame:
    """Every cell as it is written, only the empty ones missing: nothing is guessed before the checks."""
    return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])


def typed(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The columns of a checked table in the schema's order and types."""
    chosen = table.filter(items=[c.name for c in schema.columns])
    numbers = chosen.astype({c.name: "float64" for c in schema.columns if c.type != "text"})
    return numbers.astype({c.name: "int64" for c in schema.columns if c.type == "integer"})


def read(path: Path, schema: Schema) -> pd.DataFrame:
    return typed(read_text(path), schema)


def version_of(path: Path) -> str:
    """A data version names content: the same bytes always have the same one."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
