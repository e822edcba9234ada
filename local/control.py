"""What `python -m local up|down|status` do: the supervisor in a terminal, and its remote control."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn

from local import home as homes
from local.appsettings import ROOT
from local.cloud import Cloud, CloudError
from local.config import LocalConfig
from local.npm import NodeMissing
from local.services import SERVICES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import FrameType

DOWN_SECONDS = 40.0
COLOURS = (36, 32, 33, 35, 34, 96, 92)
NAME_WIDTH = 9
COMPLAINT = "local: "  # what the supervisor's own last words begin with


class Stopped(BaseException):
    """A signal asked the supervisor to end. Not an Exception: nothing on the way may take it for an error."""


def up(
    config: LocalConfig, *, restart: bool, only: tuple[str, ...] | None = None, ready_fd: int | None = None
) -> int:
    """Run the cloud in the foreground until a signal, or until a service dies that nobody restarts."""
    _on_signals()
    began = time.monotonic()
    show = Console()
    cloud = Cloud(config, restart=restart, only=only, show=show)
    try:
        cloud.start()
        show("local", f"up in {time.monotonic() - began:.1f} s")
        for line in addresses(config):
            show("local", line)
        if ready_fd is not None:
            os.write(ready_fd, b"ready")
            os.close(ready_fd)
        cloud.failed.wait()
        show("local", str(cloud.failure))
    except (CloudError, NodeMissing) as error:
        print(f"{COMPLAINT}{error}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
    except Stopped:
        show("local", "stopping")
        cloud.stop()
        show("local", "stopped; the data stay in " + str(config.home))
        return 0
    finally:
        cloud.stop()
    return 1


def detach(config: LocalConfig, arguments: Sequence[str]) -> int:
    """Start the same supervisor in the background; return when the cloud is usable, or with why it is not."""
    if homes.running(config.home):
        print(f"a local cloud runs in {config.home} already")
        return status(config.home)
    log = config.home / "logs" / "supervisor.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    read_end, write_end = os.pipe()
    words = [word for word in arguments if word != "--detach"]
    command = [sys.executable, "-m", "local", *words, "--ready-fd", str(write_end)]
    with log.open("wb") as sink:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            pass_fds=(write_end,),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    os.close(write_end)
    try:
        ready = os.read(read_end, 16)  # ends empty when the supervisor gives up
    except KeyboardInterrupt:
        child.terminate()
        raise
    if not ready:
        print(COMPLAINT + log.read_text(errors="replace").rpartition(COMPLAINT)[2], end="", file=sys.stderr)
        return 1
    print("\n".join(addresses(config)))
    print(f"follow     tail -f {log}\nstop       python -m local down --home {config.home}")
    return 0


def down(home: Path) -> int:
    running = homes.running(home)
    if running is None:
        print(f"no local cloud runs in {home}")
        return 0
    os.kill(running.supervisor, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while homes.running(home) is not None:
        if time.monotonic() > deadline:
            print(f"the supervisor {running.supervisor} did not end within {DOWN_SECONDS:.0f} s; killing it")
            os.kill(running.supervisor, signal.SIGKILL)
            return 1
        time.sleep(0.1)
    print("stopped")
    return 0


def status(home: Path) -> int:
    """Exit code 0 when everything answers, 1 when something does not, 3 when nothing runs (as systemctl)."""
    running = homes.running(home)
    if running is None:
        print(f"no local cloud runs in {home}")
        return 3
    config = config_of(home)
    services = [s for s in SERVICES if s.name in running.services]
    ready = [s.ready(config) for s in services]
    for service, well in zip(services, ready, strict=True):
        ports = " ".join(f"{p}={config.port(p)}" for p in service.ports)
        word = "ready" if well else "not ready"
        print(f"{service.name:{NAME_WIDTH}}  {word:9}  pid {running.services[service.name]:<7}  {ports}")
    print("\n".join(addresses(config)))
    return 0 if all(ready) else 1


def addresses(config: LocalConfig) -> list[str]:
    return [
        f"dashboard  {config.front_url}",
        f"teams      http://localhost:{config.port('teams')}",
        f"scoring    http://localhost:{config.port('router_http')}",
    ]


def config_of(home: Path) -> LocalConfig:
    """The address book of a home; the default one when it was never started."""
    path = home / "config.json"
    return LocalConfig.load(path) if path.exists() else LocalConfig(home=home.resolve())


class Console:
    """Interleaves the services' lines, each behind its name; coloured on a terminal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._colours = {s.name: colour for s, colour in zip(SERVICES, COLOURS, strict=True)}

    def __call__(self, name: str, line: str) -> None:
        label = f"{name:{NAME_WIDTH}}"
        if self._coloured:
            label = f"\033[{self._colours.get(name, 1)}m{label}\033[0m"
        with self._lock:
            print(f"{label} {line}", flush=True)


def _on_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # asked twice: the lifelines end the rest
    raise Stopped
