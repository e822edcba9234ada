"""Requests lost while a new version replaces the old one under steady load."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.report import table
from bench.running import running
from local.appsettings import ROOT
from local.demo.load import CLIENTS, PER_SECOND, Load
from tests.cloud.story import Story

TITLE = "Requests lost during a swap"
ABOUT = f"""\
Steady load on the qa endpoint ({PER_SECOND:.0f} requests a second from {CLIENTS} clients, in a process of its
own) from before v2 is registered until v1's deployment is gone. Lost is whatever is not an answer 200 with
predictions.

"""


def run() -> str:
    with running() as it:
        model = "titanic-swap"
        story = Story(it.inside, it.models, model)
        story.play_first()
        endpoint = f"{model}-qa"
        key = it.inside.workspace("qa").scoring_key(endpoint)
        with (
            tempfile.TemporaryDirectory() as folder,
            Load(it.cloud.config, endpoint, key, body(folder)) as load,
        ):
            story.play_second()
        counts = load.counts
    rows = [
        ["requests", counts.sent, ""],
        ["lost", counts.failed, "0"],
        ["p95 of all answers", f"{counts.p95_ms:.0f} ms", ""],
        *([f"answered by {name}", count, ""] for name, count in sorted(counts.by_deployment.items())),
    ]
    return ABOUT + table(["what", "measured", "budget"], rows)


def body(folder: str) -> Path:
    copy = Path(folder) / "request.json"
    copy.write_bytes((ROOT / "ml" / "sample-request.json").read_bytes())
    return copy
