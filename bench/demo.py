"""The demo's time by step."""

from __future__ import annotations

import re
import subprocess
import sys
import time

from bench.report import table
from local.appsettings import ROOT

TITLE = "make demo, step by step"
STEP = re.compile(r"^✓\s+(\d+)\. (.+?)\s+([\d.]+) s\s*$", re.MULTILINE)
TARGET = 180


def run() -> str:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "local", "demo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    whole = time.monotonic() - began
    if done.returncode:
        raise SystemExit(
            f"the demo failed ({done.returncode}):\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}"
        )
    rows = [[number, what, f"{float(seconds):.1f} s"] for number, what, seconds in STEP.findall(done.stdout)]
    return f"All steps verified in {whole:.0f} s (target {TARGET} s).\n\n" + table(
        ["step", "what", "took"], rows
    )
