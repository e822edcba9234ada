"""Timer triggers: one run at a time, the next one computed when it has ended; what was missed while the host
was down is made up for once, with `past_due`, unless the function opted out (`use_monitor=False`).
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.functions import bindings, cron, settings

if TYPE_CHECKING:
    from pathlib import Path

    from local.functions.app import LoadedFunction
    from local.functions.invoke import Invoker

SHORTEST_MONITORED = 60.0  # the real host does not keep the status of schedules faster than a minute


class TimerListener:
    """Runs one function by its schedule. `state` is the folder that remembers the last run."""

    def __init__(self, function: LoadedFunction, invoker: Invoker, state: Path) -> None:
        properties = function.trigger.properties
        self.schedule = cron.parse(settings.expand(properties["schedule"], f"{function.name}: schedule"))
        self._function = function
        self._invoker = invoker
        self._at_start = bool(properties.get("runOnStartup"))
        monitored = properties.get("useMonitor") is not False and self._interval() >= SHORTEST_MONITORED
        self._status = state / f"{function.name}.json" if monitored else None
        self._stopping = asyncio.Event()

    def _interval(self) -> float:
        first = self.schedule.after(datetime.now(UTC))
        return (self.schedule.after(first) - first).total_seconds()

    async def run(self) -> None:
        """Start what is due now, then follow the schedule until stopped."""
        past_due = self._past_due()
        if past_due or self._at_start:
            await self._invoke("past due" if past_due else "at start", past_due=past_due)
        while not self._stopping.is_set():
            due = self.schedule.after(datetime.now(UTC))
            self._remember(due)
            if await self._stopped_before(due):
                return
            await self._invoke(f"due {due:%H:%M:%S}", past_due=False)

    def stop(self) -> None:
        self._stopping.set()

    async def finished(self) -> None:
        """Nothing outlives an invocation here."""

    async def _stopped_before(self, due: datetime) -> bool:
        while (left := (due - datetime.now(UTC)).total_seconds()) > 0:
            try:
                await asyncio.wait_for(self._stopping.wait(), left)
            except TimeoutError:
                continue
            return True
        return False

    async def _invoke(self, why: str, *, past_due: bool) -> None:
        payload = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": self._read(), "IsPastDue": past_due}
        started = datetime.now(UTC)
        datum = bindings.json_datum(payload)
        await self._invoker.run(self._function, datum, {}, f"timer {why}")
        self._remember(self.schedule.after(datetime.now(UTC)), started)

    def _past_due(self) -> bool:
        status = self._read()
        return bool(status) and datetime.fromisoformat(status["Next"]) < datetime.now(UTC)

    def _read(self) -> dict[str, Any]:
        if self._status is None or not self._status.exists():
            return {}
        try:
            return json.loads(self._status.read_text())
        except ValueError:  # cut short by a kill: the schedule alone counts then
            return {}

    def _remember(self, due: datetime, last: datetime | None = None) -> None:
        if self._status is None:
            return
        now = datetime.now(UTC).isoformat()
        status = {
            "Last": last.isoformat() if last else self._read().get("Last", now),
            "Next": due.isoformat(),
        }
        self._status.parent.mkdir(parents=True, exist_ok=True)
        draft = self._status.with_suffix(".new")
        draft.write_text(json.dumps(status | {"LastUpdated": now}))
        draft.replace(self._status)
