"""`python -m local.azureml.router`: TLS by host name as in Azure, plain http by path for load tests."""

from __future__ import annotations

import asyncio
import functools
import signal
import ssl
from typing import TYPE_CHECKING

from local import lifeline
from local.azureml.router.access_log import AccessLog
from local.azureml.router.admin import Admin
from local.azureml.router.backends import Backends
from local.azureml.router.gateway import Gateway
from local.azureml.router.http import Request, Response, serve_connection
from local.azureml.router.metrics import Metrics
from local.azureml.router.routes import Routes
from local.config import REGION, SUFFIX, LocalConfig

if TYPE_CHECKING:
    from local.azureml.router.http import Handler

INFERENCE = f".{REGION}.inference.{SUFFIX}"
BACKLOG = 512


def by_host(gateway: Gateway) -> Handler:
    async def handle(request: Request) -> Response:
        host = request.headers.get("host", "").partition(":")[0].lower()
        return await gateway.score(host.removesuffix(INFERENCE), request.path, request)

    return handle


def by_path(gateway: Gateway, admin: Admin) -> Handler:
    async def handle(request: Request) -> Response:
        first, _, rest = request.path[1:].partition("/")
        if first == "-":
            return await admin.handle(request)
        return await gateway.score(first, f"/{rest}", request)

    return handle


async def main(config: LocalConfig) -> None:
    routes = Routes(config.home / "router" / "routes.json")
    backends, metrics = Backends(), Metrics()
    log = AccessLog(config.home / "logs" / "router-access.log")
    gateway, admin = Gateway(routes, backends, metrics, log), Admin(routes, backends, metrics)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(config.server_cert, config.server_key)
    listening = [
        await _listen(by_host(gateway), config.port("router"), tls),
        await _listen(by_path(gateway, admin), config.port("router_http"), None),
    ]
    print(f"routing {len(routes.describe())} endpoints", flush=True)
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    await ending.wait()
    for server in listening:
        server.close()
    log.flush()


async def _listen(handler: Handler, port: int, tls: ssl.SSLContext | None) -> asyncio.Server:
    serve = functools.partial(serve_connection, handler)
    return await asyncio.start_server(serve, "127.0.0.1", port, ssl=tls, backlog=BACKLOG)


if __name__ == "__main__":
    lifeline.watch()
    asyncio.run(main(LocalConfig.load()))
