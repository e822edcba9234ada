"""What passes through the front door: bodies, streams, answers, and a host that is down or dies."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from local import gateway
from local.config import LocalConfig
from tests.local.application import Application, bearer
from tests.local.servers import beside
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_a_request_arrives_as_it_was_sent(client: httpx.Client, front: LocalConfig) -> None:
    answer = client.post("/api/x%20y/%C3%A9?a=1&a=2&code=k%2B", content=b"hello", headers=bearer(front))

    told = answer.json()
    assert (told["method"], told["path"], told["query"]) == ("POST", "/api/x%20y/%C3%A9", "a=1&a=2&code=k%2B")
    assert told["body"] == "hello"


def test_large_bodies_stream_both_ways(client: httpx.Client, front: LocalConfig) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(64):
            yield b"y" * 65_536

    chunked = client.post("/upload", content=parts(), headers=bearer(front)).json()
    sized = client.post("/upload", content=b"y" * 4_194_304, headers=bearer(front)).json()
    down = client.get("/big", headers=bearer(front))

    assert chunked["size"] == sized["size"] == len(down.content) == 4_194_304


def test_an_answer_is_passed_on_while_it_is_made(
    client: httpx.Client, front: LocalConfig, application: Application
) -> None:
    with client.stream("GET", "/stream", headers=bearer(front)) as answer:
        chunks = answer.iter_raw()
        first = next(chunks)
        application.release()
        rest = b"".join(chunks)

    assert (first, rest) == (b"first", b"second")


@pytest.mark.parametrize(
    ("method", "path"), [("HEAD", "/api/x"), ("DELETE", "/status/204"), ("GET", "/status/304")]
)
def test_answers_without_a_body_end(client: httpx.Client, front: LocalConfig, method: str, path: str) -> None:
    answer = client.request(method, path, headers=bearer(front))

    assert answer.headers["x-application"] == "yes"
    assert answer.content == b""


def test_errors_of_the_application_are_its_own(client: httpx.Client, front: LocalConfig) -> None:
    assert client.get("/status/418", headers=bearer(front)).status_code == 418


def test_while_the_host_is_down_the_answer_is_503_and_it_recovers(config: LocalConfig) -> None:
    def ask() -> httpx.Response:
        return httpx.get(f"{config.front_url}/healthz", trust_env=False)

    with beside(gateway.front_door(config)):
        before = ask()
        with beside(gateway.serving(Application(), config.port("functions"))):
            during = ask()
        after = ask()

    assert (before.status_code, before.headers["retry-after"]) == (503, "1")
    assert during.status_code == 200
    assert (after.status_code, after.headers["retry-after"]) == (503, "1")


@contextmanager
def breaking_host(config: LocalConfig, answer: bytes) -> Iterator[None]:
    """Takes one request, sends `answer`, and is gone."""
    with socket.create_server(("127.0.0.1", config.port("functions"))) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(10)


def test_a_host_that_dies_before_it_answers_is_a_502(config: LocalConfig) -> None:
    with beside(gateway.front_door(config)), breaking_host(config, b""):
        assert httpx.get(f"{config.front_url}/healthz", trust_env=False).status_code == 502


def test_a_host_that_dies_while_it_answers_cuts_the_answer(config: LocalConfig) -> None:
    """The client must be able to tell a cut answer from a whole one."""
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    with (
        beside(gateway.front_door(config)),
        breaking_host(config, start),
        pytest.raises(httpx.RemoteProtocolError),
    ):
        httpx.get(f"{config.front_url}/healthz", trust_env=False)


def test_ready_does_not_need_the_host(config: LocalConfig) -> None:
    with beside(gateway.front_door(config)):
        assert httpx.get(f"{config.front_url}/-/ready", trust_env=False).status_code == 200


def test_a_client_that_leaves_during_its_upload_frees_the_host(
    client: httpx.Client, front: LocalConfig, application: Application
) -> None:
    """The application is told, and the door stays open for others."""
    before = application.requests
    token = bearer(front)["Authorization"]
    with socket.create_connection(("127.0.0.1", front.port("front")), timeout=10) as connection:
        head = f"POST /gone HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: 1000000\r\n\r\n"
        connection.sendall(head.encode() + b"some")
        eventually(lambda: application.requests > before, 5, "the host has the request")

    eventually(lambda: application.left > 0, 5, "the host was told that the client left")
    assert client.get("/api/x", headers=bearer(front)).status_code == 200
