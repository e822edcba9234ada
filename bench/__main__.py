"""Run all parts, or those named, print what they found and keep it in docs/benchmarks.md.

python -m bench [part …]        parts: see PARTS
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import time

from bench.report import keep, machine

PARTS = (
    "imports",
    "package",
    "enumeration",
    "transactions",
    "wire",
    "latency",
    "review",
    "swaps",
    "verdict",
    "rollback",
    "router",
    "storm",
    "crashes",
    "kills",
    "kills_at_writes",
    "late",
    "simulate",
    "old_script",
    "demo",
)
"""Modules of this package; each has TITLE and run() -> Markdown."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; none: all of them")
    parser.add_argument("--print-only", action="store_true", help="leave docs/benchmarks.md alone")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.parts) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    logging.getLogger("greenlight").setLevel(logging.CRITICAL)  # what goes wrong here is meant to
    print(machine(), flush=True)
    for name in chosen.parts or PARTS:
        part = importlib.import_module(f"bench.{name}")
        print(f"\n## {part.TITLE}\n", flush=True)
        began = time.monotonic()
        found = part.run()
        print(found, f"\n({name}: {time.monotonic() - began:.0f} s)", flush=True)
        if not chosen.print_only:
            keep(name, part.TITLE, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
