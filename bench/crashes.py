"""Every kill point of every story, in memory: ends compared with the undisturbed one, and wakes to rest."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from statistics import median

from bench.report import table
from simulation.kills import ENDINGS, Swept, sweep
from simulation.stories import STORIES

TITLE = "Kill points"
ABOUT = """\
At every call that leaves the process, the process is killed before it or after it, also with the wake
lost that it was handling, or the answer of the call is lost (`simulation/kills.py`, in memory, virtual
clock). Points between which nothing outside changes leave the same world: each is counted, one is run.
Then the world is compared with the undisturbed one: what serves, traffic, deployments, ends,
registrations, journals, at most one repeated notice. *Handlers to rest* are those (wakes, sweeps,
events, votes) beyond the ones of the undisturbed run, until everything rests again.

"""


def run() -> str:
    began, rows, beyond = time.monotonic(), list[list[object]](), list[int]()
    points = runs = unsafe = 0
    for swept in _swept():
        points, runs, unsafe = points + swept.points, runs + swept.runs, unsafe + len(swept.problems)
        beyond += swept.wakes
        rows.append(_row(swept.story, swept.points, swept.runs, len(swept.problems), swept.wakes))
        print(*rows[-1], *swept.problems[:3], flush=True)
    rows.append(_row("all", points, runs, unsafe, beyond))
    head = ["story", "kill points", "worlds run", "unsafe ends", "handlers to rest, median", "worst"]
    took = f"In {time.monotonic() - began:.0f} s, on a machine that did other work too."
    return f"{ABOUT}{table(head, rows)}\n\n{took}"


def _swept() -> Iterator[Swept]:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(_sweep, range(len(STORIES)))


def _sweep(number: int) -> Swept:
    return sweep(STORIES[number], hows=ENDINGS)


def _row(story: str, points: int, runs: int, unsafe: int, wakes: list[int]) -> list[object]:
    return [story, f"{points:,}", f"{runs:,}", unsafe, f"{median(wakes):g}", max(wakes)]
