"""Requests lost in fifty consecutive swaps under steady load, beside the old script under the same load."""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.old.az import AzOnline
from bench.old.pipeline import Shell, deploy_script
from bench.report import table
from bench.running import running
from local import faults
from local.appsettings import ROOT
from local.demo.load import CLIENTS, PER_SECOND, Counts, Load
from tests.cloud.clients import Api
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.running import Running

SWAPS = 50
OURS = "titanic-swaps"
SCRIPTS = "script-swaps"  # a name that greenlight.yaml does not match: nobody promotes it
STEP_SECONDS = 180.0
POLL_SECONDS = 0.3
AFTER = 10.0
SCRIPT_PACE = 10.0
"""How much faster than written the script's polls run, as the product's waits do in the same cloud."""
TITLE = "Requests lost in fifty swaps"
ABOUT = f"""\
Steady load on an endpoint in dev ({PER_SECOND:.0f} requests a second from {CLIENTS} clients, in a process of
its own) while {SWAPS} versions follow one another: registered, deployed beside, probed, switched to, the one
before removed. Then as many versions, under the same load, through the old script's sequence of commands
(`bench/old/pipeline.py`), on an endpoint of its own. Lost is whatever is not an answer 200 with predictions.
At last one more version each, which answers every request with 500, and {AFTER:.0f} s of the load after it.

"""


@dataclass(frozen=True)
class Found:
    swaps: Counts
    seconds: float
    broken: Counts


class Tool(Protocol):
    """What puts a version into service. `endpoint`: where it serves, in dev."""

    model: str
    endpoint: str

    def swap(self, version: int) -> None:
        """Until it serves, and the one before is removed or on its way out."""
        ...

    def give_up(self, version: int) -> None:
        """Until the tool is done with a version that cannot serve."""
        ...


def run() -> str:
    with running() as it:
        api = Api(it.cloud.config, "ana")
        try:
            ours = _measure(it, Greenlight(it, api))
        finally:
            api.close()
        theirs = _measure(it, Script(it))
    return ABOUT + _rows(ours, theirs)


def _rows(ours: Found, theirs: Found) -> str:
    both = (ours, theirs)
    rows = [
        ["swaps", *(SWAPS for _ in both), ""],
        ["requests", *(f.swaps.sent for f in both), ""],
        ["lost", *(f.swaps.failed for f in both), "0"],
        ["deployments that answered", *(len(f.swaps.by_deployment) for f in both), ""],
        ["p95 of all answers", *(f"{f.swaps.p95_ms:.0f} ms" for f in both), ""],
        ["seconds a swap", *(f"{f.seconds / SWAPS:.1f}" for f in both), ""],
        ["requests while a broken version comes, and after", *(f.broken.sent for f in both), ""],
        ["lost", *(f.broken.failed for f in both), "0"],
    ]
    return table(["what", "Greenlight", "the old script", "budget"], rows)


def _measure(it: Running, tool: Tool) -> Found:
    tool.swap(1)
    with load_on(it, "dev", tool.endpoint) as load:
        began = time.monotonic()
        for version in range(2, SWAPS + 2):
            tool.swap(version)
            print(".", end="", flush=True)
        took = time.monotonic() - began
        swaps = load.stop()
    broken = SWAPS + 2
    rule = {"on": "score", "workspace": "dev", "model": tool.model, "version": str(broken), "status": 500}
    lifted = faults.add(it.cloud.config, rule)
    with load_on(it, "dev", tool.endpoint) as load:
        tool.give_up(broken)
        until = load.counts.sent + AFTER * PER_SECOND
        eventually(lambda: load.counts.sent >= until, STEP_SECONDS, "some more requests")
        counts = load.stop()
    faults.remove(it.cloud.config, lifted)
    return Found(swaps, took, counts)


class Greenlight:
    """The product: a registration is all it needs in dev."""

    model, endpoint = OURS, f"{OURS}-dev"

    def __init__(self, it: Running, api: Api) -> None:
        self._it = it
        self._api = api

    def swap(self, version: int) -> None:
        self._it.models.register(self.model, str(version))
        eventually(lambda: self._alone(version), STEP_SECONDS, f"v{version} alone in dev", POLL_SECONDS)

    def give_up(self, version: int) -> None:
        self._it.models.register(self.model, str(version))
        eventually(lambda: self._ended(version), STEP_SECONDS, f"an end of v{version}", POLL_SECONDS)

    def _alone(self, version: int) -> bool:
        slot = self._api.slot(self.model, "dev")
        serving = slot["serving"] if slot else None
        return bool(slot and serving and serving["version"] == str(version) and not slot["retiring"])

    def _ended(self, version: int) -> bool:
        found = self._api.promotion(self.model, "dev", str(version))
        return bool(found and found["verdict"])


class Script:
    """The old script's steps in qa, where no command's failure stops the next one."""

    model, endpoint = SCRIPTS, f"{SCRIPTS}-dev"

    def __init__(self, it: Running) -> None:
        self._it = it
        self._az = AzOnline(it.inside.workspace("dev"), it.inside.ports.scoring)

    def swap(self, version: int) -> None:
        self._it.models.register(self.model, str(version))
        shell = Shell(fail_fast=False)
        new = f"deployment{version}v{int(datetime.now(UTC).timestamp())}"
        script = deploy_script(self._az, shell, self.endpoint, self.model, new, body=_request())
        for pause in script:
            time.sleep(pause / SCRIPT_PACE)

    def give_up(self, version: int) -> None:
        self.swap(version)


@contextmanager
def load_on(it: Running, env: str, endpoint: str) -> Iterator[Load]:
    """Steady requests, while it lasts."""
    key = it.inside.workspace(env).scoring_key(endpoint)
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "request.json"
        body.write_bytes(_request())
        with Load(it.cloud.config, endpoint, key, body) as load:
            yield load


def _request() -> bytes:
    return (ROOT / "ml" / "sample-request.json").read_bytes()
