"""The approval page: clicks, weight, server time; the largest card; every attack that is tried on it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bench.report import percentiles, table
from orchestrator.notices import ask_of
from orchestrator.web.http import WebResponse
from shared.notify.ask import Ask, GateRow, MetricRow, Voter
from shared.notify.cards import MAX_CARD, approval_card, size_of
from tests.edges.world import BASE, World

TITLE = "Approving on the review page"
TIMES = 300
LONG = "W" * 5000
ROOT = Path(__file__).parents[1]
ATTACKS = (
    "tests/edges/test_links.py",
    "tests/edges/test_identity.py",
    "tests/edges/test_personal_links.py",
    "tests/edges/test_review_refusals.py",
    "tests/edges/test_pages_safety.py",
    "tests/edges/test_api_votes.py",
    "tests/edges/test_browser_abuse.py",
    "tests/engine/test_channels_refused.py",
    "tests/engine/test_personal_channels.py",
)
PLAIN = frozenset(
    {
        "a link leads to the request it was made for",
        "a link of a rotated key still opens until the key is dropped",
        "the newest key signs",
        "both forms of claim names are understood",
        "role and name types are taken from the principal",
        "the same id in both forms is one person",
        "a personal link votes as the one it was sent to and page and journal say so",
        "a personal link is a vote in a browser that is nobody",
        "pages are labelled and titled",
        "static files are kept for ever under the address that pages use",
        "an outage parks a vote and it counts when it is over",
        "a vote is parked although the tables are down",
        "one that waited long for us goes back at its first failure",
        "an environment that names no such channel tells nobody there",
        "an empty address is a channel that is off",
    }
)
"""Tests of the same files that attack nothing: they are run, and not counted."""
ABOUT = f"""\
Clicks are counted by following the card: its one button, then the button on the page that it opens (a first
sign-in comes on top). Server time is that of the pages and of intake over in-memory tables, {TIMES} requests
each in one run: a first look and a first vote each time. The largest card is made of fields of {len(LONG)}
characters.

"""


def run() -> str:
    world = World()
    clicks, page = _followed(world)
    gets, posts = _timed(world)
    static = sum(_weight(world, path) for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page)[:2])
    cases, failed = _attacks()
    rows = [
        ["clicks from the card to the decision", clicks, "2"],
        ["page, without what is kept from the first visit on", f"{len(page.encode()) / 1000:.1f} KB", ""],
        ["style sheet and icon, kept for a year", f"{static / 1000:.1f} KB", ""],
        ["GET, p50 and p95", _said(gets), ""],
        ["POST, p50 and p95", _said(posts), ""],
        ["largest card", f"{_largest(world)} bytes", f"≤ {MAX_CARD}"],
        ["attack cases tried", sum(cases.values()), ""],
        ["of them not refused", failed, "0"],
    ]
    tried = "\n".join(f"- {name} ({count})" if count > 1 else f"- {name}" for name, count in cases.items())
    measured = table(["what", "measured", "budget"], rows)
    return f"{ABOUT}{measured}\n\nThe attacks, and how many cases of each:\n\n{tried}"


def _followed(world: World) -> tuple[int, str]:
    """From the card by its buttons to a recorded vote: how many there were, and the page."""
    p, request = world.asked()
    card = approval_card(ask_of(p, request), review_url=f"{BASE}/review/{world.token(p)}", base_url=BASE)
    (action,) = card["body"][-1]["actions"]
    page = world.get(action["url"].removeprefix(BASE)).body.decode()
    form = dict(re.findall(r'name="(form|hash)" value="([^"]*)"', page))
    (target,) = re.findall(r'<form[^>]* action="([^"]*)"', page)
    answer = world.post(target, {**form, "comment": "", "decision": "approve"})
    if b"Your answer is recorded" not in answer.body:
        raise AssertionError("two clicks did not decide")
    return 2, page


def _timed(world: World) -> tuple[list[float], list[float]]:
    gets: list[float] = []
    posts: list[float] = []
    for i in range(TIMES):
        p = world.promotion(f"model-{i}", metrics={f"metric_{m}": m / 7 for m in range(18)})
        request = world.ask(p)
        path, form = f"/review/{world.token(p)}", world.fields(p, request)
        gets.append(_seconds(lambda path=path: world.get(path)))
        posts.append(_seconds(lambda path=path, form=form: world.post(path, form)))
    return gets, posts


def _seconds(ask: Callable[[], WebResponse]) -> float:
    began = time.perf_counter()
    answer = ask()
    took = time.perf_counter() - began
    if answer.status != 200:
        raise AssertionError(f"answered {answer.status}")
    return took


def _said(times: list[float]) -> str:
    p50, p95 = percentiles(times)
    return f"{p50 * 1000:.1f} ms, {p95 * 1000:.1f} ms"


def _weight(world: World, path: str) -> int:
    return len(world.get(path).body)


def _largest(world: World) -> int:
    """Every text as long as nobody would write it, every list as long as nobody would need it."""
    p, request = world.asked()
    ask = ask_of(p, request)
    texts: dict[str, Any] = {f.name: LONG for f in fields(Ask) if isinstance(getattr(ask, f.name), str)}
    full = replace(
        ask,
        **texts,
        approvers=(Voter(name=LONG, group=LONG),) * 50,
        metrics=(MetricRow(name=LONG, candidate=1 / 3, serving=1 / 7),) * 50,
        gates=(GateRow(name=LONG, verdict="inconclusive", sentence=LONG),) * 50,
    )
    url = f"{BASE}/review/{world.token(p)}"
    return size_of(approval_card(full, review_url=url, base_url=BASE))


def _attacks() -> tuple[Counter[str], int]:
    """Runs them. Name in words -> how many cases; and how many did not pass."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-rpfEs", "-p", "no:cacheprovider", *ATTACKS]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    cases = re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) .*?::(\w+)", said, re.MULTILINE)
    skipped = len(re.findall(r"^SKIPPED ", said, re.MULTILINE))
    names = Counter(_words(name) for _, name in cases if _words(name) not in PLAIN)
    return names, skipped + sum(1 for how, _ in cases if how != "PASSED")


def _words(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")
