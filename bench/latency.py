"""How long people and machines wait for Greenlight itself: read off the journals of real promotions."""

from __future__ import annotations

from datetime import datetime

from bench.report import percentiles, table
from bench.running import Running, running
from orchestrator.model import SlotKey
from tests.cloud.story import Story

TITLE = "Latency"
PROMOTIONS = 20
ABOUT = f"""\
{PROMOTIONS} models, one after the other, each from registration to live in qa, on the whole local cloud;
times are those of the journals. The first one finds a host that has just started. Queues are polled once a
second (host.json), so about a second is the floor; Azure ML's own operations, which take minutes in Azure,
are only in the rows that say so.

"""


def run() -> str:
    with running() as it:
        waits = [promoted(it, f"titanic-l{number}") for number in range(PROMOTIONS)]
    rows = [
        [what, *(f"{seconds:.2f} s" for seconds in (*percentiles(found), max(found))), budget]
        for what, budget in WHAT
        for found in [[wait[what] for wait in waits]]
    ]
    return ABOUT + table(["from → to", "p50", "p95", "worst", "budget"], rows)


WHAT = (
    ("event accepted → its promotion opened", "p95 ≤ polling interval + 0.2 s"),
    ("event accepted → approval request sent (dev deployment between)", ""),
    ("vote accepted → next action decided", "p95 ≤ polling interval + 0.2 s"),
    ("vote accepted → live in qa (deployment, probe, traffic between)", ""),
)


def promoted(it: Running, model: str) -> dict[str, float]:
    story = Story(it.inside, it.models, model)
    story.play_first()
    dev, qa = (moments(it, SlotKey(model, env)) for env in ("dev", "qa"))
    spans = (
        (dev["fact.registered"], dev["promotion.opened"]),
        (dev["fact.registered"], qa["notify.done"]),
        (qa["vote.approve"], qa["slot.taken"]),
        (qa["vote.approve"], qa["promotion.ended"]),
    )
    return {what: (end - start).total_seconds() for (what, _), (start, end) in zip(WHAT, spans, strict=True)}


def moments(it: Running, key: SlotKey) -> dict[str, datetime]:
    """First journal row of each kind. A notice is sent when its last channel has it."""
    first: dict[str, datetime] = {}
    for row in it.inside.app.ledger.journal(key, limit=200):
        if row.entry.what not in first or row.entry.what == "notify.done":
            first[row.entry.what] = row.entry.at
    return first
