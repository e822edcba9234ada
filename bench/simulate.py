"""Ten thousand seeds of the simulation, and every schedule of two workers."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.report import table
from simulation import races
from simulation.cli import remember, results
from simulation.stories import STORIES

TITLE = "Simulation"
SEEDS = range(10_000)
BATCH = 500
TIME = "GREENLIGHT_BENCH_SECONDS"
"""Environment variable: nothing new begins later than that, and the section says what was left out."""
REGRESSIONS = Path(__file__).parents[1] / "tests" / "simulation" / "regressions.txt"
ABOUT = """\
`greenlight simulate`: the real core and engine over the in-memory twins, with a virtual clock. Each seed
draws one or two models, one to four registrations each, people, operators, hands at the endpoint, and its own
weather: processes killed before and after calls, stalls, slow and lost answers, late effects, conflicts,
409/429/5xx, messages and events dropped, repeated and late. Guards judge every write (S1-S5, S8); at the end
every registration must have come to the end it deserves, what serves must be what is recorded, and every
journal must be whole. A seed that does not joins `tests/simulation/regressions.txt`, which `make test` runs.

"""


def run() -> str:
    began, handled, deaths, done, unsafe = time.monotonic(), 0, 0, 0, list[int]()
    while done < len(SEEDS) and not _over(began):
        for result in results(SEEDS[done : done + BATCH], os.cpu_count() or 1):
            handled, deaths, done = handled + result.handled, deaths + result.deaths, done + 1
            if result.problems:
                unsafe.append(result.seed)
                print(f"seed {result.seed}: {result.problems}", flush=True)
        print(f"{done:,} seeds, {len(unsafe)} unsafe, {time.monotonic() - began:.0f} s", flush=True)
    remember(REGRESSIONS, unsafe)
    minutes = (time.monotonic() - began) / 60
    rows: list[list[object]] = [
        ["seeds", f"{done:,} of {len(SEEDS):,} in {minutes:.1f} min"],
        ["messages handled", f"{handled:,}"],
        ["processes killed", f"{deaths:,}"],
        ["unsafe ends", len(unsafe)],
    ]
    return ABOUT + table(["", "found"], rows) + "\n\n" + _schedules(began)


def _over(began: float) -> bool:
    return time.monotonic() - began > float(os.environ.get(TIME, "inf"))


def _schedules(began: float) -> str:
    rows: list[list[object]] = []
    for story in STORIES:
        if _over(began):
            rows.append([story.name, "not run, for want of time", ""])
            continue
        swept = races.sweep(story)
        rows.append([story.name, f"{swept.runs:,}", len(swept.problems)])
        print(*rows[-1], flush=True)
    return "Two workers on every wake of every story, every schedule with up to three switches:\n\n" + table(
        ["story", "schedules", "unsafe ends"], rows
    )
