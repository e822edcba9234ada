"""The proxy over real sockets: where names lead, what is refused, and that bytes flow as they came."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from local import tls
from local.proxy import Proxy, service_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from local.config import LocalConfig

    Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def running(config: LocalConfig) -> AsyncIterator[Proxy]:
    proxy = Proxy(config)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
        assert not proxy.open


@asynccontextmanager
async def service(
    config: LocalConfig, name: str, handler: Handler, context: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", config.port(name), ssl=context, backlog=1024)
    async with server:
        yield


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers only after the client's end of stream: shows that half-close passes through."""
    data = await reader.read()
    writer.write(data)
    writer.write_eof()
    await writer.drain()


async def ask(config: LocalConfig, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", config.port("proxy"))
    writer.write(request)
    return reader, writer


async def answer(config: LocalConfig, request: bytes) -> str:
    reader, writer = await ask(config, request)
    try:
        return (await reader.read()).decode()
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("host", "service_name"),
    [
        ("glapp.blob.core.greenlight.test", "blob"),
        ("glapp.queue.core.greenlight.test", "queue"),
        ("GLAPP.Table.core.greenlight.test", "table"),
        ("titanic-qa.westeurope.inference.greenlight.test", "router"),
        ("management.greenlight.test", "arm"),
        ("management.greenlight.test.", "arm"),
        ("mlw-dev.api.greenlight.test", "arm"),
        ("greenlight.test", None),
        ("example.com", None),
        ("management.greenlight.test.example.com", None),
        ("evilgreenlight.test", None),
        ("127.0.0.1", None),
        ("localhost", None),
        ("-.greenlight.test", None),
        ("", None),
    ],
)
def test_names_lead_to_services(host: str, service_name: str | None) -> None:
    assert service_for(host) == service_name


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("CONNECT pypi.example.org:443 HTTP/1.1", 502),
        ("CONNECT 169.254.169.254:80 HTTP/1.1", 502),
        ("CONNECT localhost:22 HTTP/1.1", 502),
        ("CONNECT management.greenlight.test:22 HTTP/1.1", 403),
        ("CONNECT management.greenlight.test HTTP/1.1", 400),
        ("CONNECT management.greenlight.test:443 HTTP/1.1", 502),  # nobody listens there yet
        ("GET http://example.com/ HTTP/1.1", 403),
        ("GET https://example.com/ HTTP/1.1", 502),
        ("GET https://management.greenlight.test:99999/ HTTP/1.1", 400),
        ("GET https://[::1/ HTTP/1.1", 400),
        ("GET / HTTP/1.1", 403),
        ("GET /-/ready HTTP/1.1", 200),
        ("nonsense", 403),
    ],
)
def test_everything_else_is_refused_in_words(config: LocalConfig, request_line: str, status: int) -> None:
    async def story() -> str:
        async with running(config):
            async with asyncio.timeout(5):
                return await answer(config, f"{request_line}\r\nHost: x\r\n\r\n".encode())

    text = asyncio.run(story())

    assert text.startswith(f"HTTP/1.1 {status} ")
    reason = text.split("\r\n")[0].split(" ", 2)[2]
    assert text.endswith(f"\r\n\r\n{reason}\n")


def test_a_head_without_end_is_cut_off(config: LocalConfig) -> None:
    async def story() -> str:
        async with running(config):
            return await answer(config, b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000)

    assert asyncio.run(story()).startswith("HTTP/1.1 431 ")


def test_bytes_pass_both_ways_and_half_close_too(config: LocalConfig) -> None:
    """Four megabytes out, the end of the stream, then the same four megabytes back."""
    payload = bytes(range(256)) * 16_384

    async def story() -> bytes:
        async with running(config), service(config, "arm", echo):
            connect = b"CONNECT management.greenlight.test:443 HTTP/1.1\r\nHost: m\r\n\r\n"
            reader, writer = await ask(config, connect + payload[:10])  # early bytes must not be lost
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            writer.write(payload[10:])
            writer.write_eof()
            back = await reader.read()
            writer.close()
            await writer.wait_closed()
            return back

    assert asyncio.run(story()) == payload


def test_hundreds_of_tunnels_at_once_leave_nothing_behind(config: LocalConfig) -> None:
    async def one(number: int) -> bool:
        reader, writer = await ask(config, b"CONNECT a.blob.core.greenlight.test:443 HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        data = f"tunnel {number}".encode() * 1000
        writer.write(data)
        writer.write_eof()
        same = await reader.read() == data
        writer.close()
        await writer.wait_closed()
        return same

    async def story() -> tuple[list[bool], int]:
        async with running(config) as proxy, service(config, "blob", echo):
            results = await asyncio.gather(*(one(n) for n in range(300)))
            async with asyncio.timeout(5):
                while proxy.open:
                    await asyncio.sleep(0.01)
            return results, len(proxy.open)

    results, left = asyncio.run(story())

    assert (all(results), left) == (True, 0)


def test_a_server_that_dies_closes_the_client(config: LocalConfig) -> None:
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async def story() -> bytes:
        async with running(config), service(config, "arm", die):
            reader, writer = await ask(config, b"CONNECT management.greenlight.test:443 HTTP/1.1\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"x")
            async with asyncio.timeout(5):
                try:
                    return await reader.read()
                except ConnectionResetError:
                    return b""
                finally:
                    writer.close()

    assert asyncio.run(story()) == b""


def test_an_absolute_https_request_is_carried_over_tls(config: LocalConfig) -> None:
    """What axios sends to a proxy: the request arrives in origin form, for one exchange only."""
    tls.ensure(config)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(config.server_cert, config.server_key)
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append((head + await reader.readexactly(4)).decode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()

    async def story() -> str:
        async with running(config), service(config, "blob", serve, context):
            return await answer(
                config,
                b"PUT https://gldev.blob.core.greenlight.test/c/b?sv=1&sig=a%2Fb HTTP/1.1\r\n"
                b"Host: elsewhere\r\nProxy-Connection: keep-alive\r\nConnection: keep-alive\r\n"
                b"Content-Length: 4\r\nX-Keep: yes\r\n\r\nbody",
            )

    assert asyncio.run(story()).endswith("\r\n\r\nok")
    assert seen == [
        "PUT /c/b?sv=1&sig=a%2Fb HTTP/1.1\r\nHost: gldev.blob.core.greenlight.test\r\n"
        "Content-Length: 4\r\nX-Keep: yes\r\nConnection: close\r\n\r\nbody"
    ]
