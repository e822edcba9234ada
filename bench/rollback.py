"""From a canary's first bad answer to all traffic back at stable: how long, and with how many writes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx

from bench.report import percentiles, table
from bench.running import running
from bench.swaps import load_on
from local import faults
from local.demo.load import MARK, PER_SECOND
from orchestrator.model import Verdict
from tests.cloud.story import Story
from tests.running import eventually

if TYPE_CHECKING:
    from bench.running import Running

TITLE = "A canary that sickens"
MODEL, ENDPOINT = "titanic-canary-r", "titanic-canary-r-qa"
TIMES = 5
PACE = 10.0
HEALTHY_AT_FIRST = 20
"""Live requests answered well, at the first step; every probe and copy is."""
ABOUT = f"""\
{TIMES} versions in a row, each approved in qa as a canary (copies of 20 %, then 10, 50, 100 %) under
{PER_SECOND:.0f} requests a second; each answers 500 after its first {HEALTHY_AT_FIRST} live requests. Time
runs {PACE:g} times as fast as written, the minutes of the metrics too: one is {60 / PACE:g} s here, and can
be read one later. From the first bad answer to a live request to the last one, as the router logged them;
writes are the PUTs on the endpoint after the first. Whose first bad answer comes just before a raise has the
next step's, too.

"""


class _Sick(Story):
    """Versions after the first one sicken."""

    def sicken(self, version: str) -> dict[str, Any]:
        self.ask(version)
        self.vote_through_the_api(version)
        self.end(version, Verdict.ROLLED_BACK)
        found = self.api.promotion(self.model, "qa", version)
        assert found is not None
        return found


def run() -> str:
    rows: list[list[object]] = []
    with running(pace=PACE) as it:
        story = _Sick(it.inside, it.models, MODEL)
        story.play_first()
        with load_on(it, "qa", ENDPOINT) as load, story.talking():
            for n in range(2, TIMES + 2):
                rows.append(_once(it, story, str(n)))
                print(*rows[-1], sep=" | ", flush=True)
            after = load.counts.sent + PER_SECOND
            eventually(lambda: load.counts.sent >= after, 60.0, "a last second of load")
            counts = load.stop()
    seconds = [float(str(row[2])) for row in rows]
    median, _ = percentiles(seconds)
    minutes = f"{median / 60 * PACE:.1f} minutes of written time"
    summary = f"Median {median:.1f} s ({minutes}), worst {max(seconds):.1f} s; "
    lost = f"{counts.failed} of {counts.sent} requests of the whole run failed.\n\n"
    header = ["version", "bad answers", "seconds", "traffic writes", "verdict"]
    return ABOUT + summary + lost + table(header, rows)


def _once(it: Running, story: _Sick, version: str) -> list[object]:
    rule = {
        "on": "score", "workspace": "qa", "model": MODEL, "version": version,
        "status": 500, "live": True, "after": HEALTHY_AT_FIRST,
    }  # fmt: skip
    lifted = faults.add(it.cloud.config, rule)
    try:
        found = story.sicken(version)
    finally:
        faults.remove(it.cloud.config, lifted)
    bad = eventually(lambda: _bad(it, found["candidate"]), 30.0, "bad answers in the router's log")
    seconds = (bad[-1] - bad[0]).total_seconds()
    return [
        f"v{version}",
        len(bad),
        f"{seconds:.1f}",
        _writes(it, bad[0]),
        found["sentence"].replace("|", " "),
    ]


def _bad(it: Running, candidate: str) -> list[datetime]:
    lines = (it.cloud.config.home / "logs" / "router-access.log").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    return [
        datetime.fromisoformat(e["time"])
        for e in entries
        if e.get("deployment") == candidate and e["status"] != httpx.codes.OK and _live(e)
    ]


def _live(entry: dict[str, Any]) -> bool:
    """A request of the load, and no copy of one."""
    return str(entry.get("client_request_id")).startswith(MARK) and not entry["mirror"]


def _writes(it: Running, since: datetime) -> int:
    base = f"https://127.0.0.1:{it.cloud.config.port('arm')}"
    with httpx.Client(trust_env=False, verify=str(it.cloud.config.ca_cert)) as http:
        calls = http.get(f"{base}/-/calls").json()
    path = f"/onlineendpoints/{ENDPOINT}"
    return sum(
        c["method"] == "PUT" and c["path"].lower().endswith(path) and c["at"] >= since.timestamp()
        for c in calls
    )
