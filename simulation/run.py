"""One run of the simulation: a seed, faults until they stop, then rest; and what was wrong with it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from orchestrator.approval import RequestState
from orchestrator.model import Promotion, Reason, SlotKey, Verdict
from orchestrator.votes import tally
from simulation.outcome import endpoint_of, journal_problems
from simulation.place import ENVIRONMENTS, Place
from simulation.scenario import BROKEN, FADING, GOOD, POOR, SAME, SICK, Scenario, pipeline_of, with_rollout
from simulation.weather import Weather

STEPS = 2000
"""Handlers that run in bad weather, at most."""
REST = timedelta(hours=12)
LISTED = timedelta(hours=1)
"""Calm enough for the workspace to be listed: what every event was lost of is accepted then."""
MOST_HANDLED = 4000
"""Handlers from when the weather is calm until every slot rests: far above what any needs."""
_LOGGER = logging.getLogger("greenlight")


@dataclass
class Result:
    """What a seed came to."""

    seed: int
    problems: list[str]
    handled: int
    deaths: int
    trace: list[str] = field(default_factory=list)


class _Told(logging.Handler):
    """The product's own log goes into the trace: one line per decision."""

    def __init__(self, host: Weather) -> None:
        super().__init__()
        self._host = host

    def emit(self, record: logging.LogRecord) -> None:
        self._host.note(f"    {record.getMessage()}")


def run(seed: int, *, steps: int = STEPS, trace: bool = False) -> Result:
    """The same seed does the same thing, every time."""
    chance = Random(seed)
    rollouts = Random(f"rollouts of {seed}")
    place = Place(with_rollout(pipeline_of(chance), rollouts))
    host = Weather(place, chance)
    scenario = Scenario(host, chance, rollouts)
    if trace:
        host.trace = [f"pipeline {place.pipeline}", f"deeds {host.deeds}", f"mishaps {host.mishaps}"]
    level, told = _LOGGER.level, _Told(host)
    _LOGGER.setLevel(logging.INFO if trace else logging.CRITICAL + 1)
    if trace:
        _LOGGER.addHandler(told)
    try:
        _bad_weather(host, scenario, steps)
        problems = [*_rests(host, scenario), *_ends(host, scenario)]
    finally:
        host.close()
        _LOGGER.setLevel(level)
        _LOGGER.removeHandler(told)
    return Result(
        seed, [*host.problems, *host.guards.problems, *problems], host.handled, host.deaths, host.trace or []
    )


def _bad_weather(host: Weather, scenario: Scenario, steps: int) -> None:
    until = host.place.clock.now() + scenario.length
    for _ in range(steps):
        if host.agenda[0].at > until:
            break
        host.step()
        scenario.looks()
    host.calm = True
    host.note("the weather is calm from here on")


def _rests(host: Weather, scenario: Scenario) -> Iterator[str]:
    """With faults stopped, every open slot comes to rest, or asks a human, in a bounded number of wakes."""
    before = host.handled
    until = host.place.clock.now() + REST
    while host.agenda[0].at <= until and not host.at_rest():
        host.step()
        scenario.looks()
        if host.handled - before > MOST_HANDLED:
            yield f"no rest after {MOST_HANDLED} handlers in calm weather"
            return
    host.run_for(LISTED)
    host.leap(timedelta(days=8))  # requests that nobody answered expire
    host.run(REST)
    place, ledger = host.place, host.place.ledger()
    for key in ledger.slot_keys(limit=100)[0]:
        loaded = ledger.slot_row(key)
        if key in scenario.meddled or _asks(place, key):
            continue
        if loaded is not None and not loaded.state.slot.idle:
            yield f"{key} is not at rest: {loaded.state.slot}"


def _ends(host: Weather, scenario: Scenario) -> Iterator[str]:
    """Every registration has one end, and it is the one it deserves; what is recorded is what serves."""
    place = host.place
    for key in place.ledger().slot_keys(limit=100)[0]:
        yield from (f"{key}: journal: {p}" for p in journal_problems(place, key))
        if _asks(place, key):
            continue
        if key in scenario.meddled or SlotKey(key.model, ENVIRONMENTS[0]) in scenario.meddled:
            continue
        promotions = place.ledger().promotions(key, limit=1000)
        yield from _serving(place, key)
        for p in promotions:
            yield from _deserved(place, key, p, scenario.kinds[key.model, p.registration.version])
        versions = [p.registration.version for p in promotions]
        if len(set(versions)) < len(versions):
            yield f"{key}: promoted more than once: {versions}"
        if key.env == ENVIRONMENTS[0]:
            missing = {v.version for v in scenario.versions if v.model == key.model} - set(versions)
            if missing:
                yield f"{key}: never accepted: {missing}"
        live = [p for p in promotions if p.verdict is Verdict.LIVE]
        newest = max(live, key=lambda p: int(p.registration.version), default=None)
        loaded = place.ledger().slot_row(key)
        serving = loaded.state.slot.serving if loaded else None
        if newest and (serving is None or serving.version != newest.registration.version):
            yield f"{key}: serves {serving and serving.version}, newest live {newest.registration.version}"


def _asks(place: Place, key: SlotKey) -> bool:
    """A first deployment that sickened holds the slot and asks: there is nothing to go back to."""
    loaded = place.ledger().load(key)
    mover = loaded.state.promotions.get(loaded.state.slot.mover or 0) if loaded else None
    return mover is not None and "nothing served before" in mover.trouble


def _serving(place: Place, key: SlotKey) -> Iterator[str]:
    loaded, endpoint = place.ledger().slot_row(key), endpoint_of(place, key)
    serving = loaded.state.slot.serving if loaded else None
    wanted = {serving.deployment: 100} if serving else {}
    traffic = dict(endpoint.traffic) if endpoint else {}
    if traffic != wanted:
        yield f"{key}: {wanted} is recorded, {traffic} serves"


def _deserved(place: Place, key: SlotKey, p: Promotion, kind: str) -> Iterator[str]:
    """A fault never ends a promotion: only what it is does, or people do."""
    allowed = {Verdict.LIVE, Verdict.SUPERSEDED, Verdict.UNCHANGED}
    if key.env != ENVIRONMENTS[0]:
        allowed |= {Verdict.REJECTED, Verdict.EXPIRED}
    if p.reason is Reason.LAPSED:  # where they queue, each that goes live takes the ground from the next
        allowed |= {Verdict.ERRORED}
    if kind == FADING and key.env != ENVIRONMENTS[0] and p.reason is Reason.UNHEALTHY:
        allowed |= {Verdict.ROLLED_BACK}
    reasons = {POOR: Reason.GATE, SICK: Reason.PROBE, BROKEN: Reason.DEPLOY}
    bad = p.verdict is Verdict.FAILED and p.reason is reasons.get(kind)
    bad = bad or (kind == BROKEN and p.reason is Reason.GAVE_UP)  # it may hang for hours
    in_qa = kind == POOR or key.env != ENVIRONMENTS[0]
    if p.verdict not in allowed and not (bad and in_qa):
        yield f"{key}: #{p.n}, a {kind} one, ended {p.verdict}: {p.reason}: {p.sentence}"
    fades = kind == FADING and key.env == ENVIRONMENTS[0]
    if p.verdict is Verdict.LIVE and kind not in (GOOD, SAME) and in_qa and not fades:
        yield f"{key}: #{p.n}, a {kind} one, went live"
    if p.verdict is Verdict.REJECTED:
        request = place.ledger().request(key, p.n, p.asks)
        votes = place.ledger().votes(key, p.n, p.asks)
        state = request and tally(request, votes, place.clock.now(), author=p.registration.author)
        if state is not RequestState.REFUSED:
            yield f"{key}: #{p.n} ended Rejected; its votes say {state}"
