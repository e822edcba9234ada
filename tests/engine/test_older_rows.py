"""Rows that an earlier release wrote are read, and go on, with today's code. Their origin is in the file.

When SCHEMA is raised: keep this file, add one written by the release before, and let rows.value translate.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.approval import Decision
from orchestrator.model import SCHEMA, Phase, Verdict
from shared.store import Put, Value
from tests.engine.town import DEV, QA, Town

KEPT = sorted((Path(__file__).parent / "rows").glob("schema_*.json"))


def columns(row: dict[str, Any]) -> dict[str, Value]:
    return {k: datetime.fromisoformat(v["$time"]) if isinstance(v, dict) else v for k, v in row.items()}


@pytest.fixture(params=KEPT, ids=lambda p: p.stem)
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Town:
    kept = json.loads(request.param.read_text())
    town = Town(tmp_path)
    now = datetime.fromisoformat(kept["now"])
    town.clock.advance(max(0.0, (now - town.clock.now()).total_seconds()))
    for name, partitions in kept["tables"].items():
        for partition, rows in partitions.items():
            for key, row in rows.items():
                town.store.table(name).commit(partition, [Put(key, columns(row))])
    return town


def test_there_is_a_file_of_every_schema_up_to_today() -> None:
    assert [p.stem for p in KEPT] == [f"schema_{n}" for n in range(1, SCHEMA + 1)]


def test_slots_promotions_requests_and_votes_are_read(town: Town) -> None:
    state = town.state(QA)

    assert state.slot.serving is not None
    assert (state.slot.serving.version, state.slot.outbox) == ("1", ())
    assert town.promotion(1).verdict is Verdict.LIVE
    assert [v.decision for v in town.app.ledger.votes(QA, 1, 1)] == [Decision.APPROVE]
    assert state.promotions[2].phase is Phase.AWAITING_APPROVAL
    assert (state.promotions[2].told, state.promotions[2].ran_by) == ((), "")
    assert state.requests[2].hash


@pytest.mark.parametrize("key", [DEV, QA], ids=str)
def test_their_journal_verifies(town: Town, key: Any) -> None:
    audit = town.app.ledger.verify(key)

    assert audit is not None
    assert audit.rows > 0
    assert audit.problems == ()
