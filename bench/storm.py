"""An event storm over 200 models, and the same registrations announced in order."""

from __future__ import annotations

import time

from bench.report import table
from simulation.outcome import journal_problems
from simulation.storm import Day, Passed, Size, faults, in_order, registered, stormy

TITLE = "Event storm"
SEED = 1
ABOUT = """\
Every model serves a first version in dev and qa. While the product is down, 25 more versions of each
are registered, a tenth of which fail the gate; when it is back, the two events of each (of the model
and its run) come within ten minutes, shuffled, a quarter of them twice; 5 % of all deliveries never
come. An approver answers what is asked meanwhile: of every four models, one always yes, one always no,
one yes to the newest only, one never. Beside it, the same registrations with each event once and in
order. In memory: the real core and engine over the twins. Real times were taken on a machine that did
other work too.

"""


def run() -> str:
    size = Size()
    day, took = registered(size, SEED), list[float]()
    passes: list[Passed] = []
    for one_pass in (stormy, in_order):
        began = time.monotonic()
        passes.append(one_pass(day, SEED))
        took.append(time.monotonic() - began)
        print(f"{one_pass.__name__}: {took[-1]:.0f} s", flush=True)
    storm, ordered = passes
    first, second = storm.serving(), ordered.serving()
    differing = sum(first.get(slot) != second.get(slot) for slot in first.keys() | second.keys())
    rows = [_row("events", passes, lambda p: f"{p.events:,}")]
    rows += [
        _row("of them sent twice", passes, lambda p: f"{p.repeats:,}"),
        _row("deliveries lost", passes, lambda p: f"{p.lost:,}"),
        _row("registrations accepted by their event", passes, lambda p: f"{p.accepted()['event']:,}"),
        _row("accepted by healing", passes, lambda p: f"{p.accepted()['seen']:,}"),
        _row("votes", passes, lambda p: f"{p.handled['vote']:,}"),
        _row("wakes handled", passes, lambda p: f"{p.handled['wakes']:,}"),
        _row("virtual time to rest", passes, lambda p: f"{p.took.total_seconds() / 60:.0f} min"),
        ["real time", *(f"{seconds:.0f} s" for seconds in took)],
        _row("wrong ends (serving, accepted not once, unfinished)", passes, lambda p: _wrong(day, p)),
        _row("journals that are not whole", passes, _broken),
    ]
    said = f"{len(first)} slots; {differing} serve another registration than after the ordered pass.\n\n"
    return ABOUT + said + table([f"{size.models} models", "storm", "in order"], rows)


def _row(what: str, passes: list[Passed], told: object) -> list[object]:
    assert callable(told)
    return [what, *(told(one) for one in passes)]


def _wrong(day: Day, passed: Passed) -> int:
    found = list(faults(day, passed))
    print(*found[:10], sep="\n", flush=True)
    return len(found)


def _broken(passed: Passed) -> int:
    keys, _ = passed.place.ledger().slot_keys(limit=10_000)
    return sum(bool(journal_problems(passed.place, key)) for key in keys)
