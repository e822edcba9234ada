"""Each day the heads of all journals are anchored, once; whoever rewrites what was anchored is found out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator import triggers
from orchestrator.anchoring import Anchoring
from orchestrator.anchors import name_of
from orchestrator.anchors_cli import said_lines, told
from orchestrator.approval import Decision
from orchestrator.auditing import Auditing, Report
from orchestrator.journal import append
from orchestrator.model import SlotKey
from orchestrator.rows import columns, journal_columns, journal_key, journal_row, value
from orchestrator.wakes import Wakes
from shared.errors import Unavailable
from shared.queues import WAKES
from shared.store import Row
from simulation.twins.store import TwinTable
from tests.engine.town import ANA, DEV, QA, Town, settings

DAY = 86_400.0
KEY = settings().journal_key
NAME = "titanic@qa"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    town.register("1")
    town.announce("1")
    town.settle()
    town.sweep()
    return town


def blobs(town: Town) -> dict[str, list[dict[str, object]]]:
    container = town.ports.anchors
    found = {b.name: container.read(b, 0, b.size).decode() for b in container.list("")}
    return {name: [json.loads(line) for line in text.splitlines()] for name, text in found.items()}


def audit(town: Town, only: SlotKey | None = None, *, key: bytes | None = KEY) -> Report:
    return Auditing(
        ledger=town.app.ledger, container=town.ports.anchors, clock=town.clock, key=key, retained=365
    ).report(only)


def days(town: Town, count: int) -> None:
    for _ in range(count):
        town.sweep(DAY)


def table(town: Town) -> TwinTable:
    return town.store.tables["slots"]


def rewritten(town: Town, row: int, why: str) -> None:
    """By somebody who holds the journal key: one row's words, and the chain from there on."""
    rows = table(town).rows[NAME]
    old = [journal_row(NAME, key, r.values) for key, r in sorted(rows.items()) if key.startswith("journal~")]
    head = old[row - 2].hash if row > 1 else ""
    for each in old[row - 1 :]:
        entry = replace(each.entry, why=why) if each.seq == row else each.entry
        (new,) = append(NAME, each.seq - 1, head, [entry], KEY)
        rows[journal_key(new.seq)] = Row(journal_key(new.seq), journal_columns(new), "x")
        head = new.hash
    from orchestrator.model import Slot

    slot = value(Slot, rows["slot"].values)
    rows["slot"] = Row("slot", columns(replace(slot, head=head)), "x")


# ---- writing


def test_an_anchor_names_every_journal_and_the_anchor_before(town: Town) -> None:
    days(town, 1)

    (first, *heads, end), (second, *_) = blobs(town).values()
    qa = next(h for h in heads if h["slot"] == NAME)
    assert [h["slot"] for h in heads] == ["titanic@dev", "titanic@qa"]
    assert int(str(qa["seq"])) > 0
    assert end == {"slots": 2}
    assert (first["day"], first["before"]) == ("2026-01-05", None)
    assert second["before"]["day"] == "2026-01-05"  # type: ignore[index]
    assert second["first"] == "2026-01-05"


def test_a_day_has_one_anchor_whoever_writes_and_however_often(town: Town) -> None:
    before = blobs(town)
    town.announce("1", id_="again")
    town.settle()

    other = Anchoring(
        ledger=town.app.ledger, container=town.ports.anchors, wakes=Wakes(town.queues), clock=town.clock
    )
    assert other.write() is False
    assert town.app.anchoring.write() is False
    other.due()
    for _ in range(30):
        town.sweep()

    assert blobs(town) == before
    assert audit(town).findings == []


def test_two_that_write_at_once_are_one(town: Town) -> None:
    """The second one has looked before the first one wrote."""
    town.clock.advance(DAY)
    container = town.ports.anchors
    ledger, slot_keys = town.app.ledger, town.app.ledger.slot_keys

    def overtaken(after: str = "", limit: int = 100):
        ledger.slot_keys = slot_keys  # type: ignore[method-assign]
        triggers.wake(town.app, json.dumps({"v": 1, "wake": "anchors~"}))
        return slot_keys(after, limit)

    ledger.slot_keys = overtaken  # type: ignore[method-assign]
    slower = Anchoring(ledger=ledger, container=container, wakes=Wakes(town.queues), clock=town.clock)

    assert slower.write() is False
    assert len(container.list("")) == 2


def test_an_anchor_that_cannot_be_written_is_tried_again_the_same_day(town: Town) -> None:
    town.blobs.faults.fail("put", Unavailable("storage is down"), times=1)
    town.clock.advance(DAY)
    triggers.sweep(town.app)
    (text,) = (text for text in town.queues.take(WAKES) if "anchors" in text)
    with pytest.raises(Unavailable):
        triggers.wake(town.app, text)
    assert len(blobs(town)) == 1

    for _ in range(16):
        town.sweep()

    assert len(blobs(town)) == 2


def test_an_anchor_of_tomorrow_that_somebody_planted_stops_nothing_and_is_found(town: Town) -> None:
    town.blobs.container("glapp", "anchors").write("2026-01-07.jsonl", b"{}")

    days(town, 1)

    assert name_of(town.clock.now().date()) in blobs(town)
    assert [f.kind for f in audit(town).findings] == ["unreadable"]


def test_thousands_of_slots_are_one_blob_and_one_read_each(town: Town) -> None:
    for n in range(2500):
        town.app.ledger._open.commit("known", [_known(f"m{n:04d}@qa")])
    town.clock.advance(DAY)
    before = town.store.calls

    assert town.app.anchoring.write() is True

    assert town.store.calls - before == 2502 + 3
    assert blobs(town)["2026-01-06.jsonl"][-1] == {"slots": 2502}


def _known(name: str):
    from shared.store import Put

    return Put(name, {"schema": 1})


# ---- comparing


def test_what_only_grew_fits_and_needs_no_key(town: Town) -> None:
    days(town, 2)
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    days(town, 2)

    found = audit(town, key=None)

    assert found.findings == []
    assert (found.slots, len(found.anchors)) == (2, 5)
    assert said_lines(found, [])[0].endswith("5 anchors from 2026-01-05 to 2026-01-09: everything fits")


def test_a_rewritten_row_that_plain_verify_takes_is_found_by_its_anchor(town: Town) -> None:
    days(town, 2)
    rewritten(town, 2, "it was always like this")
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    days(town, 2)

    plain = town.app.ledger.verify(QA)
    (found,) = audit(town).findings

    assert plain is not None
    assert plain.problems == ()
    assert (found.kind, found.slot) == ("rewritten", "titanic@qa")
    assert found.rows is not None
    assert found.rows[0] <= 2 <= found.rows[1]
    assert (str(found.after), str(found.before)) == ("2026-01-07", "2026-01-08")
    assert audit(town, DEV).findings == []


def test_the_answer_says_which_slot_which_row_since_when_and_what_to_do(town: Town) -> None:
    rewritten(town, 2, "it was always like this")
    found = audit(town)

    text = "\n".join(said_lines(found, ["that"]))
    data = told(found, ["that"])

    assert "✗ titanic@qa: a row from 1 to " in text
    assert "It was changed after the anchor of 2026-01-05" in text
    assert "→ Hold the slot" in text
    assert (data["ok"], data["findings"][0]["after"]) == (False, "2026-01-05")
    assert json.loads(json.dumps(data)) == json.loads(json.dumps(data, sort_keys=True))


@pytest.mark.parametrize("what", ["cut", "journal", "everything"])
def test_what_is_gone_is_found(town: Town, what: str) -> None:
    rows = table(town).rows[NAME]
    last = max(key for key in rows if key.startswith("journal~"))
    for key in [k for k in rows if what == "everything" or k.startswith("journal~")]:
        if what != "cut" or key == last:
            del rows[key]
    if what == "everything":
        del town.store.tables["open"].rows["known"][NAME]

    kinds = {f.kind for f in audit(town).findings}

    assert ("cut" if what == "cut" else "gone") in kinds


def test_a_slot_row_that_is_gone_is_told_though_the_journal_fits(town: Town) -> None:
    del table(town).rows[NAME]["slot"]

    (found,) = audit(town).findings

    assert (found.kind, found.says) == ("edited", "the slot's row is gone, and its journal is still there")


def test_a_day_with_entries_and_no_anchor_is_told(town: Town) -> None:
    town.clock.advance(DAY)
    town.vote(ANA, Decision.APPROVE)  # intake runs, and the timer does not
    days(town, 1)

    (found,) = audit(town).findings

    assert found.kind == "missing"
    assert found.says.startswith("the app ran on 2026-01-06 (row ")


def test_an_anchor_that_was_removed_or_replaced_is_told(town: Town) -> None:
    days(town, 3)
    container = town.blobs.container("glapp", "anchors")
    container.remove("2026-01-06.jsonl")
    (blob,) = container.list("2026-01-07")
    data = container.read(blob, 0, blob.size)
    container.write("2026-01-07.jsonl", data.replace(b'"seq":', b'"seq": '))

    assert [f.kind for f in audit(town).findings] == ["removed", "broken"]


def test_an_anchor_of_a_newer_release_is_said_and_not_compared(town: Town) -> None:
    container = town.blobs.container("glapp", "anchors")
    (blob,) = container.list("")
    data = container.read(blob, 0, blob.size)
    container.write(blob.name, data.replace(b'"schema":1', b'"schema":2'))

    (found,) = audit(town).findings

    assert (found.kind, str(found.after)) == ("unreadable", "2026-01-05")
    assert "use the newer one" in found.says
