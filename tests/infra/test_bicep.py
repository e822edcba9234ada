"""infra/ says what Azure understands; and what the checks would miss is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.infra import faults, shapes, symbols
from tests.infra.check import INFRA, files, findings
from tests.infra.meaning import load
from tests.infra.published import REDUCED, TRANSCRIBED
from tests.infra.reduce_types import declared

BICEP = [p for p in files() if p.suffix == ".bicep"]
LONGEST = 300
OPEN = {
    "azd-service-name": "tags may be called anything",
    "": "an identity's key is its id",
    "disableLocalAuth": "features of a log workspace are published as open",
}
UNTYPED = {"name", "workspace", "storageAccount", "value"}
"""Of elements of array parameters: what param files give and templates take is compared below."""


def told(path: Path) -> str:
    return path.relative_to(INFRA).as_posix()


@pytest.mark.parametrize("path", files(), ids=told)
def test_nothing_is_wrong_with(path: Path) -> None:
    assert [str(f) for f in findings([path])] == []


@pytest.mark.parametrize("path", BICEP, ids=told)
def test_whatever_is_misspelt_is_found(path: Path) -> None:
    """One name after the other, in every declaration."""
    missed: set[str] = set()
    tried = 0
    for kind, name, faulty in faults.misspelt(load(path)):
        tried += 1
        if not any((*symbols.check(faulty), *shapes.check(faulty))):
            missed.add(f"{kind} {name.rpartition('/')[2].rpartition('.')[2]}")

    expected = {f"{kind} {name}" for kind in ("property", "member") for name in {*OPEN, *UNTYPED}}
    assert missed - expected == set()
    assert tried > 3


@pytest.mark.parametrize("path", [p for p in files() if p.suffix == ".bicepparam"], ids=told)
def test_environments_have_what_the_template_takes_from_them(path: Path) -> None:
    given = symbols.keys_of(load(path), "environments")

    assert given == symbols.taken_from(load(INFRA / "main.bicep"), "environments")


def test_modules_are_small_enough_to_read_and_all_are_used() -> None:
    used = {d.type for p in BICEP for d in load(p).of("module").values()}

    assert {told(p) for p in BICEP if len(p.read_text().splitlines()) > LONGEST} == set()
    assert {told(p) for p in BICEP if p.parent.name == "modules"} == used


def test_the_types_at_hand_are_those_that_are_needed() -> None:
    known = {name.lower() for path in (REDUCED, TRANSCRIBED) for name in json.loads(path.read_text())}

    assert known == declared()
