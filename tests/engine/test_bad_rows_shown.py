"""Rows that cannot be read, and rows that are gone: page, API and CLI say why; every other slot is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from orchestrator import cli
from orchestrator.app import web_of
from orchestrator.model import SCHEMA, Phase
from shared.store import Delete, Merge, Put, Value
from tests.edges.front import Front, serving
from tests.edges.world import HTML, signed_in
from tests.engine.test_edges import asked, live
from tests.engine.town import ANA, DEV, QA, Town

NEWER: dict[str, Value] = {"schema": SCHEMA + 1}
BROKEN: list[tuple[str, dict[str, Value], str, str]] = [
    ("slot", NEWER, "this release reads up to", "Deploy the newer release again"),
    ("slot", {"open": "{"}, "cannot be read as Slot", "Put the row back from a backup"),
    ("slot", {"open": "[" * 30_000}, "cannot be read as Slot", "Put the row back from a backup"),
    ("p~0000000002", NEWER, "this release reads up to", "Deploy the newer release again"),
    ("p~0000000002", {"registration": "[]"}, "cannot be read as Promotion", "Put the row back"),
    ("p~0000000002~r~001", {"rule": "7"}, "cannot be read as Request", "Put the row back"),
]
WAITING = "titanic.qa.2.2"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    live(town, "1")
    asked(town, "2")
    return town


class _Behind:
    """The product's pages behind the front of the pages' own tests."""

    def __init__(self, town: Town) -> None:
        self.app = web_of(town.app)


@pytest.fixture
def front(town: Town) -> Iterator[Front]:
    with serving(_Behind(town)) as server:  # type: ignore[arg-type]
        yield server


def change(town: Town, key: str, values: dict[str, Value]) -> None:
    town.store.table("slots").commit("titanic@qa", [Merge(key, values)])


def spoil(town: Town, key: str, values: dict[str, Value]) -> None:
    """`key`'s row becomes one of somebody else: none of our columns is left."""
    town.store.table("slots").commit("titanic@qa", [Put(key, values)])


def get(town: Town, path: str, *, page: bool = True) -> tuple[int, str]:
    headers = {**(HTML if page else {}), **signed_in(ANA.oid)}
    answer = web_of(town.app).handle("GET", f"https://greenlight.example{path}", headers)
    return answer.status, answer.body.decode()


def run(front: Front, capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    code = cli.main(argv, {"GREENLIGHT_BASE_URL": front.url, "GREENLIGHT_TOKEN": "token-ana"})
    told = capsys.readouterr()
    return code, told.out + told.err


@pytest.mark.parametrize(("key", "values", "said", "fix"), BROKEN)
def test_the_slot_says_what_cannot_be_read_and_what_to_do(
    town: Town, key: str, values: dict[str, Value], said: str, fix: str
) -> None:
    change(town, key, values)

    status, slot_page = get(town, "/slots/titanic/qa")
    board_status, board = get(town, "/")
    slots = json.loads(get(town, "/api/slots", page=False)[1])["slots"]

    assert (status, board_status) == (200, 200)
    assert said in slot_page
    assert fix in slot_page
    assert said in board
    assert "serving for" in board, "dev is shown as ever"
    mine = next(s for s in slots if s["environment"] == "qa")
    assert said in mine["unreadable"]
    assert mine["hold"] is None, "nobody holds it, so nobody can resume it"
    assert fix in mine["explain"]["next"]
    assert next(s for s in slots if s["environment"] == "dev")["serving"]["version"] == "2"


@pytest.mark.parametrize(("key", "values", "said", "fix"), BROKEN)
def test_its_promotions_say_so_too_on_the_page_and_in_the_api(
    town: Town, key: str, values: dict[str, Value], said: str, fix: str
) -> None:
    change(town, key, values)

    status, page = get(town, f"/promotions/{WAITING}")
    api_status, api = get(town, f"/api/promotions/{WAITING}", page=False)
    listed = json.loads(get(town, "/api/promotions", page=False)[1])

    own = key != "slot"
    assert (status, api_status) == ((409, 409) if own else (200, 200))
    assert said in page
    assert fix in page
    assert fix in api
    assert {p["environment"] for p in listed["promotions"]} == {"dev"}
    assert len(listed["unreadable"]) == 1
    assert said in listed["unreadable"][0]
    assert get(town, "/promotions/titanic.dev.2.2")[0] == 200


@pytest.mark.parametrize(("key", "values", "said", "fix"), BROKEN)
def test_the_command_line_says_so_and_leaves_with_a_code_of_its_own(
    town: Town,
    front: Front,
    capsys: pytest.CaptureFixture[str],
    key: str,
    values: dict[str, Value],
    said: str,
    fix: str,
) -> None:
    change(town, key, values)

    for verb in ("explain", "show"):
        code, told = run(front, capsys, verb, WAITING)
        assert code == (cli.OPEN if key == "slot" else cli.NO)
        assert said in told
        assert fix in told
    code, told = run(front, capsys, "history", "titanic@qa")
    assert code == cli.OK
    assert "promotion.opened" in told, "its journal is still there"
    code, told = run(front, capsys, "status")
    assert code == cli.OK
    assert "unreadable" in told
    assert run(front, capsys, "abort", WAITING)[0] == cli.NO
    assert run(front, capsys, "hold", "titanic@qa", "--reason", "x")[0] == cli.NO


@pytest.mark.parametrize("key", ["slot", "p~0000000002", "p~0000000002~r~001"])
def test_a_foreign_row_in_the_place_of_ours_is_no_error_of_the_server(town: Town, key: str) -> None:
    spoil(town, key, {"hello": "from another tool"})

    for path in ("/", "/slots/titanic/qa", f"/promotions/{WAITING}", "/slots/titanic/dev"):
        assert get(town, path)[0] in (200, 409)
    assert "it was not written by Greenlight" in get(town, "/slots/titanic/qa")[1]
    town.app.engine.wake(QA)
    for _ in range(3):
        town.sweep()
    town.register("3")
    town.announce("3")
    town.settle()
    assert town.state(DEV).slot.serving is not None


def test_a_broken_promotion_that_has_ended_hides_no_other(town: Town) -> None:
    change(town, "p~0000000001", {"registration": "[]"})

    status, page = get(town, "/slots/titanic/qa")
    listed = json.loads(get(town, "/api/promotions?model=titanic&env=qa", page=False)[1])

    assert status == 200
    assert "row 1 cannot be read" in page
    assert "titanic.qa.2.2" in page
    assert [p["n"] for p in listed["promotions"]] == [2]
    assert "row 1 cannot be read" in listed["unreadable"][0]
    assert get(town, "/promotions/titanic.qa.1.1")[0] == 409
    assert town.state(QA).promotions[2].phase is Phase.AWAITING_APPROVAL


@pytest.mark.parametrize("values", [{"schema": SCHEMA + 1}, {"at": "yesterday"}])
def test_a_broken_row_of_the_journal_is_told_in_its_place(
    town: Town, front: Front, capsys: pytest.CaptureFixture[str], values: dict[str, Value]
) -> None:
    change(town, "journal~0000000002", values)

    code, told = run(front, capsys, "history", "titanic@qa")

    assert code == cli.OK
    assert "row 2 cannot be read" in told
    assert "promotion.opened" in told
    assert get(town, "/slots/titanic/qa")[0] == 200
    assert get(town, "/promotions/titanic.qa.1.1")[0] == 200
    assert run(front, capsys, "verify", "titanic@qa")[0] == cli.NO


def test_a_foreign_row_between_those_of_the_journal_is_told(town: Town) -> None:
    change(town, "journal~0000000002a", {"hello": "from another tool"})

    assert get(town, "/slots/titanic/qa")[0] == 200
    status, history = get(town, "/api/slots/titanic/qa/history", page=False)
    assert status == 200
    assert "is no key of a journal row" in json.loads(history)["unreadable"][0]


def test_a_slot_whose_row_vanished_says_how_to_get_it_back(
    town: Town, front: Front, capsys: pytest.CaptureFixture[str]
) -> None:
    row = town.store.table("slots").get("titanic@qa", "slot")
    assert row is not None
    town.store.table("slots").commit("titanic@qa", [Delete("slot", row.etag)])

    assert get(town, "/slots/titanic/qa")[0] == 404
    assert "greenlight rebuild" in get(town, "/slots/titanic/qa")[1]
    assert get(town, "/")[0] == 200
    status, page = get(town, f"/promotions/{quote(WAITING)}")
    assert status == 200
    assert "Left alone: the row of its slot is gone" in page
    code, told = run(front, capsys, "explain", WAITING)
    assert code == cli.OPEN
    assert "greenlight rebuild" in told
    assert run(front, capsys, "history", "titanic@qa")[0] == cli.USAGE
