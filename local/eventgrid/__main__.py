"""`python -m local.eventgrid`: plain HTTP for the platform, TLS for publishers by a topic's host name."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from local import lifeline
from local.config import LocalConfig
from local.eventgrid.service import EventGrid
from local.eventgrid.web import application

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.applications import Starlette

log = logging.getLogger("eventgrid")
NOISY = ("azure", "urllib3", "uvicorn", "asyncio")  # their lines carry URLs with keys


class _Server(uvicorn.Server):
    """Two of them share this process: neither may take the signals for itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(config: LocalConfig) -> None:
    """Until SIGTERM or SIGINT. What is on its way is sent again after a restart."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    grid = EventGrid(config, scale=config.pace)
    app = application(grid)
    servers = [_server(app, config.port("eventgrid"))]
    if config.server_cert.exists():
        servers.append(_server(app, config.port("eventgrid_tls"), config))
    working = [asyncio.ensure_future(grid.dispatcher.run()), asyncio.ensure_future(grid.ensure_default())]
    serving = [asyncio.ensure_future(s.serve()) for s in servers]
    log.info("ready on 127.0.0.1:%d, waits are %g times shorter", config.port("eventgrid"), config.pace)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait([*serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    for task in (*working, stopping):
        task.cancel()
    await asyncio.wait([*serving, *working, stopping])
    await grid.close()


def _server(app: Starlette, port: int, tls: LocalConfig | None = None) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=2,  # a client that keeps its connection does not keep us
            ssl_certfile=tls.server_cert if tls else None,
            ssl_keyfile=tls.server_key if tls else None,
        )
    )


def main() -> None:
    logging.basicConfig(stream=sys.stdout, format="%(levelname).1s %(name)s: %(message)s", level=logging.INFO)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    lifeline.watch()
    asyncio.run(serve(LocalConfig.load()))
    sys.stdout.flush()
    os._exit(0)  # a thread may still wait for an endpoint; what it was sent is sent again after a restart


if __name__ == "__main__":
    main()
