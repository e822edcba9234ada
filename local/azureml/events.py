"""Events of a workspace, through an outbox.

Each is a row in the transaction of what it tells, and stays until Event Grid has taken it: neither a restart
of the emulator nor one of Event Grid loses any.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from typing import TYPE_CHECKING, Any

import httpx

from local.azureml.arm import PROVIDER, now, timestamp

if TYPE_CHECKING:
    from local.azureml.store import Record, Store
    from local.config import LocalConfig, Workspace

log = logging.getLogger("azureml")

KEPT = 2000  # rows of events taken, for whoever looks what was sent
RETRY_FIRST, RETRY_MOST = 0.1, 5.0


class Events:
    """`model_registered` and `run_completed` record; `deliver` runs for ever and sends, oldest first."""

    def __init__(self, config: LocalConfig, store: Store) -> None:
        self.config = config
        self.db = store.db
        self._more = asyncio.Event()

    def model_registered(self, workspace: Workspace, record: Record) -> None:
        properties = record.properties
        self._record(
            workspace,
            key=f"ModelRegistered/{record.name}/{record.version}/{record.body['systemData']['createdAt']}",
            kind="ModelRegistered",
            subject=f"models/{record.name}:{record.version}",
            data={
                "ModelName": record.name,
                "ModelVersion": record.version,
                "ModelTags": properties["tags"],
                "ModelProperties": properties["properties"],
            },
        )

    def run_completed(
        self,
        workspace: Workspace,
        run_id: str,
        experiment: str,
        tags: dict[str, str],
        properties: dict[str, str],
    ) -> None:
        """At most once per run, however many ways the emulator learns of its end."""
        experiment_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{workspace.id}/experiments/{experiment}"))
        self._record(
            workspace,
            key=f"RunCompleted/{run_id}",
            kind="RunCompleted",
            subject=f"experiments/{experiment_id}/runs/{run_id}",
            data={
                "experimentId": experiment_id,
                "experimentName": experiment,
                "runId": run_id,
                "runType": None,
                "runTags": tags,
                "runProperties": properties,
            },
        )

    def _record(
        self, workspace: Workspace, *, key: str, kind: str, subject: str, data: dict[str, Any]
    ) -> None:
        event = {
            "id": str(uuid.uuid4()),
            "topic": workspace.id,
            "subject": subject,
            "eventType": f"{PROVIDER}.{kind}",
            "eventTime": timestamp(now()),
            "data": data,
            "dataVersion": "",
            "metadataVersion": "1",
        }
        self.db.execute(
            "INSERT OR IGNORE INTO outbox (key, topic, event, state) VALUES (?,?,?,'waiting')",
            (f"{workspace.env}/{key}", workspace.name, json.dumps(event)),
        )
        self._more.set()

    def sent(self) -> list[dict[str, Any]]:
        """What the outbox holds, oldest first."""
        rows = self.db.execute("SELECT event, state FROM outbox ORDER BY seq").fetchall()
        return [{**json.loads(r["event"]), "state": r["state"]} for r in rows]

    async def deliver(self) -> None:
        """Until cancelled."""
        base = f"http://127.0.0.1:{self.config.port('eventgrid')}"
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=30.0) as http:
            while True:
                self._more.clear()
                for row in self.db.execute(
                    "SELECT * FROM outbox WHERE state='waiting' ORDER BY seq"
                ).fetchall():
                    await self._until_taken(http, row)
                await self._more.wait()

    async def _until_taken(self, http: httpx.AsyncClient, row: Any) -> None:
        pause = RETRY_FIRST
        while (state := await self._send(http, row)) == "waiting":
            if pause == RETRY_FIRST:
                log.info(
                    "events from %s on wait until Event Grid takes them", json.loads(row["event"])["subject"]
                )
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_MOST)
        self.db.execute("UPDATE outbox SET state=? WHERE seq=?", (state, row["seq"]))
        self.db.execute("DELETE FROM outbox WHERE state<>'waiting' AND seq<=?", (row["seq"] - KEPT,))

    async def _send(self, http: httpx.AsyncClient, row: Any) -> str:
        event = json.loads(row["event"])
        try:
            answer = await http.post(f"/topics/{row['topic']}/api/events", json=[event])
        except httpx.TransportError:
            return "waiting"
        if answer.is_success:
            log.info("event %s %s", event["eventType"].rsplit(".", 1)[1], event["subject"])
            return "sent"
        if answer.status_code >= 500 or answer.status_code in (404, 408, 429):
            return "waiting"
        log.error("event %s was refused: %s %s", event["subject"], answer.status_code, answer.text[:300])
        return "refused"
