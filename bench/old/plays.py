"""One fault played twice: by the old script, and by Greenlight. Whoever is asked for approval gives it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

from bench.old.pipeline import LOST, Run, take_turns
from bench.old.scene import MODEL, Killed, Moment, Scene
from orchestrator.approval import Decision
from orchestrator.model import Promotion
from shared.model_uri import ModelUri
from tests.engine.town import ANA, DEV, QA, Town

AFTERWARDS = 3 * 3600.0
"""Until every operation of the platform has ended."""
ASKS = 3
A_DAY = 25 * 3600.0
"""Until nothing is kept warm any more."""
KILLS = {Moment.CREATED: "create_deployment", Moment.TAGGED: "write_traffic"}
"""The outside call of Greenlight, in qa, that corresponds to the script's step."""


def play_script(scene: Scene) -> list[Run]:
    """The old script's runs, in the order in which they were started."""
    fault = scene.fault
    if not fault.first:
        _pipeline(scene, Run(scene, "1", 0.85))
    scene.arm()
    scene.reach(Moment.START)
    runs = [Run(scene, version, fault.quality) for version in (fault.version, *fault.together)]
    _pipeline(scene, *runs)
    if fault.rerun:
        take_turns(scene.town.clock, *((0.0, run.qa_stage()) for run in runs if run.qa == [LOST]))
    for version in fault.later:
        runs.append(Run(scene, version, fault.quality))
        _pipeline(scene, runs[-1])
    _later(scene)
    return runs


def _pipeline(scene: Scene, *runs: Run) -> None:
    clock = scene.town.clock
    take_turns(clock, *((scene.fault.apart * n, run.dev_stage()) for n, run in enumerate(runs)))
    asked = [run for run in runs if run.new]
    if asked:
        scene.reach(Moment.ASKED)
    scene.approved |= {run.version for run in asked}  # what people were shown: a run, and what it trained
    take_turns(clock, *((scene.fault.apart * n, run.qa_stage()) for n, run in enumerate(asked)))


def play_greenlight(scene: Scene) -> list[Promotion]:
    """Greenlight's promotions since the fault, dev's first, in the order in which they were opened."""
    fault = scene.fault
    if not fault.first:
        scene.register("1", 0.85)
        _promote(scene)
    scene.arm()
    known = _promotions(scene.town)
    scene.reach(Moment.START)
    for version in (fault.version, *fault.together):
        scene.register(version, fault.quality)
    scene.reach(Moment.TRAINED)
    scene.reach(Moment.LISTED)
    _promote(scene)
    for version in fault.later:
        scene.register(version, fault.quality)
        _promote(scene)
    _later(scene)
    _rest(scene.town)
    seen = {(p.env, p.n) for p in known}
    return [p for p in _promotions(scene.town) if (p.env, p.n) not in seen]


def _promote(scene: Scene) -> None:
    """The platform tells of what was registered; people approve what they are asked about."""
    while scene.announced:
        scene.town.announce(scene.announced.pop(0))
    _rest(scene.town)
    for _ in range(ASKS):
        waiting = [p for p in _promotions(scene.town) if p.env == "qa" and p.open and p.asks]
        if not waiting:
            return
        _approve(scene, waiting)
        _rest(scene.town)


def _approve(scene: Scene, waiting: list[Promotion]) -> None:
    town = scene.town
    scene.reach(Moment.ASKED)
    for p in waiting:
        request = town.app.ledger.request(QA, p.n, p.asks)
        assert request is not None
        town.app.intake.vote(
            QA, p.n, p.asks, principal=ANA, decision=Decision.APPROVE, comment="", hash=request.hash,
            channel="page",
        )  # fmt: skip
        scene.approved.add(p.registration.version)
        scene.spoil = lambda p=p: _spoil_copy(town, p)
    for moment in (Moment.COPIED, Moment.APPROVED, Moment.CREATED, Moment.TAGGED):
        scene.reach(moment)
    if scene.fault.dies is not None and scene.armed:
        call = KILLS[scene.fault.dies]
        town.qa.faults.fail(call, cast("Any", Killed()), after_effect=True)
        scene.armed = False


def _rest(town: Town) -> None:
    """Wakes, and the sweep every minute, as the platform would go on; a killed worker leaves it to them."""
    for _ in range(8):
        with suppress(Killed):
            town.settle()
        with suppress(Killed):
            town.sweep()


def _later(scene: Scene) -> None:
    scene.town.clock.advance(AFTERWARDS)
    scene.reach(Moment.LATER)
    scene.town.clock.advance(A_DAY)


def _promotions(town: Town) -> list[Promotion]:
    found: list[Promotion] = []
    for key in (DEV, QA):
        loaded = town.app.ledger.load(key)
        for n in range(1, loaded.state.slot.next_n if loaded else 1):
            found += [p] if (p := town.app.ledger.promotion(key, n)) else []
    return found


def _spoil_copy(town: Town, p: Promotion) -> str:
    """Somebody with rights on the storage account alters the frozen copy."""
    store = town.qa.datastores["greenlight_frozen"]
    place = ModelUri.parse(p.frozen, town.qa.id)
    frozen = town.blobs.container(store.account, store.container)
    name = max(blob.name for blob in frozen.list(f"{place.path}/"))
    frozen.write(name, town.blobs.stored[store.account, store.container, name].data[:3])
    return f"{MODEL}: {name}"
