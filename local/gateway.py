"""`python -m local.gateway`: the local cloud's edge in one process — proxy, identity, front door, Teams."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

import uvicorn

from local import appsettings, lifeline, managed_identity, teams
from local.config import LocalConfig
from local.front import Front
from local.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.types import ASGIApp

TEAMS_RATE_ENV = "GREENLIGHT_LOCAL_TEAMS_RATE"  # messages a second; load tests may want more than Teams takes
GRACE_SECONDS = 2  # what requests in flight get when the gateway is told to end


class _Server(uvicorn.Server):
    """One of several in this process: signals are the gateway's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, port: int) -> AsyncIterator[None]:
    """`app` answers on `port` while this is entered."""
    settings = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        backlog=1024,
        lifespan="off",
        ws="none",
        proxy_headers=False,  # the client is who connects, whatever it says
        access_log=False,  # it would print query strings: `sig`, `code` and tokens are in those
        log_level="warning",
        server_header=False,
        date_header=False,  # the application's own is passed on
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(settings)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        if task.done():
            await task
        yield
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def front_door(config: LocalConfig) -> AsyncIterator[None]:
    front = Front(config)
    try:
        async with serving(front, config.port("front")):
            yield
    finally:
        await front.aclose()


@contextlib.asynccontextmanager
async def running(config: LocalConfig) -> AsyncIterator[None]:
    """All four listen while this is entered."""
    header = appsettings.identity(config)["IDENTITY_HEADER"]
    proxy = Proxy(config)
    async with contextlib.AsyncExitStack() as stack:
        await proxy.start()
        stack.push_async_callback(proxy.stop)
        await stack.enter_async_context(front_door(config))
        rate = int(os.environ.get(TEAMS_RATE_ENV, teams.MAX_PER_SECOND))
        channel = teams.create_app(config, per_second=rate)
        await stack.enter_async_context(serving(channel, config.port("teams")))
        identity_app = managed_identity.create_app(config, header)
        # Last: the supervisor takes its answer for the whole gateway's.
        await stack.enter_async_context(serving(identity_app, config.port("identity")))
        yield


async def _main(config: LocalConfig) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with running(config):
        logging.getLogger("gateway").info("front door %s", config.front_url)
        await ended.wait()


if __name__ == "__main__":
    lifeline.watch()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stdout)
    asyncio.run(_main(LocalConfig.load()))
