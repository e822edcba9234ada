"""Servers beside a test, in an event loop of their own, so that it can use blocking clients as users do."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager

START_SECONDS = 60.0


@contextlib.contextmanager
def beside(*servers: AbstractAsyncContextManager[object]) -> Iterator[None]:
    """All of them are entered, in order, while this is."""
    ready, leave = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    async def serve() -> None:
        async with contextlib.AsyncExitStack() as stack:
            for server in servers:
                await stack.enter_async_context(server)
            ready.set()
            await asyncio.to_thread(leave.wait)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - raised again below, in the test's own thread
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="servers")
    thread.start()
    try:
        assert ready.wait(START_SECONDS)
        if not failures:
            yield
    finally:
        leave.set()
        thread.join(START_SECONDS)
    if failures:
        raise failures[0]
