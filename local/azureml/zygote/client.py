"""The asyncio side of the zygote's socket."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
from typing import TYPE_CHECKING, Any

from local.azureml.zygote.protocol import Task, encode

if TYPE_CHECKING:
    from pathlib import Path

LINE_LIMIT = 4 * 1024 * 1024


class ZygoteGone(ConnectionError):
    """The zygote cannot be reached, or went away with a request unanswered."""


class Child:
    """A process that the zygote forked. `code` is None while it runs."""

    def __init__(self, name: str, pid: int, reported: dict[str, Any]) -> None:
        self.name = name
        self.pid = pid
        self.reported = reported
        self.code: int | None = None
        self._changed = asyncio.Event()

    async def first_report(self) -> dict[str, Any] | None:
        """What the child reported; None if it ended without a word."""
        while not self.reported and self.code is None:
            await self._change()
        return self.reported or None

    async def ended(self) -> int:
        while self.code is None:
            await self._change()
        return self.code

    def take(self, message: dict[str, Any]) -> None:
        if message["event"] == "report":
            self.reported = {**self.reported, **message["data"]}
        else:
            self.code = message["code"]
        self._changed.set()
        self._changed = asyncio.Event()

    async def _change(self) -> None:
        await self._changed.wait()


class Zygote:
    """Connects on first use, and again after the zygote was restarted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._children: dict[int, Child] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()

    async def start(self, task: Task) -> Child:
        answer = await self._ask("start", task=dataclasses.asdict(task))
        return answer["children"][0]

    async def find(self, name: str) -> Child | None:
        """The running child of that name, whoever started it."""
        children: list[Child] = (await self._ask("list"))["children"]
        return next((c for c in children if c.name == name and c.code is None), None)

    async def stop(self, child: Child, grace: float) -> int:
        """SIGTERM to the child and all it started, SIGKILL after `grace` seconds."""
        if child.code is None:
            await self._ask("stop", pid=child.pid, grace=grace)
        return await child.ended()

    async def close(self) -> None:
        if self._writer:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        if self._reading:
            await self._reading

    async def _ask(self, op: str, **fields: Any) -> dict[str, Any]:
        writer = await self._connected()
        number = next(self._ids)
        self._answers[number] = future = asyncio.get_running_loop().create_future()
        try:
            writer.write(encode({"id": number, "op": op, **fields}))
            await writer.drain()
            answer = await future
        except ConnectionError as error:
            raise ZygoteGone(f"the zygote at {self._path} went away") from error
        finally:
            self._answers.pop(number, None)
        if "error" in answer:
            raise RuntimeError(f"zygote: {answer['error']}")
        return answer

    async def _connected(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is None or self._writer.is_closing():
                try:
                    reader, self._writer = await asyncio.open_unix_connection(self._path, limit=LINE_LIMIT)
                except OSError as error:
                    raise ZygoteGone(f"no zygote at {self._path}: {error}") from error
                self._reading = asyncio.create_task(self._read(reader, self._writer))
            return self._writer

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                self._take(json.loads(line))
        writer.close()
        for future in self._answers.values():
            if not future.done():
                future.set_exception(ZygoteGone("the zygote closed the connection"))
        for child in self._children.values():  # children do not outlive their zygote
            child.take({"event": "exit", "code": -9})
        self._children.clear()

    def _take(self, message: dict[str, Any]) -> None:
        """Children become known here, in the order of the wire: an event may follow its answer at once."""
        if "event" in message:
            if child := self._children.get(message["pid"]):
                child.take(message)
                if child.code is not None:
                    del self._children[child.pid]
            return
        message["children"] = [
            self._children.setdefault(c["pid"], Child(c["name"], c["pid"], c["reported"]))
            for c in message.get("children", ())
        ]
        if (future := self._answers.get(message["id"])) and not future.done():
            future.set_result(message)
