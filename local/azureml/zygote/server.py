"""The zygote's loop: one thread, one selector. It only forks, watches and tells.

Single-threaded on purpose: a forked child inherits no lock that another thread held. `serve` returns once in
the zygote, with None when it shall end, and once in every forked child, with what that child is to do.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.azureml.zygote.protocol import Errand, Task, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Op = Callable[["Client", dict[str, Any]], dict[str, Any]]

OUTBOX_LIMIT = 16 * 1024 * 1024  # a client that never reads is dropped


@dataclass(eq=False)
class Client:
    socket: socket.socket
    inbox: bytes = b""
    outbox: bytes = b""


@dataclass(eq=False)
class Running:
    task: Task
    pid: int
    reports: int  # read end of the child's report pipe
    unparsed: bytes = b""
    reported: dict[str, Any] = field(default_factory=dict[str, Any])
    watchers: set[Client] = field(default_factory=set[Client])
    kill_at: float | None = None

    def describe(self) -> dict[str, Any]:
        return {"name": self.task.name, "pid": self.pid, "reported": self.reported}


class Server:
    def __init__(self, path: Path, lifeline: int | None) -> None:
        self._path = path
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._clients: set[Client] = set()
        self._running: dict[int, Running] = {}
        self._errand: Errand | None = None
        self._ending = False
        self._ops: dict[str, Op] = {"start": self._start, "list": self._list, "stop": self._stop}
        # Nothing is ever written to it: its end tells the children that the zygote is gone.
        self._life_read, self._life_write = os.pipe()
        self._wake_read, self._wake_write = os.pipe()
        self._lifeline = lifeline

    def serve(self) -> Errand | None:
        self._watch_signals()
        self._listen()
        if (lifeline := self._lifeline) is not None:
            self._selector.register(lifeline, selectors.EVENT_READ, self._end)
        while not self._ending:
            for key, _ in self._selector.select(self._patience()):
                key.data()
                if self._errand:
                    return self._errand
            self._kill_overdue()
        self._path.unlink(missing_ok=True)
        return None

    def _listen(self) -> None:
        self._path.unlink(missing_ok=True)
        self._listener.bind(str(self._path))
        self._path.chmod(0o600)
        self._listener.listen(16)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _watch_signals(self) -> None:
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._reap)

    def _end(self, *_: object) -> None:
        self._ending = True

    def _accept(self) -> None:
        client = Client(self._listener.accept()[0])
        client.socket.setblocking(False)
        self._clients.add(client)
        self._selector.register(client.socket, selectors.EVENT_READ, lambda: self._serve_client(client))

    def _serve_client(self, client: Client) -> None:
        self._send(client)
        if client not in self._clients:
            return
        try:
            data = client.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return
        *lines, client.inbox = (client.inbox + data).split(b"\n")
        for line in lines:
            self._answer(client, json.loads(line))
            if self._errand:
                return

    def _answer(self, client: Client, message: dict[str, Any]) -> None:
        try:
            answer = self._ops[message["op"]](client, message)
        except (KeyError, TypeError, OSError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        if self._errand is None:
            self._send(client, {"id": message.get("id"), **answer})

    def _start(self, client: Client, message: dict[str, Any]) -> dict[str, Any]:
        task = Task(**message["task"])
        if any(r.task.name == task.name for r in self._running.values()):
            return {"error": f"{task.name} runs already"}
        reports, report_to = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            os.close(reports)
            self._let_go()
            self._errand = Errand(task, report_to, self._life_read)
            return {}
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)  # both sides set it: whoever comes first, `stop` finds the group
        os.close(report_to)
        os.set_blocking(reports, False)
        running = self._running[pid] = Running(task, pid, reports, watchers={client})
        self._selector.register(reports, selectors.EVENT_READ, lambda: self._take_reports(running))
        return {"children": [running.describe()]}

    def _let_go(self) -> None:
        """In a forked child: undo everything that makes this process the zygote."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        self._selector.close()
        self._listener.close()
        for client in self._clients:
            client.socket.close()
        inherited = [self._life_write, self._wake_read, self._wake_write, self._lifeline]
        for descriptor in (*inherited, *(r.reports for r in self._running.values())):
            if descriptor is not None:
                os.close(descriptor)

    def _list(self, client: Client, _: dict[str, Any]) -> dict[str, Any]:
        for running in self._running.values():
            running.watchers.add(client)
        return {"children": [r.describe() for r in self._running.values()]}

    def _stop(self, _: Client, message: dict[str, Any]) -> dict[str, Any]:
        running = self._running.get(message["pid"])
        if running:
            _signal(running.pid, signal.SIGTERM)
            running.kill_at = time.monotonic() + message["grace"]
        return {}

    def _patience(self) -> float | None:
        deadlines = [r.kill_at for r in self._running.values() if r.kill_at is not None]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _kill_overdue(self) -> None:
        for running in self._running.values():
            if running.kill_at is not None and running.kill_at <= time.monotonic():
                _signal(running.pid, signal.SIGKILL)
                running.kill_at = None

    def _take_reports(self, running: Running) -> None:
        """Reads all there is; at the end of the pipe (a child may close it early) stops listening."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(running.reports, 65536):
                *lines, running.unparsed = (running.unparsed + data).split(b"\n")
                for line in lines:
                    running.reported |= json.loads(line)
                    self._tell(running, {"event": "report", "data": running.reported})
            self._selector.unregister(running.reports)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self._bury(self._running.pop(ended[0]), os.waitstatus_to_exitcode(ended[1]))

    def _bury(self, running: Running, code: int) -> None:
        _signal(running.pid, signal.SIGKILL)  # whatever the child left behind in its group
        if running.reports in self._selector.get_map():
            self._take_reports(running)
        if running.reports in self._selector.get_map():
            self._selector.unregister(running.reports)
        os.close(running.reports)
        self._tell(running, {"event": "exit", "code": code})
        print(f"{running.task.name} (pid {running.pid}) ended with {code}", flush=True)

    def _tell(self, running: Running, message: dict[str, Any]) -> None:
        for client in running.watchers & self._clients:
            self._send(client, {**message, "pid": running.pid})

    def _send(self, client: Client, message: dict[str, Any] | None = None) -> None:
        if message:
            client.outbox += encode(message)
        try:
            while client.outbox:
                client.outbox = client.outbox[client.socket.send(client.outbox) :]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(client)
            return
        if len(client.outbox) > OUTBOX_LIMIT:
            self._drop(client)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.outbox else 0)
        key = self._selector.get_key(client.socket)
        if key.events != wanted:
            self._selector.modify(client.socket, wanted, key.data)

    def _drop(self, client: Client) -> None:
        if client in self._clients:
            self._clients.discard(client)
            self._selector.unregister(client.socket)
            client.socket.close()


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
