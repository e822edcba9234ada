"""One host: the app's functions behind their triggers, from start to the end of the last invocation."""

from __future__ import annotations

import asyncio
import enum
import logging
import signal
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from local.functions import app, hostjson, keys
from local.functions.admin import Admin
from local.functions.connections import Connections
from local.functions.eventgrid import EventGridWebhook
from local.functions.http_trigger import ANSWER_SECONDS, HttpTriggers
from local.functions.invoke import Invoker
from local.functions.queues import QueueListener
from local.functions.timers import TimerListener
from local.functions.web import Web

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger("host")


@dataclass(frozen=True)
class Options:
    """`state` keeps keys and timer status; `drain` is how long a stopping host waits for what runs.

    `answer` is when a caller of an HTTP function is given up.
    """

    root: Path
    port: int
    state: Path
    drain: float = 5.0
    answer: float = ANSWER_SECONDS


class Ending(enum.Enum):
    """Why the host stopped serving."""

    CLEAN = enum.auto()
    STUCK = enum.auto()  # invocations are still running: their threads would keep the process alive
    OVERRUN = enum.auto()  # a function exceeded its time: the worker is to be started anew


class _Server(uvicorn.Server):
    """Signals are the host's business: polling must stop before the last request is answered."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Host:
    """`run` serves until SIGTERM or SIGINT, or until a function exceeds its time."""

    def __init__(
        self, options: Options, config: hostjson.HostJson, functions: list[app.LoadedFunction]
    ) -> None:
        self._options = options
        access = keys.load_or_create(options.state / "keys.json")
        self._connections = Connections(base64_encoded=config.queues.base64)
        self._invoker = Invoker(config, self._connections)
        http = HttpTriggers(functions, config.route_prefix, self._invoker, access, options.answer)
        self._web = Web(
            http,
            EventGridWebhook(functions, self._invoker, access),
            Admin(functions, self._invoker, access),
            config.custom_headers,
        )
        self._listeners: list[QueueListener | TimerListener] = [
            *(
                QueueListener(f, self._invoker, self._connections, config.queues)
                for f in functions
                if f.trigger.type == "queueTrigger"
            ),
            *(
                TimerListener(f, self._invoker, options.state / "timers")
                for f in functions
                if f.trigger.type == "timerTrigger"
            ),
        ]
        for line in http.describe():
            log.debug("%s", line)

    async def run(self) -> Ending:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        server = _Server(
            uvicorn.Config(
                self._web,
                lifespan="off",
                access_log=False,
                server_header=False,
                log_config=None,
                timeout_keep_alive=75,
            )
        )
        serving = asyncio.ensure_future(server.serve(sockets=[_listen(self._options.port)]))
        polling = [asyncio.ensure_future(listener.run()) for listener in self._listeners]
        self._web.ready = True
        log.info("ready on 127.0.0.1:%d, %d listeners", self._options.port, len(polling))
        await self._until(stop, serving)
        left = await self._stop(server, serving, polling)
        if self._invoker.overrun.is_set():
            return Ending.OVERRUN
        return Ending.STUCK if left else Ending.CLEAN

    async def _until(self, stop: asyncio.Event, serving: asyncio.Future[None]) -> None:
        endings = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._invoker.overrun.wait())]
        await asyncio.wait([serving, *endings], return_when=asyncio.FIRST_COMPLETED)
        for ending in endings:
            ending.cancel()

    async def _stop(
        self, server: uvicorn.Server, serving: asyncio.Future[None], polling: list[asyncio.Task[None]]
    ) -> int:
        """No new work first; then what runs gets `drain` seconds, unless the worker is stuck anyway.

        Returns how many invocations were still running then.
        """
        self._web.ready = False
        for listener in self._listeners:
            listener.stop()
        server.should_exit = True
        left = await self._invoker.drain(0 if self._invoker.overrun.is_set() else self._options.drain)
        if left:
            log.warning("%d invocations were still running after %.0f s", left, self._options.drain)
        closing = [*(listener.finished() for listener in self._listeners), serving, *polling]
        waited = asyncio.gather(*closing, return_exceptions=True)
        try:
            await asyncio.wait_for(waited, 0.5 if left else self._options.drain)
        except TimeoutError:
            log.warning("messages in hand come back when their lease ends")
            left = left or 1  # at least one call to the queue service hangs
        self._connections.close()
        log.info("stopped")
        return left


def _listen(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(1024)  # at once: whoever reads "ready" may connect
    return sock


def start(options: Options) -> Ending:
    """Load and run; raises what is wrong with the app or its host.json before anything listens."""
    config = hostjson.read(options.root / "host.json")
    logging.getLogger().setLevel(config.level("Function"))
    functions = app.load(options.root)
    log.info("%d functions of %s: %s", len(functions), options.root, ", ".join(f.name for f in functions))

    async def run() -> Ending:
        return await Host(options, config, functions).run()

    return asyncio.run(run())
