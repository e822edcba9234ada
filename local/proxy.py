"""CONNECT proxy that gives Azure-shaped names to loopback ports: the local cloud's only name resolution.

Clients reach it through HTTPS_PROXY. It knows the names below SUFFIX and refuses all others, so nothing that
uses it can leave the machine. TLS passes through untouched: the services behind it hold the certificates.
Some clients (axios, which Azurite copies with) send `GET https://…` to a proxy instead of CONNECT; for those
it opens the TLS connection itself.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.config import REGION, STORAGE_SUFFIX, SUFFIX

if TYPE_CHECKING:
    from local.config import LocalConfig

log = logging.getLogger("proxy")

HEAD_LIMIT = 64 * 1024
HEAD_SECONDS = 30.0  # a client that connects and says nothing must not hold a socket for ever
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "upgrade"}

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_STORAGE = re.compile(rf"{_LABEL}\.(blob|queue|table)\.{re.escape(STORAGE_SUFFIX)}")
_SCORING = re.compile(rf"{_LABEL}\.{REGION}\.inference\.{re.escape(SUFFIX)}")
_TOPIC = re.compile(rf"{_LABEL}\.{REGION}-1\.eventgrid\.{re.escape(SUFFIX)}")
_OTHER = re.compile(rf"(?:{_LABEL}\.)+{re.escape(SUFFIX)}")


class RefusedError(Exception):
    """The proxy will not forward this request; `status` and the message go to the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def service_for(host: str) -> str | None:
    """Name of the service (a key of config.PORTS) that answers for `host`; None if the name is not ours."""
    name = host.lower().removesuffix(".")
    if match := _STORAGE.fullmatch(name):
        return match.group(1)
    if _SCORING.fullmatch(name):
        return "router"
    if _TOPIC.fullmatch(name):
        return "eventgrid_tls"
    return "arm" if _OTHER.fullmatch(name) else None


def _target(config: LocalConfig, host: str, port: int) -> tuple[str, int]:
    service = service_for(host)
    if service is None:
        raise RefusedError(502, f"{host} is not part of the local cloud (*.{SUFFIX}); there is no way out")
    if port != 443:
        raise RefusedError(403, f"{host} answers on port 443 only, not {port}")
    return service, config.port(service)


class _Pipe(asyncio.Protocol):
    """One end of a tunnel: what arrives here is written to `peer`, with back-pressure and half-close."""

    def __init__(self, proxy: Proxy, peer: _Pipe | None = None) -> None:
        self.proxy = proxy
        self.transport: asyncio.Transport | None = None
        self.peer = peer
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows the type
        self.transport = transport
        self.proxy.open.add(transport)
        if self.peer:
            transport.pause_reading()  # the client must see the proxy's answer before anything from here

    def data_received(self, data: bytes) -> None:
        if self.peer and self.peer.transport:
            self.peer.transport.write(data)

    def eof_received(self) -> bool:
        self.ended = True
        peer = self.peer
        if peer is None or peer.transport is None or peer.ended:
            return False  # both directions are done: asyncio closes this end, connection_lost the other
        if not peer.transport.can_write_eof():  # TLS cannot be half-closed
            return False
        peer.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        if self.peer and self.peer.transport:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer and self.peer.transport:
            self.peer.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport:
            self.proxy.open.discard(self.transport)
        peer, self.peer, self.transport = self.peer, None, None
        if peer and peer.transport:
            peer.peer = None
            if exc:
                peer.transport.abort()
            else:
                peer.transport.close()


class _Client(_Pipe):
    """The accepted end: collects one request head, then becomes a plain pipe."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy)
        self.head: bytearray | None = bytearray()
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        if self.head is None:
            super().data_received(data)
            return
        self.head += data
        end = self.head.find(b"\r\n\r\n")
        if end < 0:
            if len(self.head) > HEAD_LIMIT:
                self.answer(431, "request head too large")
            return
        head, rest = bytes(self.head[:end]), bytes(self.head[end + 4 :])
        self.head = None
        self._stop_timer()
        assert self.transport  # noqa: S101 - data arrives only while connected
        self.transport.pause_reading()  # until the other end exists
        self.proxy.spawn(self._begin(head, rest))

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def answer(self, status: int, message: str) -> None:
        """The message is in the reason too: clients show only that when a CONNECT fails."""
        if self.transport is None or self.transport.is_closing():
            return
        body = f"{message}\n".encode()
        size = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        head = f"HTTP/1.1 {status} {message}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        self.transport.write((head + size).encode() + body)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self.timer:
            self.timer.cancel()
            self.timer = None

    async def _begin(self, head: bytes, rest: bytes) -> None:
        try:
            lines = head.decode("latin-1").split("\r\n")
            method, target, *_ = [*lines[0].split(" "), "", ""]
            if method == "CONNECT":
                await self._connect(target, rest)
            elif target.startswith("https://"):
                await self._forward(method, target, lines[1:], rest)
            elif target.partition("?")[0] == "/-/ready":
                self.answer(200, "ready")
            else:
                self.answer(403, "this is a proxy for CONNECT and https:// requests only")
        except RefusedError as error:
            log.info("refused %s", error)
            self.answer(error.status, str(error))
        finally:
            if self.peer is None and self.transport:
                self.transport.close()  # reading is paused: nothing else would ever notice

    async def _connect(self, target: str, rest: bytes) -> None:
        host, _, port = target.rpartition(":")
        if not port.isdecimal():
            raise RefusedError(400, "CONNECT needs host:port")
        await self._join(*_target(self.proxy.config, host, int(port)), None, None)
        if self.transport:
            self.transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._release(rest)

    async def _forward(self, method: str, target: str, headers: list[str], rest: bytes) -> None:
        try:
            url = urlsplit(target)
            host, port = url.hostname or "", url.port or 443
        except ValueError as error:
            raise RefusedError(400, f"not an address: {error}") from error
        await self._join(*_target(self.proxy.config, host, port), self.proxy.tls(), host)
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        kept = [h for h in headers if h.partition(":")[0].strip().lower() not in HOP_BY_HOP | {"host"}]
        # One request per connection: the next one might be for another host.
        lines = [f"{method} {path} HTTP/1.1", f"Host: {url.netloc}", *kept, "Connection: close", "", ""]
        self._release("\r\n".join(lines).encode("latin-1") + rest)

    async def _join(self, service: str, port: int, tls: ssl.SSLContext | None, name: str | None) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, self.peer = await loop.create_connection(
                lambda: _Pipe(self.proxy, self), "127.0.0.1", port, ssl=tls, server_hostname=name
            )
        except OSError as error:
            kind = type(error).__name__
            raise RefusedError(502, f"{service} does not answer on port {port} ({kind})") from error

    def _release(self, first: bytes) -> None:
        """Both ends stand: hand over what already arrived, and let bytes flow."""
        other = self.peer
        if self.transport is None or self.transport.is_closing():
            if other and other.transport:
                other.transport.abort()
            return
        if other is None or other.transport is None:
            self.transport.close()
            return
        other.transport.write(first)
        other.transport.resume_reading()
        self.transport.resume_reading()


class Proxy:
    """The listening socket and every transport that is open through it."""

    def __init__(self, config: LocalConfig) -> None:
        self.config = config
        self.open: set[asyncio.Transport] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._tls: ssl.SSLContext | None = None

    async def start(self) -> None:
        port = self.config.port("proxy")
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Client(self), "127.0.0.1", port, backlog=1024)
        log.info("proxy listens on 127.0.0.1:%d", port)

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for transport in list(self.open):
            transport.abort()
        await asyncio.sleep(0)  # let connection_lost run, so that every socket is closed on return
        if self._server:
            await self._server.wait_closed()

    def spawn(self, work: asyncio._CoroutineLike[None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def tls(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=str(self.config.ca_cert))
        return self._tls
