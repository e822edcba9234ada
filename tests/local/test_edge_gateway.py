"""The gateway as the process that the supervisor starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from local import appsettings, lifeline, teams
from local.appsettings import ROOT
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.config import LocalConfig

PORTS = ("proxy", "identity", "front", "teams")
SECONDS = 90.0


@contextmanager
def gateway(config: LocalConfig, *, supervisor: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """The process; `supervisor` is the read end of a lifeline."""
    appsettings.secrets_of(config)
    environment = {**os.environ, **config.client_env()}
    if supervisor is not None:
        environment[lifeline.ENV] = str(supervisor)
    process = subprocess.Popen(
        [sys.executable, "-m", "local.gateway"],
        cwd=ROOT,
        env=environment,
        pass_fds=() if supervisor is None else (supervisor,),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def ready(config: LocalConfig, port: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{config.port(port)}/-/ready", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def await_ready(config: LocalConfig) -> None:
    for port in PORTS:
        eventually(lambda port=port: ready(config, port), SECONDS, f"{port} answers")


def test_it_serves_all_four_ends_in_order_and_keeps_secrets_out_of_its_log(config: LocalConfig) -> None:
    with gateway(config) as process:
        await_ready(config)
        url = teams.webhook_url(config)
        statuses = [
            httpx.post(url, json={"text": "x"}, trust_env=False).status_code,
            httpx.get(f"{config.front_url}/healthz?code=SECRET", trust_env=False).status_code,
            httpx.get(
                f"{appsettings.identity(config)['IDENTITY_ENDPOINT']}?resource=SECRET", trust_env=False
            ).status_code,
        ]
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=SECONDS)

    assert statuses == [202, 503, 401]
    assert process.returncode == 0
    assert "front: GET /healthz -> 503" in output
    assert "SECRET" not in output
    assert url.partition("sig=")[2] not in output
    assert "Traceback" not in output


def test_it_does_not_outlive_its_supervisor(config: LocalConfig) -> None:
    read_end, write_end = os.pipe()
    with gateway(config, supervisor=read_end) as process:
        os.close(read_end)
        await_ready(config)

        os.close(write_end)  # what the kernel does when the supervisor dies, whatever the way

        process.communicate(timeout=SECONDS)
    assert not any(ready(config, port) for port in PORTS)


@pytest.mark.parametrize("port", ["proxy", "teams"])
def test_a_taken_port_ends_it_with_a_reason(config: LocalConfig, port: str) -> None:
    import socket

    with socket.create_server(("127.0.0.1", config.port(port))), gateway(config) as process:
        output, _ = process.communicate(timeout=SECONDS)

    assert process.returncode != 0
    assert "address already in use" in output
