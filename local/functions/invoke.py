"""Runs one function once: arguments, thread or loop, time limit, outcome. All triggers go through `run`."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.functions import bindings
from local.functions.context import Context

if TYPE_CHECKING:
    from azure.functions.meta import Datum

    from local.functions.app import LoadedFunction
    from local.functions.connections import Connections
    from local.functions.hostjson import HostJson

log = logging.getLogger("host")
CRASHED = (KeyboardInterrupt, SystemExit)


@dataclass
class Outcome:
    """How an invocation ended. `outputs` holds what was returned (`$return`) and set, by binding name."""

    error: BaseException | None = None
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        return self.error is None


class InvocationError(Exception):
    """The invocation did not end by itself: too slow, or the host is going away."""


class Invoker:
    """The worker's rules: `async def` runs on the loop, `def` in a pool of PYTHON_THREADPOOL_THREAD_COUNT."""

    def __init__(self, host: HostJson, connections: Connections) -> None:
        threads = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
        self._pool = ThreadPoolExecutor(int(threads) if threads else None, thread_name_prefix="function")
        self._timeout = host.timeout
        self._connections = connections
        self._local = threading.local()
        self.overrun = asyncio.Event()  # a function exceeded functionTimeout: the worker has to be restarted
        self.running: set[asyncio.Task[Outcome]] = set()

    async def run(
        self, function: LoadedFunction, datum: Datum, metadata: bindings.Metadata, why: str
    ) -> Outcome:
        """Never raises: the outcome carries what went wrong."""
        invocation = str(uuid.uuid4())
        started = time.perf_counter()
        task = asyncio.ensure_future(self._call(function, datum, metadata, invocation))
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        outcome = await self._limited(function, task)
        milliseconds = (time.perf_counter() - started) * 1000
        word = "succeeded" if outcome.succeeded else "FAILED"
        # A request that went well has its line already: the web side writes it.
        level = (
            logging.DEBUG if outcome.succeeded and function.trigger.type == "httpTrigger" else logging.INFO
        )
        log.log(level, "%s %s in %.0f ms (%s; id %s)", function.name, word, milliseconds, why, invocation[:8])
        if outcome.error:
            log.error("%s: %s", function.name, outcome.error, exc_info=outcome.error)
        return outcome

    async def _limited(self, function: LoadedFunction, task: asyncio.Task[Outcome]) -> Outcome:
        overrun = asyncio.ensure_future(self.overrun.wait())
        done, _ = await asyncio.wait(
            {task, overrun}, timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED
        )
        overrun.cancel()
        if task in done:
            return task.result()
        if not self.overrun.is_set():
            log.critical(
                "%s exceeded functionTimeout (%s s): the worker is restarted", function.name, self._timeout
            )
            self.overrun.set()
        return Outcome(InvocationError(f"{function.name}: the worker was stopped while it ran"))

    async def _call(
        self, function: LoadedFunction, datum: Datum, metadata: bindings.Metadata, invocation: str
    ) -> Outcome:
        outs = {b.name: bindings.Out() for b in function.outputs if b.name != "$return"}
        try:
            arguments: dict[str, Any] = {
                function.trigger.name: bindings.decode(function.trigger, datum, metadata)
            }
            arguments |= outs
            if function.wants_context:
                arguments["context"] = Context(function, invocation, self._local)
            if function.is_async:
                result = await function.call(**arguments)
            else:
                loop = asyncio.get_running_loop()
                result = await loop.run_in_executor(
                    self._pool, self._threaded, function, arguments, invocation
                )
            outputs = {"$return": result} | {name: out.get() for name, out in outs.items()}
            await self._connections.send(function, outputs)
        except asyncio.CancelledError:
            return Outcome(InvocationError(f"{function.name}: cancelled, the host is stopping"))
        except Exception as error:  # noqa: BLE001 - the function's failure is data here
            return Outcome(error)
        except CRASHED as error:
            return Outcome(InvocationError(f"{function.name} tried to end the process: {error!r}"))
        return Outcome(outputs=outputs)

    def _threaded(self, function: LoadedFunction, arguments: dict[str, Any], invocation: str) -> Any:
        self._local.invocation_id = invocation
        try:
            return function.call(**arguments)
        except CRASHED as error:  # must not travel through a future: it would end the event loop
            raise InvocationError(f"{function.name} tried to end the process: {error!r}") from error

    async def drain(self, seconds: float) -> int:
        """Wait for what runs; returns how many were still running when the time was up."""
        if self.running:
            await asyncio.wait(set(self.running), timeout=seconds)
        left = len(self.running)
        self._pool.shutdown(wait=False, cancel_futures=True)
        return left
