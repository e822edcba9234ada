"""The journal's check over the JSON API: whatever was done to it is found."""

from __future__ import annotations

import pytest

from shared.store import Row
from tests.edges.world import World


def test_a_journal_that_nobody_touched_verifies_and_says_what_that_cannot_prove():
    world = World()
    world.asked()

    status, data = world.api("/api/slots/titanic/qa/verify")

    assert (status, data["ok"], data["problems"]) == (200, True, [])
    assert data["rows"] == 4
    assert len(data["cannot_prove"]) == 3


def tampered(world: World, how: str) -> None:
    rows = world.store.table("slots").rows["titanic@qa"]
    second, third = "journal~0000000002", "journal~0000000003"
    match how:
        case "edited":
            rows[second] = Row(second, {**rows[second].values, "why": "something else"}, "x")
        case "missing":
            del rows[second]
        case "reordered":
            rows[second], rows[third] = (
                Row(second, rows[third].values, "x"),
                Row(third, rows[second].values, "x"),
            )
        case "recomputed":
            from orchestrator.journal import append
            from orchestrator.rows import journal_columns, journal_row

            entry = journal_row("titanic@qa", second, rows[second].values).entry
            before = str(rows["journal~0000000001"].values["hash"])
            (row,) = append("titanic@qa", 1, before, [entry], b"another key")
            rows[second] = Row(second, journal_columns(row), "x")
        case "cut":
            del rows["journal~0000000004"]
        case "unreadable":
            rows[second] = Row(second, {**rows[second].values, "schema": 99}, "x")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("edited", "row 2 was edited"),
        ("missing", "row 2 is missing"),
        ("reordered", "row 2 "),
        ("recomputed", "row 2 was not written with the journal key"),
        ("cut", "the slot says the journal ends at row 4"),
        ("unreadable", "row 2 cannot be read"),
    ],
)
def test_whatever_was_done_to_the_journal_is_found(how, said):
    world = World()
    world.asked()
    tampered(world, how)

    status, data = world.api("/api/slots/titanic/qa/verify")

    assert (status, data["ok"]) == (200, False)
    assert any(said in problem for problem in data["problems"]), data["problems"]


def test_verify_of_no_slot_is_not_found():
    assert World().api("/api/slots/titanic/qa/verify")[0] == 404
