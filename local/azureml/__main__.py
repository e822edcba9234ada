"""`python -m local.azureml`: the Azure ML control plane of the local cloud, TLS on the `arm` port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys

import uvicorn

from local import lifeline
from local.azureml.platform import Platform
from local.config import LocalConfig

log = logging.getLogger("azureml")


async def serve(config: LocalConfig) -> None:
    """Until the process is told to end, or the platform cannot start."""
    platform = Platform(config)
    server = uvicorn.Server(
        uvicorn.Config(
            platform.gate,
            host="127.0.0.1",
            port=config.port("arm"),
            ssl_certfile=str(config.server_cert),
            ssl_keyfile=str(config.server_key),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    )
    starting = asyncio.create_task(platform.start(), name="start the platform")
    starting.add_done_callback(lambda task: _started(task, server))
    try:
        await server.serve()
    finally:
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        await platform.stop()


def _started(task: asyncio.Task[None], server: uvicorn.Server) -> None:
    if task.cancelled():
        return
    if error := task.exception():
        log.error("cannot start: %r", error)
        server.should_exit = True
        return
    log.info("ready")


def main() -> None:
    lifeline.watch()
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    for chatty in ("azure", "httpx", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    asyncio.run(serve(LocalConfig.load()))


if __name__ == "__main__":
    main()
