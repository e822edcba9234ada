"""What is deployed: how large it is, its libraries too, and how long a worker with nothing else imports."""

from __future__ import annotations

import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.imports import HEAVY, LIBRARIES, PROBE
from bench.report import table
from infra import package as packing
from local import environment, package
from local.appsettings import ROOT
from local.config import LocalConfig

TITLE = "The deployment package"
TIMES = 7
MB = 1024 * 1024
SAID = (
    f"{TIMES} fresh processes each, in turn, with the package and its libraries alone on their path."
    "\nThe libraries are compiled by pip. Whether Azure's build keeps compiled files of the code,"
    "\nit does not say: both were measured.\n"
)


def run() -> str:
    with tempfile.TemporaryDirectory(prefix="gl-") as folder:
        config = LocalConfig(home=Path(folder), package=Path(folder) / "greenlight.zip")
        assert config.package
        files = packing.build(ROOT, config.package)
        package.install(config, config.package)
        rows = [*_sizes(config, files), *_imports(package.unpacked(config))]
    return f"{SAID}\n" + table(["what", "measured", "budget"], rows)


def _sizes(config: LocalConfig, files: list[str]) -> list[list[str]]:
    root = package.unpacked(config)
    assert config.package
    libraries = package.required(root / "requirements.txt")
    installed = [Path(str(each.locate_file(f))) for each in libraries for f in each.files or ()]
    size = sum(path.stat().st_size for path in installed if path.is_file())
    unpacked = sum((root / file).stat().st_size for file in files)
    return [
        ["the package", f"{len(files)} files, {config.package.stat().st_size / 1024:.0f} KB", ""],
        ["unpacked", f"{unpacked / MB:.1f} MB", ""],
        ["its libraries, compiled files included", f"{len(libraries)} distributions, {size / MB:.0f} MB", ""],
    ]


def _imports(root: Path) -> list[list[str]]:
    theirs, raw = _in_turn(root)
    compileall.compile_dir(root, maxlevels=3, quiet=1)
    theirs_again, compiled = _in_turn(root)
    heavy = ", ".join(compiled[0]["heavy"]) or "none"
    return [
        ["ratio of import times, code compiled, median of pairs", _ratio(compiled, theirs_again), "≤ 1.6"],
        ["the same, code not compiled", _ratio(raw, theirs), ""],
        [f"import {LIBRARIES}", _seconds(theirs_again), ""],
        ["import function_app, compiled", _seconds(compiled), ""],
        ["import function_app, not compiled", _seconds(raw), ""],
        [
            "memory of the process after it",
            f"{statistics.median(o['mb'] for o in compiled):.0f} MB",
            "≤ 60 MB",
        ],
        ["heavy packages among its modules", heavy, "none"],
    ]


def _in_turn(root: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    _once(LIBRARIES, root), _once("function_app", root)  # the page cache
    pairs = [(_once(LIBRARIES, root), _once("function_app", root)) for _ in range(TIMES)]
    return [one for one, _ in pairs], [other for _, other in pairs]


def _once(what: str, root: Path) -> dict[str, Any]:
    path = f"{root}:{root / package.LIBRARIES}"
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-B", "-c", PROBE.format(what=what, heavy=HEAVY)],
        cwd=root.parent,
        env={**environment.own(os.environ), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def _ratio(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> str:
    return f"{statistics.median(o['seconds'] / t['seconds'] for o, t in zip(ours, theirs, strict=True)):.2f}"


def _seconds(found: list[dict[str, Any]]) -> str:
    return f"{statistics.median(one['seconds'] for one in found):.2f} s"
