"""The queue is down for an hour, ten thousand slots are due, people vote: nothing is lost, no storm comes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator import triggers
from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import Fact, FactKind, Phase, SlotKey, Verdict
from orchestrator.sweep import AT_ONCE, GIVE_UP
from orchestrator.wakes import read_wake
from shared.errors import Unavailable
from shared.names import slot_id
from shared.queues import WAKES
from simulation.twins.store import TwinQueues
from tests.engine.test_operators import OPERATED, until
from tests.engine.town import ANA, BEN, PIPELINE, QA, Town

SLOTS = 10_000


class Outage:
    """A queue that refuses everything while it is down, and counts what it was asked."""

    def __init__(self, queues: TwinQueues) -> None:
        self.down, self.asked, self._send = True, 0, queues.send
        queues.send = self.send  # type: ignore[method-assign]

    def send(self, queue: str, text: str, *, delay: float = 0.0) -> None:
        self.asked += 1
        if self.down:
            raise Unavailable("the queue is down")
        self._send(queue, text, delay=delay)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, PIPELINE.replace("titanic*", "*"))


def crowd(town: Town) -> set[str]:
    """Ten thousand slots with an accepted fact each, whose wakes were lost."""
    now = town.clock.now()
    names: set[str] = set()
    for n in range(SLOTS):
        key = SlotKey(f"m{n:05d}", "dev")
        fact = Fact(
            key="event x", kind=FactKind.REGISTERED, model=key.model, env=key.env, version="1", at=now,
            accepted_at=now, by="event x",
        )  # fmt: skip
        town.app.intake.fact(fact)
        names.add(slot_id(*key))
    return names


def asked(town: Town, models: list[str]) -> None:
    for model in models:
        town.register("1", model=model)
        town.announce("1", model=model)
    town.settle()


def test_nothing_is_lost_and_no_storm_breaks_loose(town: Town) -> None:
    real = [f"real-{n}" for n in range(10)]
    asked(town, real)
    queue = Outage(town.queues)
    names = crowd(town)
    names |= {slot_id(model, "qa") for model in real}

    for minute in range(60):
        town.clock.advance(60)
        asked_before = queue.asked
        assert triggers.sweep(town.app) is None
        assert queue.asked - asked_before <= GIVE_UP + len(("source", "anchors")), (
            "a queue that is down is not hammered"
        )
        if minute % 6 == 0:
            model = real[minute // 6]
            assert town.vote(ANA, Decision.APPROVE, SlotKey(model, "qa")).kind == "recorded"
    queue.down = False
    woken: Counter[str] = Counter()
    sweeps = 0
    while not names <= set(woken) and sweeps < 40:
        town.clock.advance(60)
        triggers.sweep(town.app)
        sent = [text for text in town.queues.take(WAKES) if read_wake(text).slot]
        sweeps += 1
        assert len(sent) <= AT_ONCE
        for text in sent:
            key = read_wake(text).slot
            assert key is not None
            woken[slot_id(*key)] += 1
            if key.model in real:
                triggers.wake(town.app, text)

    assert names <= set(woken), f"{len(names - set(woken))} slots were never woken"
    assert sweeps <= SLOTS // AT_ONCE + 3
    assert max(woken[name] for name in names if "m0" in name) <= 2, "nobody is woken over and over"
    for _ in range(5):
        for text in town.queues.take(WAKES):
            triggers.wake(town.app, text)
        town.clock.advance(30)
    for model in real:
        assert town.promotion(1, SlotKey(model, "qa")).phase is not Phase.AWAITING_APPROVAL


def test_slots_that_nobody_looks_at_are_woken_less_and_less_and_hold_up_no_others(town: Town) -> None:
    """An engine that is down must not find a mountain of wakes, and the last in the alphabet comes, too."""
    for n in range(AT_ONCE + 50):
        now = town.clock.now()
        town.app.intake.fact(
            Fact(
                key="event x",
                kind=FactKind.REGISTERED,
                model=f"m{n:05d}",
                env="dev",
                version="1",
                at=now,
                accepted_at=now,
                by="event x",
            )
        )
    town.queues.messages.clear()
    woken: Counter[str] = Counter()

    for _ in range(60):
        town.clock.advance(60)
        triggers.sweep(town.app)
        for text in town.queues.take(WAKES):
            key = read_wake(text).slot
            woken[slot_id(*key) if key else "source"] += 1
    del woken["source"]

    assert len(woken) == AT_ONCE + 50
    assert max(woken.values()) <= 7, "after 2, 4, 8 and then every 16 minutes"
    assert min(woken.values()) >= 4


def test_one_slot_that_cannot_be_read_does_not_stop_the_others(town: Town) -> None:
    asked(town, ["aaa", "zzz"])
    row = town.store.table("slots").rows["aaa@qa"]["slot"]
    town.store.table("slots").rows["aaa@qa"]["slot"] = type(row)(row.key, {**row.values, "schema": 99}, "x")
    town.clock.advance(timedelta(days=8).total_seconds())

    for _ in range(4):
        town.sweep()

    assert town.promotion(1, SlotKey("zzz", "qa")).verdict is Verdict.EXPIRED
    assert "aaa@qa" in town.store.table("open").rows["open"], (
        "it stays where people and newer releases see it"
    )


def test_a_wake_that_was_not_sent_is_sent_by_the_next_sweep(town: Town) -> None:
    asked(town, ["aaa"])
    town.vote(ANA, Decision.APPROVE, SlotKey("aaa", "qa"))
    town.queues.messages.clear()
    queue = Outage(town.queues)
    town.clock.advance(60)
    triggers.sweep(town.app)
    queue.down = False

    town.sweep()

    assert town.promotion(1, SlotKey("aaa", "qa")).verdict is Verdict.LIVE


def test_traffic_goes_back_even_while_the_queue_is_down(tmp_path: Path) -> None:
    town = Town(tmp_path, OPERATED)
    for version in ("1", "2"):
        town.register(version)
        town.announce(version)
        town.settle()
        town.vote(ANA, Decision.APPROVE)
        if version == "1":
            town.settle()
    before = town.traffic()
    until(town, Phase.SHIFTING, 2)
    town.app.operating.promotion(Command.ABORT, QA, 2, by=BEN, reason="")
    for text in town.queues.take(WAKES):
        triggers.wake(town.app, text)
    assert town.promotion(2).ending is not None
    Outage(town.queues)
    town.queues.messages.clear()

    for _ in range(12):
        town.clock.advance(60)
        triggers.sweep(town.app)

    assert town.traffic() == before
    assert town.promotion(2).verdict is Verdict.ABORTED
