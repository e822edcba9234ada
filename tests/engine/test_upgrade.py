"""An upgrade in place: what an earlier release had in flight, its rows and wakes, goes on with today's code.

The rows are those of an app that was taken away between two wakes: in_flight.json says whose. Today's code
brings the same world about, and takes over the tables and queues of then.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.approval import Decision
from orchestrator.model import Phase, Verdict
from shared.queues import WAKES
from shared.store import Put
from tests.engine.test_older_rows import columns
from tests.engine.test_operators import asked, live, until
from tests.engine.town import ANA, DEV, QA, Town

KEPT: dict[str, Any] = json.loads((Path(__file__).parent / "rows" / "in_flight.json").read_text())["moments"]


@pytest.fixture(params=KEPT)
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Town:
    before, kept = Town(tmp_path), KEPT[request.param]
    live(before, "1")
    asked(before, "2")
    before.vote(ANA, Decision.APPROVE)
    until(before, Phase(request.param), 2)
    town = Town(tmp_path, world=before)
    for name, partitions in kept["tables"].items():
        for partition, rows in partitions.items():
            for key, row in rows.items():
                town.store.table(name).commit(partition, [Put(key, columns(row))])
    for queue, messages in kept["queues"].items():
        town.queues.messages[queue] = [(datetime.fromisoformat(at), text) for at, text in messages]
    assert town.promotion(2).phase is Phase(request.param)
    return town


def arrived(town: Town) -> None:
    """Version 2 serves alone, nobody was asked again, and both journals verify across the two releases."""
    promotion = town.promotion(2)
    assert promotion.verdict is Verdict.LIVE
    assert town.traffic() == {promotion.candidate: 100}
    assert town.requests() == []
    for key in (DEV, QA):
        audit = town.app.ledger.verify(key)
        assert audit is not None
        assert audit.problems == ()


def test_a_wake_in_flight_is_understood_and_brings_it_to_its_end(town: Town) -> None:
    town.settle()

    arrived(town)


def test_without_any_wake_the_sweep_does(town: Town) -> None:
    town.queues.messages[WAKES] = []
    for _ in range(10):
        town.sweep()

    arrived(town)
