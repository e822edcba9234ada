"""Every write of every story, delivered late: unsafe ends, and how long traffic was not what is recorded."""

from __future__ import annotations

from bench.report import table
from simulation.belated import EXPECTED, When
from simulation.late import TOLD, sweep

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


def run() -> str:
    rows: list[list[object]] = []
    for story in TOLD:
        found = [sweep(story)]
        if story.name.endswith("kept warm"):
            found.append(sweep(story, whens=SUPERSEDED, deaths=(False,), phases=PHASES))
        unsafe = [p for f in found for p in f.problems]
        astray = max((s for f in found for s in f.strays), default=0.0)
        sums = [sum(f.runs for f in found), sum(f.taken for f in found), sum(f.asked for f in found)]
        rows.append([story.name, *sums, len(unsafe), f"{astray:.0f} s"])
        print(*rows[-1], *unsafe, sep="\n  ", flush=True)
    return ABOUT + table(["story", "late calls", "taken on", "people asked", "unsafe ends", "astray"], rows)
