"""docs/benchmarks.md: one section a part, each replaced when its part runs."""

from __future__ import annotations

import math
import os
import platform
import re
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

<!-- Made by `make bench` (`python -m bench [part …]`). Each part replaces its own section. -->

What was measured, on what, and how to measure it again. Ratios and counts carry over to other machines;
seconds do not.
"""


def machine() -> str:
    """Size of this machine, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, {platform.system()}"


def keep(name: str, title: str, found: str) -> None:
    """Replace the section of one part, or add it."""
    page = PAGE.read_text() if PAGE.exists() else HEAD
    when = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}"
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    section = f"{begin}\n## {title}\n\n`python -m bench {name}` · {when}\n\n{found.strip()}\n{end}"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    page = pattern.sub(lambda _: section, page) if pattern.search(page) else f"{page.rstrip()}\n\n{section}\n"
    PAGE.write_text(page)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """p50 and p95 (nearest rank)."""
    ordered = sorted(values)
    return statistics.median(ordered), ordered[math.ceil(len(ordered) * 0.95) - 1]
