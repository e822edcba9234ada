"""From a table of handlers that take a Call to starlette routes below one workspace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from local.azureml.arm import Call

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.config import LocalConfig

Handler = Callable[[Call], Awaitable[Response]]
Row = tuple[str, str, Handler]
Table = list[Row]


def route(method: str, path: str, handler: Handler) -> Row:
    """One row: `path` is what follows the workspace's id."""
    return method, path, handler


def workspace_routes(config: LocalConfig, table: Table, prefix: str = "/arm") -> list[Route]:
    """Starlette tries them in order; rows of the same path share one route, so that 405 is told from 404."""
    handlers: dict[str, dict[str, Handler]] = {}
    for method, path, handler in table:
        handlers.setdefault(path, {})[method] = handler
    return [_route(config, prefix, path, by_method) for path, by_method in handlers.items()]


def _route(config: LocalConfig, prefix: str, path: str, by_method: dict[str, Handler]) -> Route:
    workspaces = {w.env: w for w in config.workspaces}

    async def endpoint(request: Request) -> Response:
        workspace = workspaces[request.path_params["env"]]
        call = Call(request, workspace, request.state.caller)
        return await by_method["GET" if request.method == "HEAD" else request.method](call)

    return Route(f"{prefix}/{{env}}{path}", endpoint, methods=list(by_method))
