"""Every write of every story, delivered late: unsafe ends, and how long traffic was not what is recorded."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor

from bench.report import table
from simulation import kills
from simulation.belated import EXPECTED, When
from simulation.late import TOLD, sweep
from simulation.stories import STORIES

TITLE = "Late calls"
SUPERSEDED = (When.NEWER, When.ROLLED_BACK, When.ORDERED)
PHASES = (0.0, 60.0, 120.0, 180.0, 240.0)
ABOUT = f"""\
In memory, on a virtual clock: the worker of a write to Azure ML dies, or stops waiting; a successor goes on;
the write takes effect {EXPECTED:.0f} s later (lease + deadline + skew), after the successor's repeat,
after the promotion has ended, after a newer version went live, after an abort put back what it had changed,
after an operator's rollback of what it made live, or after an operator retired the slot. Where a deployment
is kept warm, those that something newer superseded are delivered at several moments between two looks, too.
"Taken on": the platform did not refuse the call. "People asked": runs at whose end somebody has to decide.
"Astray": the longest time for which traffic was not what the slot records.

"""


STALLED = """\

A worker that stalls for 65 s before a write to a table, a queue, a workspace, a channel or a blob, and makes
it all the same; and such a write that takes effect 65 s later, its worker without an answer. Ends are
compared with those of the undisturbed story, as for kill points. "Other ends": the slot was at rest when the
call came, and shows it at its next look, or asks a person; judged then as the late calls above.

"""


def run() -> str:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        late = [_told(row) for row in pool.map(_late, range(len(TOLD)))]
        stalled = [_told(row) for row in pool.map(_stalled, range(len(STORIES)))]
    head = ["story", "late calls", "taken on", "people asked", "unsafe ends", "astray"]
    held_up = table(["story", "writes", "other ends", "unsafe ends"], stalled)
    return f"{ABOUT}{table(head, late)}\n{STALLED}{held_up}"


def _told(row: tuple[list[object], list[str]]) -> list[object]:
    print(*row[0], *row[1], sep="\n  ", flush=True)
    return row[0]


def _late(number: int) -> tuple[list[object], list[str]]:
    story = TOLD[number]
    found = [sweep(story)]
    if story.name.endswith("kept warm"):
        found.append(sweep(story, whens=SUPERSEDED, deaths=(False,), phases=PHASES))
    unsafe = [p for f in found for p in f.problems]
    astray = max((s for f in found for s in f.strays), default=0.0)
    sums = [sum(f.runs for f in found), sum(f.taken for f in found), sum(f.asked for f in found)]
    return [story.name, *sums, len(unsafe), f"{astray:.0f} s"], unsafe


def _stalled(number: int) -> tuple[list[object], list[str]]:
    swept = kills.sweep(STORIES[number], hows=kills.UNFENCED, reads=False)
    return [swept.story, swept.runs, swept.others, len(swept.problems)], swept.problems
