"""Storage transactions of one event, one vote, one blue/green promotion, one poll, one hour of waiting."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from bench.report import table
from tests.engine.counting import measured

TITLE = "Storage transactions"
ABOUT = """\
Counted at the table and queue ports over the in-memory twins: one call is one transaction; a handled wake is
two more (the host's get and delete). Blobs are apart: manifests and the copy. `tests/engine/test_budgets.py`
holds these budgets.

"""


def run() -> str:
    logging.disable(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory() as folder:
            costs = measured(Path(folder))
    finally:
        logging.disable(logging.NOTSET)
    rows = [
        ["one event, its wake included", costs.event, "≤ 5"],
        ["one vote, its wake included", costs.vote, ""],
        *(
            [f"one blue/green promotion in {env}, polling apart", count, "≤ 60"]
            for env, count in costs.environments.items()
        ),
        ["one poll of a slow operation", max(costs.polls), "≤ 6"],
        ["an hour of waiting for approval, the sweep's included", costs.waiting, ""],
    ]
    return ABOUT + table(["what", "transactions", "budget"], rows)
