"""Golden requests: what every version that serves must answer, and how far an honest answer may be off.

{"version": 1, "cases": [{"name": …, "request": {…}, "expect": …, "tolerance": 0.1}]}

Read and checked when the policy is read, so that a mistake in it is found by whoever made it and not by a
promotion. Whoever wrote them knows what is right; a model that learns anew may be off by `tolerance`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from shared.errors import Invalid
from shared.untrusted import visible

if TYPE_CHECKING:
    from orchestrator.policy import Policy, SlotPolicy

LARGEST_FILE = 1024 * 1024
MOST_CASES = 50
LONGEST_NAME = 80
DEEPEST = 32
EXACT = 1e-9
"""Relative, where a case says nothing else: the same number may be written in two ways."""
SHOWN = 60
_KEYS = {"name", "request", "expect", "tolerance"}


@dataclass(frozen=True, kw_only=True)
class GoldenCase:
    """One request and what it must be answered."""

    name: str
    body: bytes
    expect: Any
    absolute: float = 0.0
    relative: float = EXACT


# ---- judging -------------------------------------------------------------------------------------------


def judge_answer(case: GoldenCase, body: bytes) -> str:
    """Why this is not the expected answer; empty: it is. Never raises, whatever a model says."""
    try:
        answer: object = json.loads(body)
        difference = next(_differences(case, case.expect, answer, "the answer"), "")
    except (ValueError, RecursionError):
        return "the answer is not JSON"
    return difference


def _differences(case: GoldenCase, wanted: object, found: object, at: str) -> Iterator[str]:
    if isinstance(wanted, Mapping):
        yield from _in_object(case, cast("Mapping[str, object]", wanted), found, at)
    elif isinstance(wanted, list):
        yield from _in_list(case, cast("list[object]", wanted), found, at)
    elif _is_number(wanted):
        yield from _in_number(case, cast("float", wanted), found, at)
    elif type(found) is not type(wanted) or found != wanted:  # true is not 1
        yield f"{at} is {_short(found)}, {_short(wanted)} is expected"


def _in_object(case: GoldenCase, wanted: Mapping[str, object], found: object, at: str) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"{at} is {_short(found)}, an object is expected"
        return
    there = cast("dict[str, object]", found)
    for name in sorted(wanted.keys() | there.keys()):
        place = f"{at}.{_short(name)}"
        if name not in there:
            yield f"{place} is missing"
        elif name not in wanted:
            yield f"{place} is not expected"
        else:
            yield from _differences(case, wanted[name], there[name], place)


def _in_list(case: GoldenCase, wanted: list[object], found: object, at: str) -> Iterator[str]:
    if not isinstance(found, list):
        yield f"{at} is {_short(found)}, a list of {len(wanted)} is expected"
        return
    there = cast("list[object]", found)
    if len(there) != len(wanted):
        yield f"{at} has {len(there)} entries, {len(wanted)} are expected"
        return
    for n, (one, other) in enumerate(zip(wanted, there, strict=True)):
        yield from _differences(case, one, other, f"{at}[{n}]")


def _in_number(case: GoldenCase, wanted: float, found: object, at: str) -> Iterator[str]:
    if not _is_number(found):
        yield f"{at} is {_short(found)}, {_short(wanted)} is expected"
        return
    allowed = case.absolute + case.relative * abs(wanted)
    value = _float(cast("float", found))
    off = abs(value - wanted)
    if not math.isfinite(value) or off > allowed:
        within = f" within {allowed:.4g}" if allowed > EXACT * max(1.0, abs(wanted)) else ""
        yield f"{at} is {_short(found)}, {_short(wanted)}{within} is expected"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # JSON's integers have no end
        return math.inf


def _short(value: object) -> str:
    """Enough of it to recognise: what a model says is not ours to repeat at length, or as it is."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), SHOWN)


# ---- reading -------------------------------------------------------------------------------------------


def golden_of(root: Path, policy: SlotPolicy) -> tuple[GoldenCase, ...]:
    """The golden requests of a slot's model; none: its policy names no file."""
    return read_golden(root, policy.golden.file) if policy.golden is not None else ()


def check_files(root: Path, policy: Policy) -> None:
    """Every file that the policy names can be read. Raises Invalid, naming the file and the entry."""
    for model in policy.file.models:
        if model.golden is not None:
            read_golden(root, model.golden.file)


def read_golden(root: Path, file: str) -> tuple[GoldenCase, ...]:
    """Raises Invalid."""
    path = (root / file).resolve()
    if not path.is_relative_to(root.resolve()):
        raise Invalid(f"golden file {file}: it must lie in the app's folder")
    try:
        with path.open("rb") as opened:
            data = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise Invalid(f"golden file {file}: cannot be read: {error.strerror}") from error
    if len(data) > LARGEST_FILE:
        raise Invalid(f"golden file {file}: larger than {LARGEST_FILE} bytes")
    return parse_golden(data, file)


def parse_golden(data: bytes, file: str) -> tuple[GoldenCase, ...]:
    """The cases of a file. Raises Invalid, which names the file and the entry."""
    try:
        told: object = json.loads(data, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"golden file {file}: not JSON: {error}") from error
    if not isinstance(told, dict) or cast("dict[str, object]", told).get("version") != 1:
        raise Invalid(f'golden file {file}: an object with "version": 1 and "cases" is expected')
    told_cases = cast("dict[str, object]", told).get("cases")
    entries = cast("list[object]", told_cases) if isinstance(told_cases, list) else []
    if not 1 <= len(entries) <= MOST_CASES:
        raise Invalid(f'golden file {file}: "cases" must be a list of 1 to {MOST_CASES} entries')
    cases = tuple(_case(one, f"golden file {file}: cases[{n}]") for n, one in enumerate(entries))
    names = [case.name for case in cases]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Invalid(f"golden file {file}: two cases are called {twice!r}")
    return cases


def _case(told: object, at: str) -> GoldenCase:
    if not isinstance(told, dict):
        raise Invalid(f"{at}: an object is expected")
    entry = cast("dict[str, object]", told)
    name = entry.get("name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise Invalid(f"{at}: give it a name of at most {LONGEST_NAME} characters")
    at = f"{at} ({name})"
    if unknown := sorted(entry.keys() - _KEYS):
        raise Invalid(
            f"{at}: there is no {', '.join(map(repr, unknown))}; there are {', '.join(sorted(_KEYS))}"
        )
    for key in ("request", "expect"):
        if key not in entry:
            raise Invalid(f"{at}: {key} is missing")
        if _deep(entry[key], 0):
            raise Invalid(f"{at}: {key} is nested more than {DEEPEST} levels deep")
    if entry["request"] is None or entry["expect"] in (None, [], {}):
        raise Invalid(f"{at}: a request and an answer that could be wrong are needed")
    absolute, relative = _tolerance(entry.get("tolerance"), at)
    return GoldenCase(
        name=name.strip(),
        body=json.dumps(entry["request"], ensure_ascii=False).encode(),
        expect=entry["expect"],
        absolute=absolute,
        relative=relative,
    )


def _tolerance(told: object, at: str) -> tuple[float, float]:
    if told is None:
        return 0.0, EXACT
    if _is_number(told):
        told = {"absolute": told}
    spans = cast("dict[str, object]", told) if isinstance(told, dict) else {}
    if not spans or spans.keys() - {"absolute", "relative"}:
        raise Invalid(f'{at}: tolerance is a number, or {{"absolute": …, "relative": …}}')
    for name, span in spans.items():
        if not _is_number(span) or not 0 <= _float(cast("float", span)) < math.inf:
            raise Invalid(f"{at}: tolerance.{name} must be a number of at least 0")
    absolute, relative = (cast("float", spans.get(name, 0.0)) for name in ("absolute", "relative"))
    return float(absolute), float(relative)


def _deep(value: object, depth: int) -> bool:
    if depth > DEEPEST:
        return True
    inner: Sequence[object] = ()
    if isinstance(value, dict):
        inner = list(cast("dict[str, object]", value).values())
    elif isinstance(value, list):
        inner = cast("list[object]", value)
    return any(_deep(one, depth + 1) for one in inner)


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON, and nothing equals it")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large a number")
    return value


def _whole(text: str) -> int:
    _finite(text)
    return int(text)
