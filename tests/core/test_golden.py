"""Golden requests: mistakes in the file are named where they are, and an answer is judged whatever it is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.app import read_policy
from orchestrator.golden import (
    LARGEST_FILE,
    MOST_CASES,
    SHOWN,
    GoldenCase,
    check_files,
    golden_of,
    judge_answer,
    parse_golden,
)
from shared.errors import Invalid

CASE = {"name": "a woman", "request": {"x": 1}, "expect": [[0.2, 0.8]], "tolerance": 0.1}


def case(expect: Any, absolute: float = 0.0, relative: float = 0.0) -> GoldenCase:
    return GoldenCase(name="c", body=b"{}", expect=expect, absolute=absolute, relative=relative)


def said(expect: Any, answer: Any, absolute: float = 0.0, relative: float = 0.0) -> str:
    return judge_answer(case(expect, absolute, relative), json.dumps(answer).encode())


# ---- judging


@pytest.mark.parametrize(
    ("expect", "answer", "absolute", "relative"),
    [
        ([[0.2, 0.8]], [[0.25, 0.75]], 0.06, 0.0),
        ([100.0], [104], 0.0, 0.05),
        ([100.0], [114.9], 10.0, 0.05),
        (1, 1.0, 0.0, 0.0),
        ({"a": [1, {"b": "yes"}], "c": None}, {"c": None, "a": [1, {"b": "yes"}]}, 0.0, 0.0),
        ([True, False, "x", -5], [True, False, "x", -5], 0.0, 0.0),
    ],
)
def test_what_is_close_enough(expect: Any, answer: Any, absolute: float, relative: float) -> None:
    assert said(expect, answer, absolute, relative) == ""


@pytest.mark.parametrize(
    ("expect", "answer", "sentence"),
    [
        ([[0.2, 0.8]], [[0.2, 0.5]], "the answer[0][1] is 0.5, 0.8 within 0.1 is expected"),
        ([[0.2, 0.8]], [[0.2, math.nan]], "the answer[0][1] is nan, 0.8 is expected"),
        ([[0.2, 0.8]], [[0.2, math.inf]], "the answer[0][1] is inf, 0.8 within 0.1 is expected"),
        ([1], [10**400], "the answer[0] is 1000"),
        ([1], [True], "the answer[0] is true, 1 is expected"),
        ([True], [1], "the answer[0] is 1, true is expected"),
        ([1], ["1"], "the answer[0] is 1, 1 is expected"),
        ([1], [None], "the answer[0] is null, 1 is expected"),
        ([None], [0], "the answer[0] is 0, null is expected"),
        (["yes"], ["no"], "the answer[0] is no, yes is expected"),
        ([[1, 2]], [[1]], "the answer[0] has 1 entries, 2 are expected"),
        ([1], {"0": 1}, 'the answer is {"0": 1}, a list of 1 is expected'),
        ({"a": 1}, [1], "the answer is [1], an object is expected"),
        ({"a": 1}, {}, "the answer.a is missing"),
        ({"a": 1}, {"a": 1, "b": 2}, "the answer.b is not expected"),
    ],
)
def test_what_is_not(expect: Any, answer: Any, sentence: str) -> None:
    assert sentence.replace(" within 0.1", "") in said(expect, answer, 0.1).replace(" within 0.1", "")


@pytest.mark.parametrize("rubbish", [b"", b"<html>", b"\xff\xfe\x00", b"[1", b"[" * 100_000, b"1" * 5000])
def test_rubbish_is_no_answer(rubbish: bytes) -> None:
    assert judge_answer(case([1]), rubbish)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
numbers = st.floats(-1e6, 1e6)
spans = st.floats(0, 1e3)


@given(json_values)
def test_everything_answers_itself(value: Any) -> None:
    assert said(value, value, relative=1e-9) == ""


@given(json_values, json_values)
def test_exactly_what_differs_is_a_difference(one: Any, other: Any) -> None:
    canonical = (json.dumps(_numbers_as_floats(v), sort_keys=True) for v in (one, other))
    assert bool(said(one, other)) == (len(set(canonical)) == 2)


@given(st.lists(numbers, min_size=1, max_size=5), st.integers(0, 4), numbers, spans, spans)
def test_tolerance_decides(
    wanted: list[float], at: int, off: float, absolute: float, relative: float
) -> None:
    at %= len(wanted)
    answer = [w + off if n == at else w for n, w in enumerate(wanted)]
    beyond = abs(answer[at] - wanted[at]) > absolute + relative * abs(wanted[at])
    assert bool(said(wanted, answer, absolute, relative)) == beyond


@given(json_values, st.binary(max_size=60))
def test_no_answer_raises_and_none_is_repeated_at_length(expect: Any, body: bytes) -> None:
    sentence = judge_answer(case(expect), body)
    assert len(sentence) < 400
    sentence.encode()


def test_what_a_model_says_is_shortened_and_made_visible() -> None:
    sentence = judge_answer(case(["ok"]), json.dumps(["\x1b[31m\ud800" + "x" * 9999]).encode())

    sentence.encode()
    assert "\x1b" not in sentence
    assert len(sentence) < SHOWN + 60


def _numbers_as_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers_as_floats(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_numbers_as_floats(inner) for inner in value]
    return float(value) + 0.0 if isinstance(value, int | float) and not isinstance(value, bool) else value


# ---- reading


def parsed(*cases: object) -> tuple[GoldenCase, ...]:
    return parse_golden(json.dumps({"version": 1, "cases": cases}).encode(), "g.json")


def test_a_case_as_it_is_written() -> None:
    (found,) = parsed(CASE)

    assert found == GoldenCase(
        name="a woman", body=b'{"x": 1}', expect=[[0.2, 0.8]], absolute=0.1, relative=0.0
    )
    (relative,) = parsed({**CASE, "tolerance": {"relative": 0.05}})
    assert (relative.absolute, relative.relative) == (0.0, 0.05)
    (exact,) = parsed({k: v for k, v in CASE.items() if k != "tolerance"})
    assert judge_answer(exact, b"[[0.20000000000000001, 0.8]]") == ""
    assert judge_answer(exact, b"[[0.2001, 0.8]]")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": ""}, r"cases\[0\]: give it a name"),
        ({"name": "x" * 81}, r"cases\[0\]: give it a name"),
        ({"expected": 1}, r"cases\[0\] \(a woman\): there is no 'expected'; there are expect, name"),
        ({"expect": []}, "an answer that could be wrong"),
        ({"expect": None}, "an answer that could be wrong"),
        ({"request": None}, "a request and an answer"),
        ({"tolerance": -1}, "tolerance.absolute must be a number of at least 0"),
        ({"tolerance": True}, "tolerance is a number, or"),
        ({"tolerance": "0.1"}, "tolerance is a number, or"),
        ({"tolerance": {}}, "tolerance is a number, or"),
        ({"tolerance": {"rel": 1}}, "tolerance is a number, or"),
        ({"tolerance": {"relative": "1"}}, "tolerance.relative must be a number"),
        ({"expect": json.loads("[" * 40 + "1" + "]" * 40)}, "expect is nested more than 32"),
    ],
)
def test_a_wrong_entry_is_named(change: dict[str, object], why: str) -> None:
    with pytest.raises(Invalid, match=rf"golden file g\.json: .*{why}"):
        parsed({**CASE, **change})


@pytest.mark.parametrize("key", ["request", "expect"])
def test_what_is_missing_is_named(key: str) -> None:
    with pytest.raises(Invalid, match=rf"cases\[1\] \(other\): {key} is missing"):
        parsed(CASE, {k: v for k, v in (CASE | {"name": "other"}).items() if k != key})


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", '"version": 1'),
        (b'{"version": 2, "cases": []}', '"version": 1'),
        (b'{"version": 1}', "list of 1 to 50"),
        (b'{"version": 1, "cases": [1]}', r"cases\[0\]: an object"),
        (b'{"version": 1, "cases": [{"name": "a", "request": 1, "expect": NaN}]}', "NaN is not JSON"),
        (b'{"version": 1, "cases": [{"name": "a", "request": 1, "expect": 1e999}]}', "too large"),
        (
            b'{"version": 1, "cases": [{"name": "a", "request": 1, "expect": 1' + b"0" * 400 + b"}]}",
            "too large",
        ),
    ],
)
def test_a_wrong_file_is_named(data: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=rf"golden file g\.json: .*{why}"):
        parse_golden(data, "g.json")


def test_bounds() -> None:
    with pytest.raises(Invalid, match="list of 1 to 50"):
        parsed(*({**CASE, "name": str(n)} for n in range(MOST_CASES + 1)))
    with pytest.raises(Invalid, match="two cases are called 'a woman'"):
        parsed(CASE, CASE)


PIPELINE = """
version: 1
environments: [{name: dev, workspace: /w}]
models: [{match: "*", probe: {request: r.json}, golden: {file: FILE}}]
"""


def test_the_file_is_read_when_the_policy_is(tmp_path: Path) -> None:
    policy = read_policy(PIPELINE.replace("FILE", "g.json"), {})
    slot = policy.slot("titanic", "dev")
    assert slot is not None
    with pytest.raises(Invalid, match=r"golden file g\.json: cannot be read: No such file"):
        check_files(tmp_path, policy)

    (tmp_path / "g.json").write_text(json.dumps({"version": 1, "cases": [CASE]}))
    check_files(tmp_path, policy)
    assert [c.name for c in golden_of(tmp_path, slot)] == ["a woman"]

    (tmp_path / "g.json").write_text(" " * (LARGEST_FILE + 1))
    with pytest.raises(Invalid, match="larger than"):
        check_files(tmp_path, policy)


@pytest.mark.parametrize("outside", ["../g.json", "/etc/passwd"])
def test_a_file_elsewhere_is_not_read(tmp_path: Path, outside: str) -> None:
    with pytest.raises(Invalid, match="in the app's folder"):
        check_files(tmp_path, read_policy(PIPELINE.replace("FILE", outside), {}))
