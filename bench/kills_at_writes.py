"""kill -9 of the functions host at each outside write of the promotion story, on both sides of it."""

from __future__ import annotations

import os
import time

from bench.report import percentiles, table
from bench.running import Running, running
from tests.cloud.conftest import SETTINGS
from tests.cloud.moments import BLUE_GREEN, FIRST_DEPLOYMENT, KillAt, Write
from tests.cloud.outcome import problems
from tests.cloud.story import Story

TITLE = "Kills at writes"
STORIES = {"first deployment": FIRST_DEPLOYMENT, "blue/green": BLUE_GREEN}
SIDES = ("after", "before")
POINTS = [(story, write, side) for side in SIDES for story, writes in STORIES.items() for write in writes]
TIME = "GREENLIGHT_BENCH_SECONDS"
"""Environment variable: no kill begins later than that, and the section says what was left out."""
ENOUGH = "1800"
WELL = "as undisturbed"
ABOUT = """\
The promotion story (v1 is the first deployment, v2 replaces it blue/green) with the functions host killed
while one of its writes to qa's workspace or to Teams is in flight: *before* it is executed, and *after*, with
the answer not yet out. The service that gets the write holds it until the host is dead. The supervisor starts
the host again, the story goes on, and the final world is compared with the undisturbed one: serving digests,
deployments, traffic, ends, registrations, journals, no dead letter, at most one repeated card or message.
Leases are short (3 s + 2 s + 2 s).

Not in this sweep: the queue send, writes to tables, and writes to dev's workspace (seeded kills may
meet some of them), nor the stories of rejection, rollback and supersede (swept in memory only). That a
repeated card is marked as one is checked in memory.

"""


def run() -> str:
    rows: list[list[str]] = []
    took: list[float] = []
    until = time.monotonic() + float(os.environ.get(TIME, ENOUGH))
    with running(pace=60.0, settings=SETTINGS) as it:
        for n, (story, write, side) in enumerate(POINTS):
            if time.monotonic() > until:
                break
            seconds, end = _kill(it, write, side, f"titanic-w{n}")
            took.append(seconds)
            rows.append([story, side, write.name, f"{seconds:.0f} s", end])
            print(*rows[-1], sep=" | ", flush=True)
    if not rows:
        return f"{ABOUT}No kill was begun in the time given ({TIME})."
    bad = sum(row[-1] != WELL for row in rows)
    median, worst = percentiles(took)[0], max(took)
    times = f"the story took {median:.0f} s (median), {worst:.0f} s (worst)"
    count = f"{len(rows)} of {len(POINTS)} kills, {bad} ends unlike the undisturbed one; {times}."
    header = ["story", "killed", "write", "story took", "final world"]
    return f"{ABOUT}{count}{_left_out(len(rows))}\n\n{table(header, rows)}"


def _left_out(begun: int) -> str:
    left = ", ".join(f"{side} *{write.name}*" for _, write, side in POINTS[begun:])
    return f" **Not swept in this run**, for want of time: {left}." if left else ""


def _kill(it: Running, write: Write, side: str, model: str) -> tuple[float, str]:
    story = Story(it.inside, it.models, model)
    kill = KillAt(it.cloud, story.hold(write, side))
    try:
        with kill:
            story.play()
        wrong = problems(story, kills=1)
    except AssertionError as error:
        wrong = [str(error).splitlines()[0]]
    if not kill.done:
        wrong.append("the write was never seen")
    return sum(story.took.values()), "; ".join(wrong).replace("|", " ") or WELL
