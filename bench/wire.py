"""What one blue/green promotion costs at the storage account: requests counted in Azurite's own access log.

The product runs in this process, over its real adapters and without a functions host, so that each request
belongs to one event, vote or wake.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import requests

from bench.report import table
from bench.running import running
from local import faults
from local.config import APP_ACCOUNT
from orchestrator import rows, triggers
from orchestrator.approval import Decision
from orchestrator.model import SlotKey
from orchestrator.wakes import read_wake
from shared.identity import Principal
from shared.names import slot_id
from tests.cloud.clients import queue_client
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.running import Running

TITLE = "Storage requests on the wire"
SERVICES = ("azurite", "gateway", "zygote", "router", "azureml")
MODEL = "titanic-wire"
PARTITIONS = {env: slot_id(MODEL, env) for env in ("dev", "qa")}
HOST = 2
"""The host's own requests for each message: it fetches and it deletes."""
LINE = re.compile(r'"([A-Z]+) (/\S*) HTTP')
PLATFORM = re.compile(r"/gl[a-z]+/")  # by account and path: the emulated platform, and this program itself
STEP_SECONDS = 90
SLOW = 4
ABOUT = f"""\
The second version of a model, blue/green, dev and qa, over the real adapters: requests in Azurite's access
log, with {HOST} for each message (the functions host fetches and deletes it). Deployments take {SLOW} s more
than they need, so that there are polls: wakes that found nothing to do yet.

"""


@dataclass
class Cost:
    """Requests of one environment."""

    working: int = 0
    wakes: int = 0
    polls: list[int] = field(default_factory=list[int])
    blobs: int = 0


class Wire:
    """Azurite's access log."""

    def __init__(self, it: Running) -> None:
        self._config = it.inside.config
        self._path = self._config.home / "logs" / "azurite.log"
        self._at = 0
        self.since()

    def since(self) -> Counter[str]:
        """Requests of the product since the last call, by service."""
        mark = f"/{APP_ACCOUNT}/fence{uuid.uuid4().hex[:8]}"
        url = f"https://127.0.0.1:{self._config.port('table')}{mark}"
        requests.get(url, verify=str(self._config.ca_bundle), timeout=10)
        text = eventually(lambda: self._until(mark), 10, "the fence in Azurite's log")
        return Counter(_service(path) for _, path in LINE.findall(text) if not PLATFORM.match(path))

    def _until(self, mark: str) -> str:
        with self._path.open() as log:
            log.seek(self._at)
            text = log.read()
            if mark not in text or not text.endswith("\n"):
                return ""
            self._at = log.tell()
        return text


def _service(path: str) -> str:
    if path.startswith("/$batch") or re.match(r"/(slots|open|endpoints|sources|deadletters)\b", path):
        return "table"
    return "queue" if re.match(r"/[a-z-]+/messages\b", path) else "blob"


class Town:
    """The product, driven by hand."""

    def __init__(self, it: Running) -> None:
        self.it = it
        self.app = it.inside.app
        self.wire = Wire(it)
        self.costs = {env: Cost() for env in PARTITIONS}
        self._wakes = queue_client(it.inside.config, "wakes")

    def promote(self, version: str) -> int:
        """From event to the end in qa; what the event alone cost."""
        self.it.models.register(MODEL, version)
        self.wire.since()
        triggers.model_event(self.app, self._event(version))
        event = self.wire.since()
        self._until(lambda: self._asked() is not None)
        self._vote()
        self._until(self._over)
        return event["table"] + event["queue"]

    def _event(self, version: str) -> dict[str, object]:
        return {
            "id": str(uuid.uuid4()),
            "topic": self.it.inside.config.workspaces[0].id,
            "subject": f"models/{MODEL}:{version}",
            "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
            "eventTime": datetime.now(UTC).isoformat(),
            "data": {"ModelName": MODEL, "ModelVersion": version},
        }

    def _asked(self) -> int | None:
        """The qa promotion whose request is out."""
        loaded = self.app.ledger.load(SlotKey(MODEL, "qa"))
        found = loaded.state.requests if loaded else {}
        return next((n for n, r in found.items() if {"queue", "teams"} <= set(r.notified)), None)

    def _vote(self) -> None:
        key, n = SlotKey(MODEL, "qa"), self._asked()
        assert n is not None
        loaded = self.app.ledger.load(key)
        assert loaded is not None
        request = loaded.state.requests[n]
        tenant, _, oid = request.rule.approvers[0].id.partition("/")
        self.wire.since()
        self.app.intake.vote(
            key,
            n,
            request.k,
            principal=Principal(tenant=tenant, oid=oid, name="Ana"),
            decision=Decision.APPROVE,
            comment="",
            hash=request.hash,
            channel="bench",
        )
        found = self.wire.since()
        self.costs["qa"].working += found["table"] + found["queue"]

    def _over(self) -> bool:
        slots = [self.app.ledger.slot_row(SlotKey(MODEL, env)) for env in PARTITIONS]
        return all(s is not None and s.state.slot.idle for s in slots)

    def _until(self, done: Callable[[], bool]) -> None:
        def turn() -> bool:
            for message in self._wakes.receive_messages(max_messages=1, visibility_timeout=60):
                self._wake(message.content)
                self._wakes.delete_message(message)
            return done()

        eventually(turn, STEP_SECONDS, f"the next step of {MODEL}")

    def _wake(self, text: str) -> None:
        key = read_wake(text).slot
        if key is None or key.model != MODEL:
            triggers.wake(self.app, text)
            return
        before = self._etag(key.env)
        self.wire.since()
        triggers.wake(self.app, text)
        found = self.wire.since()
        count, cost = found["table"] + found["queue"] + HOST, self.costs[key.env]
        cost.blobs += found["blob"]
        if self._etag(key.env) == before:
            cost.polls.append(count)
        else:
            cost.working += count
            cost.wakes += 1

    def _etag(self, env: str) -> str:
        row = self.it.inside.ports.store.table("slots").get(PARTITIONS[env], rows.SLOT)
        return row.etag if row else ""


def run() -> str:
    with running(pace=60.0, only=SERVICES) as it:
        faults.add(it.inside.config, {"on": "operation", "verb": "deployment_put", "seconds": SLOW})
        town = Town(it)
        town.promote("1")
        town.costs = {env: Cost() for env in PARTITIONS}
        event = town.promote("2")
        files = it.models.files
    found: list[list[object]] = [["one event, its wake sent", event, "≤ 5"]]
    for env, cost in town.costs.items():
        both, most = cost.working + cost.blobs, 60 + 4 * files
        dearest = max(cost.polls, default="none")
        found += [
            [f"{env}: tables and queues besides polling, in {cost.wakes} wakes", cost.working, "≤ 60"],
            [f"{env}: with blobs, for a model of {files} files", both, f"≤ {most} (60, and 4 a file)"],
            [f"{env}: the dearest of {len(cost.polls)} polls", dearest, "≤ 6"],
        ]
    return ABOUT + table(["what", "requests", "budget"], found)
