"""What a candidate must accept: everything that the version which serves accepts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.preflight import cores_for
from orchestrator.signature import MOST_NAMED, Signature, refuses, signature_of

KINDS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")


def column(name: str, kind: str = "double", required: bool = True, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "required": required, **more}


def tensor(name: str, dtype: str, *shape: int) -> dict[str, Any]:
    return column(name, "tensor", **{"tensor-spec": {"dtype": dtype, "shape": list(shape)}})


def refusal(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> str:
    return refuses(Signature(tuple(before)), Signature(tuple(after)))


A, B = column("a"), column("b")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([A, B], [A, B], ""),
        ([A, B], [B, A], ""),
        ([A, B], [A], ""),
        ([A], [A, column("b", required=False)], ""),
        ([A], [column("a", required=False)], ""),
        ([A], [A, B], "'b' is required now, and clients do not send it"),
        ([column("a", required=False)], [A], "'a' is required now, and clients may leave it out"),
        ([column("a", "integer")], [column("a", "long")], ""),
        ([column("a", "integer")], [A], ""),
        ([column("a", "float")], [A], ""),
        ([A], [column("a", "any")], ""),
        ([A], [column("a", "integer")], "'a' was double and is integer now"),
        ([A], [column("a", "float")], "'a' was double and is float now"),
        ([column("a", "long")], [column("a", "integer")], "'a' was long and is integer now"),
        ([column("a", "string")], [A], "'a' was string and is double now"),
        ([{"type": "double"}], [{"type": "string"}], "'#1' was double and is string now"),
        ([tensor("x", "float32", -1, 8)], [tensor("x", "float32", -1, 8)], ""),
        ([tensor("x", "float32", 4, 8)], [tensor("x", "float32", -1, 8)], ""),
        (
            [tensor("x", "float32", -1, 8)],
            [tensor("x", "float32", -1, 9)],
            "'x' was a tensor of float32 [-1, 8] and is a tensor of float32 [-1, 9] now",
        ),
        ([tensor("x", "float32", -1)], [tensor("x", "float64", -1)], "is a tensor of float64 [-1] now"),
        ([tensor("x", "float32", -1)], [tensor("x", "float32", -1, 1)], "is a tensor of float32 [-1, 1] now"),
        (
            [tensor("x", "float32", -1), tensor("y", "float32", -1)],
            [tensor("x", "float32", -1)],
            "'y' is not taken any more",
        ),
        (
            [column("a", "array", items={"type": "integer"})],
            [column("a", "array", items={"type": "long"})],
            "",
        ),
        (
            [column("a", "array", items={"type": "long"})],
            [column("a", "array", items={"type": "string"})],
            "'a' was array and is array now",
        ),
        ([column("a", "map", values={"type": "long"})], [column("a", "map", values={"type": "long"})], ""),
        (
            [column("a", "map", values={"type": "long"})],
            [column("a", "map", values={"type": "string"})],
            "'a' was map and is map now",
        ),
    ],
)
def test_what_clients_send_is_accepted_or_named(
    before: list[dict[str, Any]], after: list[dict[str, Any]], said: str
) -> None:
    found = refusal(before, after)
    assert said in found
    assert bool(said) == bool(found)


def test_many_findings_are_counted() -> None:
    found = refusal([A], [A, *(column(f"new{n}") for n in range(MOST_NAMED + 2))])
    assert found.endswith(", and 2 more")
    assert found.count("required now") == MOST_NAMED


columns = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(KINDS), st.booleans()), unique_by=lambda row: row[0]
).map(lambda rows: [column(*row) for row in rows])


@given(columns)
def test_every_signature_accepts_itself(rows: list[dict[str, Any]]) -> None:
    assert refusal(rows, rows) == ""


@given(columns, columns, columns)
def test_accepting_is_transitive_for_what_is_kept(
    one: list[dict[str, Any]], two: list[dict[str, Any]], three: list[dict[str, Any]]
) -> None:
    """A chain of compatible versions that keep their columns never strands an old client."""
    names = {row["name"] for row in one}
    kept = names <= {row["name"] for row in two} & {row["name"] for row in three}
    if kept and not refusal(one, two) and not refusal(two, three):
        left = [row for row in three if row["name"] in names or row["required"]]
        assert refusal(one, left) == ""


@pytest.mark.parametrize(
    ("mlmodel", "inputs"),
    [
        ({"signature": {"inputs": json.dumps([A])}}, (A,)),
        ({"signature": {"inputs": "[]"}}, ()),
        ({}, None),
        ({"signature": None}, None),
        ({"signature": {"inputs": None}}, None),
        ({"signature": {"inputs": "not JSON"}}, None),
        ({"signature": {"inputs": "{}"}}, None),
        ({"signature": {"inputs": "[1]"}}, None),
        ({"signature": {"inputs": "[" * 99_999}}, None),
    ],
)
def test_a_signature_is_read_or_there_is_none(mlmodel: dict[str, Any], inputs: Any) -> None:
    found = signature_of(mlmodel)
    assert (found.inputs if found else None) == inputs


@pytest.mark.parametrize(
    ("instances", "each", "cores"),
    [(1, 4, 8), (2, 4, 12), (5, 4, 24), (10, 4, 48), (11, 4, 56), (50, 8, 480)],
)
def test_a_fifth_more_instances_take_quota(instances: int, each: int, cores: int) -> None:
    assert cores_for(instances, each) == cores
