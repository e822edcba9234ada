"""The old CI script beside Greenlight: every fault of its lessons injected into both, the ends side by side.

`python -m bench.old_script` prints the page; with `--write` it renews docs/old-script.md. Not a cell of the
table is written by hand: each one is read off the twins after the play.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.old.ends import End, end_of_greenlight, end_of_script
from bench.old.faults import FAULTS
from bench.old.plays import play_greenlight, play_script
from bench.old.scene import Fault, Scene

PAGE = Path(__file__).parents[1] / "docs" / "old-script.md"

PROSE = """\
# The old script beside Greenlight

<!-- Made by `python -m bench.old_script --write`. A test makes it again and compares. -->

Greenlight replaces a published CI pipeline: a dev and a qa stage whose shell steps call `az ml`. This page
does the faults that are known of it, and of the platform, to both, and puts the ends side by side.

**How it is made.** `bench/old/` holds a model of the script, written by us: each of its `az ml` calls in
order, `set -e` in dev and none in qa, `exit 0` after a first deployment, `@latest` in the deployment files,
the tag written before the traffic, the qa stage's own condition, the 60 minutes of a hosted agent, the
retries of `az` (5xx and no answer three times, 409 never). It runs over the same in-memory twins of Azure ML,
storage and scoring as Greenlight's whole engine does on the other side. A fault is done to the twins at the
same moment of the story; whoever is asked for approval gives it. Version 1 (metric 0.85) serves before,
unless it is a first deployment; version 2 (0.86) comes. Every cell is read off the twins when all has come to
rest: the bytes of what serves against those that were registered, an answer to the sample request,
deployments without traffic, tags, open work. **What the model does not cover**: training, the programs `az`
and Azure DevOps themselves (exit codes and conditions follow their documentation; its test compares six ends
with those of the original script, run against a stub), approvers who look closer, cost, and weaknesses that
are a lack and not a fault.

*Untested*: went live without one good answer. *Broken*: the sample request brings no prediction. *Worse*: a
lower metric than what served before. *Not approved*: other bytes than those of the version that people were
asked about. *Hotfix undone*: traffic that a person had set is taken away. *Tag*: the script's only memory of
what serves. *Set aside by hand*: a person took its traffic, so nobody else touches it. **Bold**: a success
that is none, what should not serve, what somebody has to clean up.
"""

TITLE = "Faults done to the old script and to Greenlight"
HEAD = """\
| fault | from | old script: exit | serves | left behind | Greenlight: end | serves | left behind |
|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """One fault, and how either tool ended."""

    fault: Fault
    script: End
    greenlight: End


def rows(faults: Sequence[Fault] = FAULTS) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        for fault in faults:
            old, new = Scene.set(Path(folder), fault), Scene.set(Path(folder), fault)
            script = end_of_script(old, play_script(old))
            yield Row(fault, script, end_of_greenlight(new, play_greenlight(new)))


def page(found: Sequence[Row]) -> str:
    return f"{PROSE}\n{summary(found)}\n{table(found)}"


def summary(found: Sequence[Row]) -> str:
    """How often either tool ended badly, by kind."""
    kinds: tuple[tuple[str, Callable[[End], bool]], ...] = (
        ("something serves that should not", lambda end: end.flawed),
        ("success is shown, but what was approved does not serve well", lambda end: end.lies),
        ("something is left behind", lambda end: bool(end.left)),
    )
    lines = [f"Of {len(found)} plays, those in which … | old script | Greenlight", "--- | --- | ---"]
    for kind, bad in kinds:
        counts = [sum(map(bad, ends)) for ends in ([r.script for r in found], [r.greenlight for r in found])]
        lines.append(" | ".join([f"… {kind}", *map(str, counts)]))
    return "".join(f"| {line} |\n" for line in lines)


def table(found: Sequence[Row]) -> str:
    return HEAD + "".join(f"| {' | '.join(_cells(row))} |\n" for row in found)


def _cells(row: Row) -> list[str]:
    ends = [cell for end in (row.script, row.greenlight) for cell in end.cells()]
    return [row.fault.name, row.fault.lessons, *ends]


def played() -> list[Row]:
    """All of them. What the product logs meanwhile is what the faults are for."""
    logging.disable(logging.CRITICAL)
    try:
        return list(rows())
    finally:
        logging.disable(logging.NOTSET)


def run() -> str:
    found = played()
    print(table(found))
    return f"{summary(found)}\nEvery play: [the old script beside Greenlight](old-script.md).\n"


def main(arguments: Sequence[str]) -> None:
    text = page(played())
    if "--write" in arguments:
        PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
