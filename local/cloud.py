"""The supervisor: starts the services of the local cloud in order, watches them, ends them together.

Usable in-process (tests, bench, demo) and behind `python -m local`. Everything that a service writes goes to
`<home>/logs/<service>.log`; `show`, if given, gets each line of the talkative ones too.
A Cloud is started and stopped once; its data stay in the home for the next one.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING

from local import environment, home, npm, package, tls
from local.appsettings import ROOT, secrets_of
from local.process import Process, tail
from local.services import Service, command, existing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from local.config import LocalConfig

START_SECONDS = 90.0  # a cold disk and a busy machine; a warm start takes a tenth
STOP_SECONDS = 8.0  # what a service gets to end in order
PORT_SECONDS = 3.0  # what those of a supervisor that was killed get to leave their ports
POLL_SECONDS = 0.05
RESTART_SECONDS = 0.5  # pause before the platform starts a dead functions host again


class CloudError(RuntimeError):
    """The local cloud cannot start or go on; the message names the service and what to look at."""


class Cloud:
    """One local cloud. `settings` override app settings of the functions host."""

    def __init__(
        self,
        config: LocalConfig,
        *,
        settings: Mapping[str, str] | None = None,
        restart: bool = True,
        only: tuple[str, ...] | None = None,
        show: Callable[[str, str], None] | None = None,
    ) -> None:
        self.config = config
        self.services = {s.name: s for s in existing() if only is None or s.name in only}
        self.failure: CloudError | None = None
        self.failed = threading.Event()  # set with `failure`: a service died that nobody asked to die
        self._settings = dict(settings or {})
        self._restarts = restart
        self._show = show
        self._processes: dict[str, Process] = {}
        self._ready = {name: threading.Event() for name in self.services}
        self._meant_to_end: set[Process] = set()
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._home_lock: IO[str] | None = None

    def __enter__(self) -> Cloud:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- all together

    def start(self) -> None:
        """Start everything; returns when all is usable, raises CloudError naming what is not."""
        where = self.config.home
        self._home_lock = home.take(where)
        if not self._home_lock:
            raise CloudError(f"a local cloud runs in {where} already. See: python -m local status")
        self._check_ports()
        npm.ensure()
        tls.ensure(self.config)
        secrets_of(self.config)
        self.config.save()
        self._unpack()
        for name in self.services:
            self._log_path(name).unlink(missing_ok=True)
        with ThreadPoolExecutor(len(self.services) or 1) as pool:
            try:
                for done in [pool.submit(self._bring_up, s) for s in self.services.values()]:
                    done.result()
            except BaseException:
                self._stopping.set()  # the others would wait for what never comes
                raise

    def stop(self) -> None:
        """End all, those that others depend on last."""
        self._stopping.set()
        with self._lock:
            running = dict(self._processes)
            self._meant_to_end |= set(running.values())
        for wave in reversed(self._waves()):
            with ThreadPoolExecutor(len(wave)) as pool:
                for process in (running[name] for name in wave if name in running):
                    pool.submit(process.end, STOP_SECONDS)
        if self._home_lock:
            self._home_lock.close()
            self._home_lock = None

    def wait_ready(self, name: str | None = None, timeout: float = START_SECONDS) -> None:
        """Wait until the service (all, by default) answers; after a restart, for instance."""
        for service in [self.services[name]] if name else list(self.services.values()):
            self._await_ready(service, timeout)

    # --- one service

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def log(self, name: str) -> str:
        path = self._log_path(name)
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self, name: str) -> None:
        """What a crash does. Those that the platform restarts come back by themselves."""
        service, victim = self.services[name], self._processes[name]
        if not self._comes_back(service):
            self._meant_to_end.add(victim)
        victim.kill()

    def restart(self, name: str, settings: Mapping[str, str] | None = None) -> None:
        """End it in order if it runs, start it, wait until it is usable. `settings` are new app settings."""
        self._settings |= settings or {}
        running = self._processes[name]
        self._meant_to_end.add(running)
        running.end(STOP_SECONDS)
        self._launch(self.services[name])
        self._await_ready(self.services[name], START_SECONDS)

    # --- inside

    def _unpack(self) -> None:
        if self.config.package and "functions" in self.services:
            try:
                package.install(self.config, self.config.package)
            except package.PackageUnusable as error:
                raise CloudError(f"the package cannot be used: {error}") from error

    def _bring_up(self, service: Service) -> None:
        try:
            for name in service.after:
                self._await_predecessor(name)
            self._launch(service)
            self._await_ready(service, START_SECONDS)
            service.prepare(self.config)
            self._ready[service.name].set()
        except BaseException as error:
            known = isinstance(error, CloudError)
            self._fail(error if known else CloudError(f"{service.name} could not be started: {error}"))
            raise

    def _await_predecessor(self, name: str) -> None:
        event = self._ready.get(name)
        while event and not event.wait(POLL_SECONDS):
            self._raise_if_over()

    def _launch(self, service: Service) -> None:
        with self._lock:
            self._raise_if_over()
            running = self._processes.get(service.name)
            if running and not running.ended.is_set():
                return  # a restart by hand and the platform's own met
            self._processes[service.name] = Process(
                command(service, self.config),
                environment=self._environment(service),
                directory=ROOT,
                log=self._log_path(service.name),
                show=self._shower(service),
                on_end=lambda ended: self._on_end(service, ended),
            )
            home.record(self.config.home, {name: p.pid for name, p in self._processes.items()})

    def _environment(self, service: Service) -> dict[str, str]:
        overrides = self._settings if service.name == "functions" else {}
        return {
            **environment.own(os.environ),
            "PYTHONUNBUFFERED": "1",
            **self.config.client_env(),
            **service.environment(self.config),
            **overrides,
        }

    def _shower(self, service: Service) -> Callable[[str], None] | None:
        show = self._show
        return None if show is None or service.quiet else lambda line: show(service.name, line)

    def _await_ready(self, service: Service, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not service.ready(self.config):
            self._raise_if_over()
            running = self._processes[service.name]
            if running.ended.is_set() and not self._comes_back(service):
                raise self._ended(service, running)
            if time.monotonic() > deadline:
                raise self._error(service, f"was not ready within {timeout:.0f} s")
            self._stopping.wait(POLL_SECONDS)

    def _on_end(self, service: Service, ended: Process) -> None:
        if self._stopping.is_set() or ended in self._meant_to_end:
            return
        if self._comes_back(service):
            self._say(service.name, f"ended with exit code {ended.code}; starting it again")
            if not self._stopping.wait(RESTART_SECONDS):
                self._launch(service)
            return
        self._fail(self._ended(service, ended))

    def _fail(self, error: CloudError) -> None:
        with self._lock:
            self.failure = self.failure or error
        self.failed.set()

    def _ended(self, service: Service, process: Process) -> CloudError:
        error = self._error(service, f"ended with exit code {process.code}")
        if not self._ready[service.name].is_set():
            error.add_note(f"If the data were made by another version: rm -r {self.config.home}")
        return error

    def _error(self, service: Service, what: str) -> CloudError:
        log = self._log_path(service.name)
        end = tail(log)
        return CloudError(f"{service.name} {what}. The end of {log}:\n{end or '(it wrote nothing)'}")

    def _comes_back(self, service: Service) -> bool:
        """Does the platform start it again? Not before it was ready once: then it is broken, not unlucky."""
        return service.restart and self._restarts and self._ready[service.name].is_set()

    def _raise_if_over(self) -> None:
        if self.failure:
            raise self.failure
        if self._stopping.is_set():
            raise CloudError("the local cloud is being stopped")

    def _say(self, name: str, line: str) -> None:
        if self._show:
            self._show(name, line)

    def _log_path(self, name: str) -> Path:
        return self.config.home / "logs" / f"{name}.log"

    def _waves(self) -> list[list[str]]:
        """Services by how deep they stand in the order of starting."""

        def depth(name: str) -> int:
            return 1 + max((depth(n) for n in self.services[name].after if n in self.services), default=0)

        by_depth: dict[int, list[str]] = {}
        for name in self.services:
            by_depth.setdefault(depth(name), []).append(name)
        return [by_depth[d] for d in sorted(by_depth)]

    def _check_ports(self) -> None:
        """A supervisor that was killed a moment ago may leave its ports only now: wait a little."""
        deadline = time.monotonic() + PORT_SECONDS
        wanted = [port for s in self.services.values() for port in s.ports]
        while taken := home.taken(self.config, wanted):
            if time.monotonic() > deadline:
                ports = ", ".join(f"{number} ({name})" for name, number in taken.items())
                raise CloudError(
                    f"taken by another program: port {ports}. End it, or choose other ports, for instance:"
                    f" python -m local up --port-base {self.config.port_base + 100}"
                )
            self._stopping.wait(POLL_SECONDS)
