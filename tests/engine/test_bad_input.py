"""What is archived, deleted or broken around a slot: the others go on, and what follows is decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.app import web_of
from orchestrator.approval import Decision
from orchestrator.deadletters import DeadLetter
from orchestrator.explain import explain, explain_slot
from orchestrator.model import Reason, SlotKey, Verdict
from shared.store import Delete, Merge, Put, Row
from tests.edges.world import HTML, signed_in
from tests.engine.test_edges import asked, live
from tests.engine.test_operators import OPERATED
from tests.engine.town import ANA, BEN, DEV, QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def page(town: Town, path: str) -> tuple[int, str]:
    headers = {**HTML, **signed_in(ANA.oid)}
    answer = web_of(town.app).handle("GET", f"https://greenlight.example{path}", headers)
    return answer.status, answer.body.decode()


def test_what_was_approved_goes_live_though_its_model_was_archived_meanwhile(town: Town) -> None:
    """Its bytes are frozen and people approved them: archiving at the source is no vote."""
    live(town, "1")
    asked(town, "2")
    town.dev.archive("titanic", "2")

    town.vote(ANA, Decision.APPROVE)
    town.settle()

    assert town.promotion(2).verdict is Verdict.LIVE
    serving = town.state(QA).slot.serving
    assert serving is not None
    assert serving.version == "2"


def test_a_model_archived_before_its_event_is_looked_at_is_not_promoted(town: Town) -> None:
    live(town, "1")
    town.register("2")
    town.dev.archive("titanic", "2")
    town.announce("2")
    town.settle()

    ended = town.promotion(2, DEV)
    assert (ended.verdict, ended.reason) == (Verdict.ERRORED, Reason.ARCHIVED)
    said = explain(town.state(DEV), ended, town.clock.now())
    assert "version 2 is archived" in said.because
    assert "Restore the version" in said.next
    assert town.traffic(DEV)


def test_an_endpoint_deleted_by_hand_is_said_on_every_page_and_stops_one_slot(town: Town) -> None:
    live(town, "1")
    town.clock.advance(120)
    town.qa.delete_endpoint("titanic-qa")
    town.clock.advance(60)
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    town.settle(most=1800)

    said = explain_slot(town.state(QA), town.clock.now())
    assert any("endpoint" in why and "gone" in why for why in said.because), said
    assert "greenlight adopt titanic@qa" in said.next
    for path in ("/", "/slots/titanic/qa", "/promotions/titanic.qa.2.2"):
        status, text = page(town, path)
        assert status == 200
        assert "gone" in text
    assert town.promotion(2).open
    assert town.promotion(2, DEV).verdict is Verdict.LIVE, "the slot before it is not affected"


def letters(town: Town) -> list[DeadLetter]:
    return town.app.dead.listed(None, 10, now=town.clock.now())


def lose(town: Town, partition: str) -> Row:
    """The slot's row is deleted; the rest of its rows stay."""
    row = town.store.table("slots").get(partition, "slot")
    assert row is not None
    town.store.table("slots").commit(partition, [Delete("slot", row.etag)])
    return row


def test_a_source_slot_that_cannot_be_read_keeps_no_other_model_from_being_healed(town: Town) -> None:
    town.sweep()
    live(town, "1")
    whole = town.store.table("slots").get("titanic@dev", "slot")
    assert whole is not None
    town.store.table("slots").commit("titanic@dev", [Merge("slot", {"open": "{"})])
    town.register("2")
    town.register("1", model="titanic-small")  # neither event ever comes

    for _ in range(30):
        town.sweep()

    assert town.app.ledger.slot_row(SlotKey("titanic-small", "dev")), "the listing found it"
    (letter,) = letters(town)
    assert "cannot be read as Slot" in letter.reason
    assert page(town, "/slots/titanic/dev")[0] == 200

    town.store.table("slots").commit("titanic@dev", [Put("slot", whole.values)])
    assert town.app.operating.replay(letter.id, by=BEN).kind == "accepted"
    town.settle()
    serving = town.state(DEV).slot.serving
    assert serving is not None
    assert serving.version == "2", "mended and replayed, it goes on"


def test_an_event_for_a_slot_whose_row_vanished_is_kept_and_replayed(town: Town) -> None:
    """A new slot row would begin at promotion 1 and journal row 1: those of the lost one are still there."""
    live(town, "1")
    row = lose(town, "titanic@dev")

    town.register("2")
    town.announce("2")
    for _ in range(3):
        town.sweep()

    (letter,) = letters(town)
    assert "the slot's row is gone, and its journal is still there" in letter.reason
    assert "greenlight rebuild" in letter.reason
    assert town.app.ledger.load(DEV) is None, "nothing was begun anew"

    town.store.table("slots").commit("titanic@dev", [Put("slot", row.values)])
    assert town.app.operating.replay(letter.id, by=BEN).kind == "accepted"
    town.settle()
    assert town.promotion(2, DEV).verdict is Verdict.LIVE
    audit = town.app.ledger.verify(DEV)
    assert audit is not None
    assert not audit.problems
