"""Just enough HTTP/1.1 on asyncio streams: the router's cost per request is the platform's overhead."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[["Request"], Awaitable["Response"]]

BODY_LIMIT = 16 * 1024 * 1024
HEAD_END = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
JSON = "application/json"
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Malformed(ValueError):
    """What arrived is not HTTP, or more than is accepted; the connection ends with this answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # without the query
    query: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def keeps_connection(self) -> bool:
        return self.headers.get("connection", "").lower() != "close"


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def encode(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append(f"content-length: {len(self.body)}\r\n\r\n")
        return "\r\n".join(lines).encode("latin-1") + self.body


def answer(status: int, content: Any, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, json.dumps(content).encode(), {"content-type": JSON, **named})


async def serve_connection(
    handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Requests one after the other until the client is done, or sends what is not HTTP."""
    try:
        while request := await read_request(reader, writer):
            response = await handler(request)
            writer.write(response.encode())
            await writer.drain()
            if not request.keeps_connection:
                return
    except Malformed as error:
        writer.write(answer(error.status, {"message": str(error)}, connection="close").encode())
    except (ConnectionError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """None when the client closed the connection between two requests."""
    try:
        head = await reader.readuntil(HEAD_END)
    except asyncio.LimitOverrunError as error:
        raise Malformed(431, "the header is too large") from error
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Malformed(400, "the header ends too early") from error
        return None
    line, headers = parse_head(head)
    try:
        method, target, version = line.split(" ")
    except ValueError as error:
        raise Malformed(400, "the request line is malformed") from error
    if not version.startswith("HTTP/1."):
        raise Malformed(505, "only HTTP/1.1 is spoken here")
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(CONTINUE)
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, await read_body(reader, headers))


def parse_head(head: bytes) -> tuple[str, dict[str, str]]:
    line, *rest = head[: -len(HEAD_END)].decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for field_line in rest:
        name, colon, value = field_line.partition(":")
        if not colon:
            raise Malformed(400, "a header line is malformed")
        headers[name.lower()] = value.strip()
    return line, headers


async def read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader)
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        raise Malformed(400, "content-length is not a number")
    if int(length) > BODY_LIMIT:
        raise Malformed(413, f"a body may have {BODY_LIMIT} bytes")
    return await reader.readexactly(int(length)) if length != "0" else b""


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        try:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        except ValueError as error:
            raise Malformed(400, "a chunk's size is malformed") from error
        if len(body) + size > BODY_LIMIT:
            raise Malformed(413, f"a body may have {BODY_LIMIT} bytes")
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass  # trailers mean nothing to us
            return body
        body += (await reader.readexactly(size + 2))[:-2]
