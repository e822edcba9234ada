"""kill -9 of the functions host at each outside write of five stories, on both sides of it."""

from __future__ import annotations

import os
import time

from bench.report import percentiles, table
from bench.running import Running, running
from tests.cloud.conftest import SETTINGS
from tests.cloud.moments import STORIES, KillAt, Told, Write
from tests.cloud.outcome import problems, told

TITLE = "Kills at writes"
SIDES = ("after", "before")
POINTS = [(of, write, side) for side in SIDES for of in STORIES for write in of.writes]
CLOUDFUL = 30
"""Kills in one cloud: each story has two endpoints, and a subscription has a hundred."""
TIME = "GREENLIGHT_BENCH_SECONDS"
"""Environment variable: no kill begins later than that, and the section says what was left out."""
ENOUGH = "3600"
WELL = "as undisturbed"
ABOUT = """\
Five stories against the local cloud: v1 is the first deployment and v2 replaces it blue/green; v2 is
rejected; v2 is a canary with traffic when an operator aborts it, and v1 gets all of it back; v3 supersedes
v2, which nobody answered for. In each the functions host is killed while one of its writes to qa's workspace
or to Teams is in flight: *before* it is executed, and *after*, with the answer not yet out. The service that
gets the write holds it until the host is dead. The supervisor starts the host again, the story goes on, and
the final world is compared with that of the undisturbed story: serving digests, deployments, traffic, ends,
registrations, journals, no dead letter, what people were told, each at most twice and the second marked as a
repeat. Leases are short (3 s + 2 s + 2 s).

Not in this sweep: the queue send, writes to tables, and writes to dev's workspace (seeded kills may meet some
of them; in memory all are swept).

"""


def run() -> str:
    rows: list[list[str]] = []
    took: list[float] = []
    until = time.monotonic() + float(os.environ.get(TIME, ENOUGH))
    for first in range(0, len(POINTS), CLOUDFUL):
        with running(pace=60.0, settings=SETTINGS) as it:
            undisturbed: dict[str, set[str]] = {}
            for n in range(first, min(first + CLOUDFUL, len(POINTS))):
                if time.monotonic() > until:
                    break
                of, write, side = POINTS[n]
                if of.name not in undisturbed:
                    undisturbed[of.name] = _undisturbed(it, of)
                seconds, end = _kill(it, of, write, side, n, undisturbed[of.name])
                took.append(seconds)
                rows.append([of.name, side, write.name, f"{seconds:.0f} s", end])
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
    left = ", ".join(f"{of.name}: {side} *{write.name}*" for of, write, side in POINTS[begun:])
    return f" **Not swept in this run**, for want of time: {left}." if left else ""


def _undisturbed(it: Running, of: Told) -> set[str]:
    """What people are told when nothing dies."""
    story = of.story(it.inside, it.models, f"{of.models}-{of.name.replace('/', '-').replace(' ', '-')}")
    story.play()
    wrong = problems(story)
    assert not wrong, wrong
    print(of.name, "undisturbed", f"{sum(story.took.values()):.0f} s", sep=" | ", flush=True)
    return told(story)


def _kill(it: Running, of: Told, write: Write, side: str, n: int, undisturbed: set[str]) -> tuple[float, str]:
    story = of.story(it.inside, it.models, f"{of.models}{n}")
    kill = KillAt(it.cloud, story.hold(write, side))
    try:
        story.play(kill)
        wrong = problems(story, kills=1)
        if different := told(story) ^ undisturbed:
            wrong.append(f"people were told otherwise: {sorted(different)}")
    except AssertionError as error:
        wrong = [str(error).splitlines()[0]]
    if not kill.done:
        wrong.append("the write was never seen")
    return sum(story.took.values()), "; ".join(wrong).replace("|", " ") or WELL
