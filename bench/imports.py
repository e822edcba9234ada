"""What a cold start imports: function_app beside the Azure libraries that it cannot do without."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.report import table

TITLE = "Import of function_app"
ROOT = Path(__file__).parents[1]
TIMES = 9
LIBRARIES = "azure.functions, azure.data.tables, azure.storage.queue"
HEAVY = ("azure.ai.ml", "mlflow", "pandas", "sklearn", "azure.identity", "aiohttp", "jwt", "cryptography")
PROBE = """
import json, resource, sys, time
began = time.perf_counter()
import {what}
print(json.dumps({{"seconds": time.perf_counter() - began,
                  "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                  "heavy": [m for m in {heavy!r} if m in sys.modules]}}))
"""


def run() -> str:
    once(LIBRARIES), once("function_app")  # compiled files and page cache, as in a deployed package
    pairs = [(once(LIBRARIES), once("function_app")) for _ in range(TIMES)]
    ratio = statistics.median(ours["seconds"] / theirs["seconds"] for theirs, ours in pairs)
    theirs, ours = (statistics.median(pair[i]["seconds"] for pair in pairs) for i in (0, 1))
    mb = statistics.median(pair[1]["mb"] for pair in pairs)
    heavy = ", ".join(pairs[0][1]["heavy"]) or "none"
    rows = [
        ["ratio of import times, median of pairs", f"{ratio:.2f}", "≤ 1.6"],
        [f"import {LIBRARIES}", f"{theirs:.2f} s", ""],
        ["import function_app", f"{ours:.2f} s", ""],
        ["memory of the process after it", f"{mb:.0f} MB", "≤ 60 MB"],
        ["heavy packages among its modules", heavy, "none"],
    ]
    return f"{TIMES} fresh processes each, in turn.\n\n" + table(["what", "measured", "budget"], rows)


def once(what: str) -> dict[str, Any]:
    code = PROBE.format(what=what, heavy=HEAVY)
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(answer.stdout)
