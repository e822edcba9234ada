"""Connections to scorers: pooled by port, counted while in use, so that a scorer can be drained."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.azureml.router.http import HEAD_END, Malformed, Response, parse_head, read_body

if TYPE_CHECKING:
    from collections.abc import Iterator

IDLE_LIMIT = 32  # kept connections for each scorer


class BackendDown(ConnectionError):
    """Nobody answers on the scorer's port."""


@dataclass(frozen=True, eq=False)
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    fresh: bool

    @property
    def usable(self) -> bool:
        return not self.reader.at_eof() and not self.writer.is_closing()


class Backends:
    def __init__(self) -> None:
        self._idle: defaultdict[int, list[Connection]] = defaultdict(list)
        self._busy: Counter[int] = Counter()
        self._done = asyncio.Event()

    def busy(self, port: int) -> int:
        return self._busy[port]

    @contextlib.contextmanager
    def use(self, port: int) -> Iterator[None]:
        """Counts a request from the moment its deployment was chosen."""
        self._busy[port] += 1
        try:
            yield
        finally:
            self._busy[port] -= 1
            if not self._busy[port]:
                del self._busy[port]
                self._done.set()
                self._done = asyncio.Event()

    async def drain(self, port: int, seconds: float) -> bool:
        """True once nothing is in flight there; then its idle connections are closed too."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._busy[port]:
                    await self._done.wait()
        for connection in self._idle.pop(port, []):
            connection.writer.close()
        return not self._busy[port]

    async def send(self, port: int, request: bytes) -> Response:
        """One exchange. A kept connection that the scorer closed meanwhile is replaced, once."""
        connection = await self._connection(port)
        try:
            response = await self._exchange(connection, request)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            connection.writer.close()
            if connection.fresh:
                raise BackendDown(f"the scorer on port {port} broke the connection") from error
            connection = await self._connect(port)
            try:
                response = await self._exchange(connection, request)
            except (ConnectionError, asyncio.IncompleteReadError) as again:
                connection.writer.close()
                raise BackendDown(f"the scorer on port {port} broke the connection") from again
        except BaseException:
            connection.writer.close()  # an answer to an abandoned request must not meet the next one
            raise
        self._keep(port, connection, response)
        return response

    async def _connection(self, port: int) -> Connection:
        idle = self._idle[port]
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
            connection.writer.close()
        return await self._connect(port)

    async def _connect(self, port: int) -> Connection:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError as error:
            raise BackendDown(f"nothing listens on port {port}") from error
        return Connection(reader, writer, fresh=True)

    async def _exchange(self, connection: Connection, request: bytes) -> Response:
        connection.writer.write(request)
        await connection.writer.drain()
        try:
            line, headers = parse_head(await connection.reader.readuntil(HEAD_END))
            return Response(int(line.split(" ")[1]), await read_body(connection.reader, headers), headers)
        except (Malformed, ValueError, IndexError) as error:
            raise ConnectionError(f"the scorer's answer is not HTTP: {error}") from error

    def _keep(self, port: int, connection: Connection, response: Response) -> None:
        idle = self._idle[port]
        if response.headers.get("connection", "").lower() == "close" or len(idle) >= IDLE_LIMIT:
            connection.writer.close()
        else:
            idle.append(Connection(connection.reader, connection.writer, fresh=False))
