"""Writes that take effect late, when their worker is dead or has given up: every end is safe.

`python -m bench late` delivers every write of every story; here are those of the stories that differ most.
"""

from __future__ import annotations

import pytest

from orchestrator import closing
from simulation.belated import When
from simulation.late import TOLD, sweep

BY_NAME = {s.name: s for s in TOLD}
WARM = "blue/green, kept warm"
LOOK = 300.0
"""The endpoint is looked at this often while an old deployment is kept warm; putting back takes seconds."""


@pytest.mark.parametrize("name", ["rejection", "probe failure", "expiry", "restored by an operator"])
def test_every_write_may_arrive_late(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    delivered = sweep(BY_NAME[name], deaths=(False,))

    with capsys.disabled():
        print(f"\n{name}: {delivered.runs} late calls, {delivered.taken} taken on by the platform")
    assert delivered.problems == []
    assert delivered.taken


def test_a_dead_workers_write_may_arrive_late() -> None:
    assert sweep(BY_NAME["supersede"], whens=(When.ENDED,), deaths=(True,)).problems == []


def test_what_a_late_call_makes_again_is_known() -> None:
    """What served before was removed when the newer version went live, and is deployed once more."""
    delivered = sweep(BY_NAME["first deployment"], whens=(When.NEWER,), deaths=(False,))

    assert delivered.problems == []
    assert delivered.taken


def test_a_traffic_write_that_a_rollback_superseded_is_undone() -> None:
    delivered = sweep(BY_NAME["blue/green"], whens=(When.ROLLED_BACK,), deaths=(False,))

    assert delivered.problems == []
    assert delivered.taken


def test_an_old_traffic_write_is_put_right_while_its_deployment_still_stands() -> None:
    """It moves traffic away from what is live now: seen at the next look, and put back without a word."""
    delivered = sweep(BY_NAME[WARM], whens=(When.NEWER,), deaths=(False,))

    assert delivered.problems == []
    assert delivered.asked == 0
    assert delivered.strays, "no late write moved traffic"
    assert max(delivered.strays) < LOOK + 30


def test_what_an_operator_took_back_gets_its_traffic_late_and_loses_it_again_though_the_slot_is_held() -> (
    None
):
    """The switch to the bad version arrives once more, after the rollback: seen at the next look."""
    delivered = sweep(BY_NAME[WARM], whens=(When.ORDERED,), deaths=(False,), phases=(0.0, 150.0))

    assert delivered.problems == []
    assert delivered.asked == 0
    assert delivered.taken == delivered.runs == len(delivered.strays)
    assert max(delivered.strays) < LOOK + 30


@pytest.mark.parametrize("name", ["rolled back, kept warm", "rollback after that", "retirement"])
def test_what_an_operator_ordered_may_arrive_late(name: str) -> None:
    whens = (When.EXPECTED, When.REPEATED, When.ENDED, When.NEWER)
    delivered = sweep(BY_NAME[name], whens=whens, deaths=(False,))

    assert delivered.problems == []
    assert delivered.asked == 0
    assert delivered.taken


def test_a_retirement_that_arrives_when_the_endpoint_is_up_again_takes_it_down_and_people_are_asked() -> None:
    """The one late call with which nothing serves: no name can be new where clients know it."""
    delivered = sweep(BY_NAME["retired, and put up again"], whens=(When.NEWER,), deaths=(False,))

    assert delivered.problems == []
    assert delivered.asked == 1


def test_late_calls_find_fault_with_a_product_that_looks_at_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same calls, and nobody compares the endpoint with what is recorded."""
    monkeypatch.setattr(closing, "watch", lambda *_: None)

    assert sweep(BY_NAME[WARM], whens=(When.NEWER,), deaths=(False,)).problems
