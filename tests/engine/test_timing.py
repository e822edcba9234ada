"""When the sweep steps in, and workers that meet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.index import OpenIndex
from orchestrator.sources import Sources
from simulation.twins.store import TwinStore, TwinTable
from tests.engine.town import DEV, Town, settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shared.store import Write

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def test_a_wake_that_does_not_run_is_made_up_for_before_a_claim_would_end(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.register("1")
    town.announce("1")
    town.clock.advance(180)  # the index is quiet
    town.settle(most=0)
    row = OpenIndex(town.store).get(str(DEV))

    assert row is not None
    assert row.wake > town.clock.now()  # one is queued
    assert row.wake < row.due < row.wake + settings().claim_for


def test_the_sweep_repeats_a_wake_only_when_a_claim_would_be_over(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.register("1")
    town.announce("1")
    town.queues.messages.clear()

    sent = []
    for _ in range(20):
        town.clock.advance(10)
        sent.append(town.app.sweep.run())

    assert sent[0] == 1
    assert sum(sent) == 1 + 190 // (2 * settings().claim_for.total_seconds())


class Racing(TwinTable):
    """Whenever one worker is about to commit, another one was faster."""

    other: Sources
    raced = False

    def commit(self, partition: str, writes: Sequence[Write]) -> dict[str, str]:
        if not self.raced and len(writes) == 2 and any(w.key.startswith("todo~") for w in writes):
            self.raced = True
            for run in self.other.unlooked(partition):
                self.other.looked(run, {"auc": 0.8}, NOW)
        return super().commit(partition, writes)


def test_two_workers_that_look_at_the_same_run_both_finish() -> None:
    store, table = TwinStore(), Racing()
    store.tables["sources"] = table
    sources = table.other = Sources(store)
    table.raced = True
    sources.add_run("dev", "r1", NOW - timedelta(minutes=1))
    (run,) = sources.unlooked("dev")
    table.raced = False

    sources.looked(run, {"auc": 0.8}, NOW)

    assert table.raced
    assert sources.unlooked("dev") == []
