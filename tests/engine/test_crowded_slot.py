"""Many registrations of one model at once: a slot gets through them, however many decisions that takes."""

from __future__ import annotations

from pathlib import Path

from orchestrator.approval import Decision
from orchestrator.model import Verdict
from tests.engine.town import ANA, DEV, Town

VERSIONS = 30


def test_a_slot_with_many_open_promotions_gets_through_them(tmp_path: Path) -> None:
    town = Town(tmp_path)
    versions = [str(number) for number in range(1, VERSIONS + 1)]
    for version in versions:
        town.register(version)
        town.clock.advance(1)
    for version in versions:
        town.announce(version)

    town.settle()
    town.vote(ANA, Decision.APPROVE)
    town.settle()

    ended = [town.promotion(n, DEV) for n in range(1, VERSIONS + 1)]
    assert sorted(int(p.registration.version) for p in ended) == list(range(1, VERSIONS + 1))
    assert {p.verdict for p in ended} <= {Verdict.LIVE, Verdict.SUPERSEDED}
    for key in (DEV, town.state().slot.key):
        serving = town.state(key).slot.serving
        assert serving is not None
        assert serving.version == versions[-1]
