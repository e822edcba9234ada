"""The old script beside Greenlight: the page is what the plays give, and Greenlight ends well in each."""

from __future__ import annotations

import pytest

from bench.old.faults import FAULTS
from bench.old_script import PAGE, Row, page, played

NAMES = [fault.name for fault in FAULTS]


@pytest.fixture(scope="module")
def found() -> list[Row]:
    return played()


def row(found: list[Row], name: str) -> Row:
    return next(row for row in found if row.fault.name == name)


def test_the_committed_page_is_what_the_plays_give(found: list[Row]) -> None:
    again = "run `python -m bench.old_script --write`, and read what changed"

    assert PAGE.read_text(encoding="utf-8") == page(found), again


@pytest.mark.parametrize("name", NAMES)
def test_what_greenlight_lets_serve_was_approved_or_served_before(found: list[Row], name: str) -> None:
    end = row(found, name).greenlight

    assert [served.flaws for served in end.serves] == [(), ()]
    assert not end.lies


@pytest.mark.parametrize("name", NAMES)
def test_greenlight_leaves_nothing_behind(found: list[Row], name: str) -> None:
    assert row(found, name).greenlight.left == ()


def test_without_a_fault_both_do_the_same(found: list[Row]) -> None:
    undisturbed = row(found, "None")

    assert undisturbed.script.cells()[1:] == undisturbed.greenlight.cells()[1:]


REPLAY = {
    "None": ("dev 0, qa 0", "dev 2, qa 2", ()),
    "qa: the candidate answers 500": ("dev 0, qa 0", "dev 2, qa **2, broken**", ()),
    "qa, first deployment: the candidate answers 500": (
        "dev 0, qa 0",
        "dev **2, untested**, qa **2, broken**",
        (),
    ),
    "qa: creating the deployment is refused (quota)": (
        "dev 0, qa 1",
        "dev 2, qa 1",
        ("qa: tag on nothing",),
    ),
    "qa: conflict at the traffic update": ("dev 0, qa 1", "dev 2, qa 1", ("qa: 2 idle, tagged",)),
    "dev: the candidate answers 500, as it does in qa": (
        "dev 1, qa 0",
        "dev 1, qa **2, broken**",
        ("dev: 2 idle",),
    ),
}
"""What the original script did when it was run unmodified against a stub of `az` that enforces the service's
rules; the last row's qa by the documented rules for a stage's own condition."""


@pytest.mark.parametrize("name", REPLAY)
def test_the_model_of_the_script_ends_as_the_script_itself_did(found: list[Row], name: str) -> None:
    end = row(found, name).script
    exits, serves, left = REPLAY[name]

    assert end.said == exits
    assert ", ".join(map(str, end.serves)) == serves
    assert end.left == left


def test_the_next_run_of_the_script_orphans_what_really_serves(found: list[Row]) -> None:
    """The replay's remark on the conflict: a tag that is wrong makes the next run delete the wrong one."""
    end = row(found, "The machine is lost between tag and traffic, then 3 comes").script

    assert end.left == ("qa: 1 idle",)
