"""An event storm: a day's registrations are announced all at once, out of order, some twice, some never.

Every model serves its first version everywhere. Then the product is down while new versions are registered.
When it comes back, all their events come within minutes; people answer what they are asked meanwhile. The
same registrations, announced once each and in order, are what a storm is compared with.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from orchestrator.approval import Decision
from orchestrator.model import Promotion, SlotKey
from simulation.host import Host
from simulation.place import ANA, ENVIRONMENTS, Place
from simulation.tasks import EVENT, VOTE, Ballot

FIRST, LAST = ENVIRONMENTS[0], ENVIRONMENTS[-1]
REST = timedelta(hours=6)
GOOD, POOR = 0.9, 0.5
"""Test AUC of what passes the gate, and of what does not."""
MOODS = ("approves all", "rejects all", "approves the newest only", "never answers")
Event = dict[str, object]


@dataclass(frozen=True)
class Size:
    """How much is announced, and how badly."""

    models: int = 200
    versions: int = 26
    """Of each model, the first included, which serves before the storm."""
    repeated: float = 0.25
    """Share of events that come a second time."""
    lost: float = 0.05
    """Share of deliveries that never come."""
    seconds: float = 600.0
    """How long the storm takes."""


@dataclass
class Day:
    """What was registered while the product was down: one registration has two events."""

    size: Size
    place: Place
    announced: list[tuple[Event, Event]] = field(default_factory=list[tuple[Event, Event]])
    """By time: the registration's own event, and its run's."""
    good: dict[str, str] = field(default_factory=dict[str, str])
    """Model -> the newest version that passes the gate."""

    @property
    def models(self) -> list[str]:
        return [f"m{i:03d}" for i in range(self.size.models)]

    def mood(self, model: str) -> str:
        return MOODS[int(model[1:]) % len(MOODS)]

    def decision(self, model: str, version: str) -> Decision | None:
        """What the approver thinks of a version."""
        match self.mood(model):
            case "approves all":
                return Decision.APPROVE
            case "rejects all":
                return Decision.REJECT
            case "approves the newest only":
                return Decision.APPROVE if version == self.good[model] else Decision.REJECT
            case _:
                return None

    def deserved(self) -> dict[str, str]:
        """Slot -> the version that must serve there in the end."""
        asked = {m: self.decision(m, self.good[m]) is Decision.APPROVE for m in self.models}
        first = {str(SlotKey(m, FIRST)): self.good[m] for m in self.models}
        return first | {str(SlotKey(m, LAST)): self.good[m] if asked[m] else "1" for m in self.models}


class Crowd(Host):
    """A host with an approver who looks at every new request, and answers some minutes later."""

    def __init__(self, place: Place, day: Day | None, chance: Random) -> None:
        super().__init__(place, lambda call, effect: effect())
        self.day = day
        self.chance = chance
        self._asked = len(self._sent())

    def _sent(self) -> Sequence[tuple[object, str]]:
        return self.place.queues.messages.get("approval-requests", [])

    def step(self) -> None:
        super().step()
        sent = self._sent()
        for _, text in sent[self._asked :]:
            message = json.loads(text)
            if message["kind"] == "approval.requested":
                self._answers(message)
        self._asked = len(sent)

    def _answers(self, message: dict[str, object]) -> None:
        model, request = str(message["model"]), message["request"]
        assert isinstance(request, dict)
        decision = Decision.APPROVE
        if self.day is not None:
            told = self.day.decision(model, str(message["model_version"]))
            if told is None:
                return
            decision = told
        n = int(str(request["promotion"]).rpartition(".")[2])
        slot = SlotKey(model, str(message["environment"]))
        ballot = Ballot(slot, n, int(request["number"]), str(request["hash"]), ANA, decision)
        self.at(self.chance.uniform(30.0, 600.0), VOTE, ballot)


def registered(size: Size, seed: int) -> Day:
    """Every model serves its version 1; then the product goes down, and the others are registered."""
    place, chance = Place(), Random(seed)
    day = Day(size, place)
    host = Crowd(place, None, chance)
    host.run_for(timedelta(minutes=2))  # the timer has run: what is older would never be promoted
    for model in day.models:
        place.train(model, "1", auc=GOOD)
        host.publish(place.registered(model, "1"))
    host.run(REST)
    assert host.problems == [], host.problems
    versions = dict.fromkeys(day.models, 1)
    coming = [model for model in day.models for _ in range(1, size.versions)]
    chance.shuffle(coming)
    for model in coming:
        place.clock.advance(chance.uniform(2.0, 8.0))
        versions[model] += 1
        version, poor = str(versions[model]), chance.random() < 0.1
        place.train(model, version, auc=POOR if poor else GOOD)
        day.good[model] = day.good.get(model, "1") if poor else version
        day.announced.append((place.registered(model, version), place.completed(model, version)))
    return day


@dataclass
class Passed:
    """What one pass over a day's registrations came to."""

    place: Place
    events: int
    """Distinct ones."""
    repeats: int
    lost: int
    handled: Counter[str]
    took: timedelta
    problems: list[str]

    def serving(self) -> dict[str, str]:
        ledger, told = self.place.ledger(), dict[str, str]()
        for key in ledger.slot_keys(limit=10_000)[0]:
            loaded = ledger.slot_row(key)
            assert loaded is not None
            serving = loaded.state.slot.serving
            told[str(key)] = serving.version if serving else ""
        return told

    def accepted(self) -> Counter[str]:
        """How registrations came in: by their own event, or by healing if that was lost or late."""
        keys, _ = self.place.ledger().slot_keys(limit=10_000)
        found = (p for key in keys if key.env == FIRST for p in self.promotions(*key))
        return Counter(p.origin.partition(" ")[0] for p in found)

    def promotions(self, model: str, env: str) -> list[Promotion]:
        return self.place.ledger().promotions(SlotKey(model, env), limit=10_000)


class _Counting(Crowd):
    """Counts what is handled, by kind."""

    def __init__(self, place: Place, day: Day, chance: Random) -> None:
        self.counted: Counter[str] = Counter()
        super().__init__(place, day, chance)

    def begins(self, task: object) -> None:
        self.counted[getattr(task, "kind", "")] += 1


def stormy(day: Day, seed: int) -> Passed:
    """All events at once: shuffled, some repeated, some lost."""
    chance = Random(seed)
    events = [event for both in day.announced for event in both]
    repeats = [event for event in events if chance.random() < day.size.repeated]
    sent = [*events, *repeats]
    chance.shuffle(sent)
    kept = [event for event in sent if chance.random() >= day.size.lost]
    passed = _passed(day, kept, chance)
    passed.repeats, passed.lost = len(repeats), len(sent) - len(kept)
    return passed


def in_order(day: Day, seed: int) -> Passed:
    """Every event once, by the time of its registration, as quickly as the storm."""
    return _passed(day, [event for both in day.announced for event in both], Random(seed))


def _passed(day: Day, sent: Sequence[Event], chance: Random) -> Passed:
    place = day.place.copy()
    began = place.clock.now()
    host = _Counting(place, day, chance)
    for at, event in enumerate(sent):
        host.at(at * day.size.seconds / len(sent), EVENT, event)
    host.run(REST)
    took = place.clock.now() - began
    return Passed(place, 2 * len(day.announced), 0, 0, host.counted, took, host.problems)


def faults(day: Day, passed: Passed) -> Iterator[str]:
    """What should not be after a pass: none, if every registration was accepted exactly once."""
    yield from passed.problems
    served = passed.serving()
    for slot, version in day.deserved().items():
        if served.get(slot) != version:
            yield f"{slot}: version {served.get(slot)} serves, not {version}"
    accepted = {str(number) for number in range(1, day.size.versions + 1)}
    for model in day.models:
        for env in ENVIRONMENTS:
            yield from _miscounted(passed, SlotKey(model, env), accepted)


def _miscounted(passed: Passed, key: SlotKey, accepted: set[str]) -> Iterator[str]:
    found = passed.promotions(*key)
    versions = Counter(p.registration.version for p in found)
    if key.env == FIRST and versions.keys() != accepted:
        yield f"{key}: never accepted: {sorted(accepted - versions.keys())}"
    yield from (
        f"{key}: version {v} was accepted {times} times" for v, times in versions.items() if times > 1
    )
    waiting = [p for p in found if p.open]
    if len(waiting) > 1 or (waiting and key.env == FIRST):
        yield f"{key}: {len(waiting)} promotions do not end"
    loaded = passed.place.ledger().load(key)
    slot = loaded.state.slot if loaded else None
    if slot is None or slot.pending or slot.mover or slot.claim or slot.offering or slot.retiring:
        yield f"{key} has not come to rest: {slot}"
