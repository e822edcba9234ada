"""The process dies at every outside call, or loses its answer: the world ends as if nothing had happened."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from statistics import median

import pytest

from orchestrator.app import Ports
from orchestrator.index import OpenIndex
from simulation.kills import UNFENCED, How, sweep
from simulation.place import Pipeline, Place
from simulation.seams import behind
from simulation.stories import STORIES

SWEPT = {"first deployment", "blue/green", "rejection", "probe failure", "supersede", "expiry", "gate"} | {
    *("votes through a channel", "rollback while it is warm", "retirement", "automatic rollback")
}
"""`python -m bench crashes` sweeps the rest, and lets every read lose its answer, too."""


@pytest.mark.parametrize("story", [s for s in STORIES if s.name in SWEPT], ids=lambda s: s.name)
def test_a_kill_at_any_call_changes_nothing_in_the_end(story, capsys: pytest.CaptureFixture[str]) -> None:
    swept = sweep(story, reads=False)

    with capsys.disabled():
        print(
            f"\n{story.name}: {swept.points} kill points, {swept.runs} different worlds, wakes to rest: "
            f"median {median(swept.wakes):g}, worst {max(swept.wakes)}"
        )
    assert swept.problems == []
    assert swept.runs > 30


@pytest.mark.parametrize("name", ["gate", "rejection", "rollback while it is warm", "retirement"])
def test_a_worker_that_goes_on_past_its_lease_changes_nothing_in_the_end(name: str) -> None:
    """It stalls and writes all the same, or its write takes effect when nobody waits for it."""
    swept = sweep(next(s for s in STORIES if s.name == name), hows=UNFENCED, reads=False)

    assert swept.problems == []
    assert swept.runs > 15


def test_a_kill_at_any_write_repeats_an_event_once_at_most_and_marked() -> None:
    told = next(s for s in STORIES if s.name == "rejection")
    swept = sweep(replace(told, pipeline=Pipeline(events=True)), hows=(How.AFTER, How.LOST), reads=False)

    assert swept.problems == []
    assert any(name.startswith("event ") for name in swept.announced)


def test_every_call_that_leaves_the_process_meets_the_seam() -> None:
    ports = Place(Pipeline(events=True)).ports()

    met = behind(ports, lambda call, effect: effect())

    through = [f.name for f in fields(Ports) if getattr(met, f.name) is getattr(ports, f.name)]
    assert through == ["clock"]


def test_the_sweep_of_kill_points_sees_an_index_that_is_stamped_too_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same sweep finds fault with a product that breaks the index's write order."""

    def forgotten(index: OpenIndex, name: str, now: datetime) -> None:
        pass

    monkeypatch.setattr(OpenIndex, "touch", forgotten)
    story = next(s for s in STORIES if s.name == "gate")

    assert sweep(story, hows=(How.GONE,)).problems
