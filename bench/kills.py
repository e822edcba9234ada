"""kill -9 of the functions host at ten seeded moments of the promotion story, and the world it ends in."""

from __future__ import annotations

from bench.report import percentiles, table
from bench.running import running
from tests.cloud.conftest import SETTINGS
from tests.cloud.killing import Kill
from tests.cloud.outcome import problems
from tests.cloud.story import Story

TITLE = "Kills"
SEEDS = range(101, 111)
ABOUT = """\
The promotion story (two versions, dev and qa, both kinds of vote) with the functions host killed at a seeded
moment and restarted by its supervisor; then the final world is compared with the undisturbed one: serving
digests, deployments, traffic, ends, registrations, journals, at most one repeated notice. Leases are short
(3 s + 2 s + 2 s).

"""


def run() -> str:
    rows: list[list[object]] = []
    took: list[float] = []
    with running(pace=60.0, settings=SETTINGS) as it:
        for seed in SEEDS:
            story = Story(it.inside, it.models, f"titanic-s{seed}")
            kill = Kill(it.cloud, seed)
            story.play(kill)
            wrong = problems(story, kills=1)
            took.append(sum(story.took.values()))
            rows.append(
                [
                    seed,
                    str(kill).replace("|", " ")[:110],
                    f"{took[-1]:.0f} s",
                    "; ".join(wrong) or "as undisturbed",
                ]
            )
            print(*rows[-1], flush=True)
    unsafe = sum(row[-1] != "as undisturbed" for row in rows)
    median, worst = percentiles(took)[0], max(took)
    times = f"the story took {median:.0f} s (median), {worst:.0f} s (worst)"
    return f"{ABOUT}{len(rows)} kills, {unsafe} unsafe ends; {times}.\n\n" + table(
        ["seed", "killed", "story", "final world"], rows
    )
