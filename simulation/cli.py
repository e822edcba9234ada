"""`greenlight simulate`: the real engine over a simulated cloud, with all that can go wrong, by seed."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from simulation.run import Result, run

OK, UNSAFE = 0, 2
PORTION = 25
"""Seeds that a process does at a time."""


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Exit code 0: every seed ended as it must; 2: one did not."""
    args = _parser().parse_args(arguments)
    seeds = range(args.seed, args.seed + args.seeds)
    began, bad, handled, deaths = time.monotonic(), list[Result](), 0, 0
    for done, result in enumerate(results(seeds, args.processes), 1):
        handled, deaths = handled + result.handled, deaths + result.deaths
        if result.problems:
            bad.append(result)
            _tell(result, trace=not args.quiet)
        if not args.json and args.seeds > 1 and done % 500 == 0:
            print(f"{done:,} seeds, {len(bad)} unsafe, {time.monotonic() - began:.0f} s", flush=True)
    if args.seeds == 1 and args.trace and not bad:
        print("\n".join(run(args.seed, trace=True).trace))
    if args.remember and bad:
        remember(args.remember, [result.seed for result in bad])
    _conclude(args, bad, handled, deaths)
    return UNSAFE if bad else OK


def results(seeds: Sequence[int], processes: int) -> Iterator[Result]:
    """One after the other, in whatever order they end; a seed's own result never depends on the others."""
    if processes == 1 or len(seeds) < 2 * PORTION:
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(run, seeds, chunksize=PORTION)


def remembered(file: Path) -> list[int]:
    """Seeds that once found something wrong, one in a line; what follows the number is for people."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [int(line.split()[0]) for line in lines if line.strip() and not line.startswith("#")]


def remember(file: Path, seeds: Iterable[int]) -> None:
    """Add seeds to the list that the tests run first."""
    known = remembered(file)
    with file.open("a", encoding="utf-8") as out:
        out.writelines(f"{seed}\n" for seed in seeds if seed not in known)


def _tell(result: Result, *, trace: bool) -> None:
    print(f"seed {result.seed}: {len(result.problems)} problems", flush=True)
    for problem in result.problems:
        print(f"  ✗ {problem}")
    if trace:
        print("\n".join(run(result.seed, trace=True).trace), flush=True)


def _conclude(args: argparse.Namespace, bad: list[Result], handled: int, deaths: int) -> None:
    if args.json:
        unsafe = [{"seed": r.seed, "problems": r.problems} for r in bad]
        print(json.dumps({"seeds": args.seeds, "unsafe": unsafe, "handled": handled, "deaths": deaths}))
        return
    what = f"seed {args.seed}" if args.seeds == 1 else f"{args.seeds:,} seeds from {args.seed}"
    print(f"{what}: {handled:,} messages handled, {deaths:,} processes killed, {len(bad)} unsafe ends")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="greenlight simulate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--seeds", type=_count, default=1, help="how many seeds, one after the other")
    parser.add_argument("--processes", type=_count, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--trace", action="store_true", help="tell every decision, also when all is well")
    parser.add_argument("--quiet", action="store_true", help="no trace of what went wrong")
    parser.add_argument("--remember", type=Path, metavar="FILE", help="add unsafe seeds to this list")
    parser.add_argument("--json", action="store_true", help="the result as JSON; traces are left out")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give a number from 1 on")
    return number
