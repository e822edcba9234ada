"""A small HTTP/1.1 client for one loopback server: kept connections, streaming both ways, nothing else.

General clients cost ten times the processor time per request, and their time here is every user's.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import h11

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.principal import Headers

IDLE_SECONDS = 2.0  # shorter than any server keeps a silent connection, so that none is reused as it closes
MAX_IDLE = 100
READ_BYTES = 65_536


class NotListeningError(Exception):
    """Nobody accepts connections on the port."""


class BrokenOffError(Exception):
    """The server closed the connection, or answered what is not HTTP."""


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.state = h11.Connection(h11.CLIENT, max_incomplete_event_size=READ_BYTES)
        self.idle_since = 0.0

    def reusable(self) -> bool:
        fresh = time.monotonic() - self.idle_since < IDLE_SECONDS
        return fresh and not self.reader.at_eof() and not self.writer.is_closing()

    async def send(self, event: h11.Event) -> None:
        if data := self.state.send(event):
            self.writer.write(data)
            await self.writer.drain()

    async def next_event(self) -> object:
        while (event := self.state.next_event()) is h11.NEED_DATA:
            self.state.receive_data(await self.reader.read(READ_BYTES))
        return event

    def next_cycle(self) -> bool:
        """Can it serve another request? Only when both sides are done with this one."""
        if self.state.our_state is not h11.DONE or self.state.their_state is not h11.DONE:
            return False
        self.state.start_next_cycle()
        self.idle_since = time.monotonic()
        return True

    async def aclose(self) -> None:
        self.writer.transport.abort()  # not close(): it would wait for a server that reads nothing
        with suppress(OSError):
            await self.writer.wait_closed()


class Answer:
    """Status and headers are here; the body is read while it is iterated."""

    def __init__(self, connection: _Connection, response: h11.Response) -> None:
        self._connection = connection
        self.status = response.status_code
        self.headers: Headers = [(bytes(n), bytes(v)) for n, v in response.headers]

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            while isinstance(event := await self._connection.next_event(), h11.Data):
                yield bytes(event.data)
        except (OSError, h11.RemoteProtocolError) as error:
            raise BrokenOffError(str(error)) from error


class Pool:
    """Connections to 127.0.0.1:`port`. Any number at once; the idle ones are kept for a moment."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[_Connection] = []

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop().aclose()

    @asynccontextmanager
    async def exchange(
        self, method: str, target: bytes, headers: Headers, body: AsyncIterator[bytes] | None
    ) -> AsyncIterator[Answer]:
        """One request and its answer. Errors of `body` pass through."""
        connection = await self._take()
        kept = False
        try:
            await _request(connection, method, target, headers, body)
            yield Answer(connection, await _response(connection))
            kept = connection.next_cycle() and len(self._idle) < MAX_IDLE
        finally:
            if kept:
                self._idle.append(connection)
            else:
                await connection.aclose()

    async def _take(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable():
                return connection
            await connection.aclose()
        try:
            return _Connection(*await asyncio.open_connection("127.0.0.1", self._port))
        except OSError as error:
            raise NotListeningError(str(error)) from error


async def _request(
    connection: _Connection, method: str, target: bytes, headers: Headers, body: AsyncIterator[bytes] | None
) -> None:
    try:
        await connection.send(h11.Request(method=method, target=target, headers=headers))
        if body:
            async for chunk in body:
                await connection.send(h11.Data(data=chunk))
        await connection.send(h11.EndOfMessage())
    except OSError:
        return  # it may have answered before it had read everything: what it said counts


async def _response(connection: _Connection) -> h11.Response:
    try:
        while isinstance(event := await connection.next_event(), h11.InformationalResponse):
            pass
    except (OSError, h11.RemoteProtocolError) as error:
        raise BrokenOffError(str(error)) from error
    if not isinstance(event, h11.Response):
        raise BrokenOffError(f"expected an answer, got {event!r}")
    return event
