"""What the advice about a corrupt slot row says: delete it, and `greenlight rebuild` restores the slot."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.store import Delete, Merge
from tests.engine.test_operators import OPERATED, live
from tests.engine.test_rebuild import rebuild, serving
from tests.engine.town import QA, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def test_a_corrupt_row_is_left_and_deleted_it_is_rebuilt(town: Town) -> None:
    live(town, "1")
    before = serving(town, QA)
    table = town.store.table("slots")
    table.commit("titanic@qa", [Merge("slot", {"open": "{"})])

    assert not rebuild(town)[1].slots, "a row that is there is never written over"

    row = table.get("titanic@qa", "slot")
    assert row is not None
    table.commit("titanic@qa", [Delete("slot", row.etag)])
    rebuild(town)

    assert serving(town, QA) == before
    live(town, "2")
    assert serving(town, QA)[0] == "2"
    audit = town.app.ledger.verify(QA)
    assert audit is not None
    assert not audit.problems
